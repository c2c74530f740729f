package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

func TestChoose(t *testing.T) {
	all := sections(nil)
	chosen, err := choose(all, "")
	require.NoError(t, err)
	require.Equal(t, names(all), names(chosen))
	chosen, err = choose(all, "peers,decoder")
	require.NoError(t, err)
	require.Equal(t, []string{"decoder", "peers"}, names(chosen))
	_, err = choose(all, "peers,decoders")
	require.ErrorContains(t, err, `no part "decoders": want some of decoder, plan`)
}

// TestMeasureAll: a failed section does not affect the others, and an interrupt ends the measurement.
func TestMeasureAll(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	broken := errors.New("broken")
	of := func(t figures.Table, err error) func(context.Context) (figures.Table, error) {
		return func(context.Context) (figures.Table, error) { return t, err }
	}
	rows, err := measureAll(ctx, []section{
		{"one", of(nil, broken)},
		{"two", of(figures.Table{{Name: "figure"}}, nil)},
		{"three", func(ctx context.Context) (figures.Table, error) { cancel(); return nil, ctx.Err() }},
		{"four", of(figures.Table{{Name: "never measured"}}, nil)},
	})
	require.ErrorIs(t, err, broken)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "one: broken")
	require.Len(t, rows, 3)
	assert.Equal(t, "figure", rows[1].Name)
}
