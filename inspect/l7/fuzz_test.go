package l7

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzStream gives all stream parsers the same bytes, whole and cut, as the start of a connection.
func FuzzStream(f *testing.F) {
	for _, x := range recordings(f) {
		x.messages(f, func(m message, _ *Hint) { f.Add(m.in.Data, m.in.Side, uint16(len(m.in.Data)/2)) })
	}
	f.Fuzz(func(t *testing.T, data []byte, side uint8, cut uint16) {
		data = data[:min(len(data), Window)]
		n := min(int(cut), len(data))
		for p := None + 1; p < Protos; p++ {
			if Table[p].Stream == nil {
				continue
			}
			m := message{parse: Table[p].Stream}
			fuzzPrefix(t, &m, Input{Data: data[:n], Side: side & 1}, Input{Data: data, Side: side & 1})
		}
	})
}

// fuzzPrefix compares the verdicts on a message's first bytes with those on more of it.
func fuzzPrefix(t *testing.T, m *message, part, whole Input) {
	var h Hint
	early, late := m.try(t, &h, part), m.try(t, &h, whole)
	if early.verdict != More {
		require.Equal(t, early, late)
	}
	for _, in := range []Input{part, whole} {
		got := m.try(t, &h, in)
		in.Final = true
		final := m.try(t, &h, in)
		require.NotEqual(t, More, final.verdict)
		if got.verdict != More {
			require.Equal(t, got, final)
		}
	}
}

// FuzzDatagram gives all datagram parsers the same bytes.
func FuzzDatagram(f *testing.F) {
	for _, x := range recordings(f) {
		x.messages(f, func(m message, _ *Hint) { f.Add(m.in.Data, m.in.Side) })
	}
	f.Fuzz(func(t *testing.T, data []byte, side uint8) {
		for p := None + 1; p < Protos; p++ {
			if Table[p].Datagram == nil {
				continue
			}
			m := message{parse: Table[p].Datagram}
			var h Hint
			in := Input{Data: data, Side: side & 1, Final: true}
			require.NotEqual(t, More, m.try(t, &h, in).verdict)
		}
	})
}
