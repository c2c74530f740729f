package sim_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/sim"
)

// carry sends numbered copies along a path and returns the payloads in the order of arrival. One buffer holds each copy in
// turn, as Encapsulate's does.
func carry(p *sim.Path, n int) (arrived [][]byte) {
	frame := make([]byte, 64)
	for i := range n {
		clear(frame)
		binary.BigEndian.PutUint64(frame[50:], uint64(i))
		for _, c := range p.Carry(sim.Copy{Frame: frame, Payload: frame[50:]}) {
			arrived = append(arrived, slices.Clone(c.Payload))
		}
	}
	for _, c := range p.Flush() {
		arrived = append(arrived, slices.Clone(c.Payload))
	}
	return arrived
}

func number(payload []byte) int { return int(binary.BigEndian.Uint64(payload)) }

func TestPathWithoutMishapsChangesNothing(t *testing.T) {
	for i, payload := range carry(sim.NewPath(sim.Odds{Seed: 1}), 100) {
		require.Equal(t, i, number(payload))
	}
}

func TestPathAccountsForEveryCopy(t *testing.T) {
	const n = 20000
	odds := sim.Odds{Loss: 0.1, Duplicate: 0.05, Corrupt: 0.02, Reorder: 0.2, Seed: 7}
	p := sim.NewPath(odds)
	arrived := carry(p, n)
	require.EqualValues(t, n-p.Lost+p.Duplicated, len(arrived))
	for _, share := range []struct {
		got  uint64
		want float64
	}{{p.Lost, n * 0.1}, {p.Duplicated, n * 0.9 * 0.05}, {p.Corrupted, n * 0.9 * 0.02}, {p.Reordered, n * 0.9 * 0.2}} {
		require.InEpsilon(t, share.want, float64(share.got), 0.2)
	}
	require.True(t, slices.EqualFunc(arrived, carry(sim.NewPath(odds), n), bytes.Equal), "the same seed gives the same")
	odds.Seed++
	require.False(t, slices.EqualFunc(arrived, carry(sim.NewPath(odds), n), bytes.Equal), "another seed does not")
}

func TestReorderedCopiesAllArriveSoon(t *testing.T) {
	const n = 5000
	p := sim.NewPath(sim.Odds{Reorder: 0.3, Seed: 3})
	arrived := carry(p, n)
	order := make([]int, len(arrived))
	for i, payload := range arrived {
		order[i] = number(payload)
		require.InDelta(t, order[i], i, 40, "displaced at position %d", i)
	}
	require.False(t, slices.IsSorted(order))
	slices.Sort(order)
	for i := range n {
		require.Equal(t, i, order[i])
	}
}

func TestCorruptChangesThePayloadAlone(t *testing.T) {
	p := sim.NewPath(sim.Odds{Corrupt: 1, Seed: 5})
	for range 1000 {
		frame := make([]byte, 64)
		c := p.Carry(sim.Copy{Frame: frame, Payload: frame[42:]})[0]
		require.Equal(t, make([]byte, 42), c.Frame[:42])
		require.NotEqual(t, make([]byte, 22), c.Payload)
	}
}
