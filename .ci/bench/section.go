package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/gobench"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/peers"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/plan"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/replay"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/scale"
)

// A section is a part of the table that can be measured separately.
type section struct {
	name    string // for -only
	measure func(context.Context) (figures.Table, error)
}

// sections returns all sections, in the order of the table. Sections that need captures call open when they are measured.
func sections(open func() (captures.Captures, error)) []section {
	of := func(measure func(context.Context, captures.Captures) (figures.Table, error)) func(context.Context) (figures.Table, error) {
		return func(ctx context.Context) (figures.Table, error) {
			c, err := open()
			if err != nil {
				return nil, err
			}
			return measure(ctx, c)
		}
	}
	return []section{
		{"decoder", gobench.Decoder},
		{"plan", plan.Measure},
		{"replay", of(replay.Measure)},
		{"cores", of(replay.Cores)},
		{"peers", of(peers.Measure)},
		{"records", of(records)},
		{"windows", gobench.Windows},
		{"scale", of(scale.Measure)},
	}
}

// records measures the Parquet writer alone, then a replay that writes Parquet files.
func records(ctx context.Context, c captures.Captures) (figures.Table, error) {
	t, err := gobench.Parquet(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := replay.Parquet(ctx, c.Mirrored)
	return append(t, rows...), err
}

// choose returns the sections whose names are in list, in the order of the table; all sections if list is empty.
func choose(all []section, list string) (chosen []section, err error) {
	if list == "" {
		return all, nil
	}
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		if !slices.Contains(names(all), name) {
			return nil, fmt.Errorf("no part %q: want some of %s", name, strings.Join(names(all), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(s section) bool { return !slices.Contains(wanted, s.name) }), nil
}

// measureAll measures one section after the other. It goes on after a failure, since the other sections take minutes.
func measureAll(ctx context.Context, chosen []section) (t figures.Table, failed error) {
	for _, s := range chosen {
		rows, err := s.measure(ctx)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
			rows = figures.Table{{Name: s.name, Skipped: "failed, see below"}}
		}
		t = append(t, rows...)
		if ctx.Err() != nil {
			break
		}
	}
	return t, failed
}

func names(all []section) (n []string) {
	for _, s := range all {
		n = append(n, s.name)
	}
	return n
}
