package traffic

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/decap"
)

// TestConnections: every generated packet decodes with valid checksums, in the order of time. Each connection is one flow of
// eight packets, four of each side, with its own name.
func TestConnections(t *testing.T) {
	c, err := New(100, 3)
	require.NoError(t, err)
	c.Flood = 2
	name := filepath.Join(t.TempDir(), "connections.pcap")
	f, err := os.Create(name)
	require.NoError(t, err)
	require.NoError(t, errors.Join(c.Write(f), f.Close()))

	sides, names, last, n := map[decap.Key][2]int{}, map[string]bool{}, int64(0), 0
	require.NoError(t, captures.EachFrame(name, func(d *decap.Datagram) error {
		var p decap.Packet
		require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, d))
		require.True(t, p.Mirrored)
		require.False(t, p.VerifyChecksums(), "packet %d", n)
		require.GreaterOrEqual(t, d.Nanos, last)
		key, reverse := p.Key(1)
		s := sides[key]
		if reverse {
			s[1]++
		} else {
			s[0]++
		}
		sides[key], last, n = s, d.Nanos, n+1
		if i := bytes.Index(p.Payload, []byte("host-")); i >= 0 {
			names[string(p.Payload[i:i+len(firstName)])] = true
		}
		return nil
	}))
	require.Equal(t, c.Packets(), n)
	require.Len(t, sides, c.Flows())
	require.Len(t, names, 300)
	complete := 0
	for _, s := range sides {
		if s == [2]int{4, 4} {
			complete++
			continue
		}
		require.Equal(t, 1, s[0]+s[1], "a SYN of the flood")
	}
	require.Equal(t, 300, complete)
}

func BenchmarkConnections(b *testing.B) {
	for b.Loop() {
		c, err := New(100_000, 1)
		require.NoError(b, err)
		require.NoError(b, c.Write(io.Discard))
		b.SetBytes(int64(c.Packets()))
	}
}
