package main

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/decap"
)

// TestConversations: every generated packet decodes with valid checksums, in the order of time. Each connection is one flow of
// eight packets, four of each side, with its own name.
func TestConversations(t *testing.T) {
	c, err := newConversations(100, 3)
	require.NoError(t, err)
	c.flood = 2
	name := filepath.Join(t.TempDir(), "conversations.pcap")
	f, err := os.Create(name)
	require.NoError(t, err)
	require.NoError(t, errors.Join(c.write(f), f.Close()))

	sides, names, last, n := map[decap.Key][2]int{}, map[string]bool{}, int64(0), 0
	require.NoError(t, eachFrame(name, func(d *decap.Datagram) error {
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
	require.Equal(t, c.packets(), n)
	require.Len(t, sides, c.flows())
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

func TestSum(t *testing.T) {
	for n := range 9 {
		b := []byte{0xff, 0xfe, 3, 4, 5, 6, 7, 8, 9}[:n]
		var want uint64
		for i, v := range b {
			want += uint64(v) << (8 - 8*(i%2))
		}
		require.Equal(t, folded(want), folded(sum(b)), n)
	}
	require.Equal(t, uint16(0x1234), folded(sum(binary.BigEndian.AppendUint16(nil, 0x1234))))
}

func BenchmarkConversations(b *testing.B) {
	for b.Loop() {
		c, err := newConversations(100_000, 1)
		require.NoError(b, err)
		require.NoError(b, c.write(io.Discard))
		b.SetBytes(int64(c.packets()))
	}
}

func TestSummaryCount(t *testing.T) {
	summary := `packets        8000000 in 21.327s, 375111 a second
  ok           8000000
flows          1000000, 1000000 of them with a name
evicted flows  12 before their time: --memory was used up
`
	require.Equal(t, 1e6, summaryCount(summary, "flows"))
	require.Equal(t, 12.0, summaryCount(summary, "evicted flows"))
	require.Zero(t, summaryCount(summary, "evicted streams"))
}

// TestPlot: every point lies within the axes, ten times as many flows are one step to the right, and the drawing is XML.
func TestPlot(t *testing.T) {
	p := plot{title: "a < b", base: 10, series: []series{{points: []point{{1e3, 1.2, 1, 1.3}, {1e4, 0.6, 0.5, 0.7}, {1e5, 0, 0, 0}}}}}
	places := circles(t, svg(p))
	require.Len(t, places, 3)
	require.InDelta(t, places[1][0]-places[0][0], places[2][0]-places[1][0], 0.2)
	require.Less(t, places[0][1], places[1][1], "more is higher")
	require.Equal(t, plotHeight-plotBottom, places[2][1], "0 is on the axis")
	for _, at := range places {
		require.True(t, at[0] >= plotLeft && at[0] <= plotWidth-plotRight && at[1] >= plotTop && at[1] <= plotHeight-plotBottom, at)
	}
}

// TestPlots: a second plot is below the first, with two named series and an axis of base 2.
func TestPlots(t *testing.T) {
	rates := []workerRates{{1, []float64{1.25, 1, 0.5}, []float64{1, 1, 1}}, {2, []float64{2, 2, 2}, []float64{0.9, 0.9, 0.9}}, {4, []float64{2, 2, 2}, []float64{0.9, 0.9, 0.9}}}
	drawn := svg(plot{base: 10, series: []series{{points: []point{{1e3, 1, 1, 1}}}}}, plotWorkers(rates))
	require.Contains(t, drawn, `viewBox="0 0 720 800"`)
	require.Contains(t, drawn, "per second")
	places := circles(t, drawn)
	require.Len(t, places, 7)
	for _, line := range [][][2]float64{places[1:4], places[4:7]} {
		require.InDelta(t, line[1][0]-line[0][0], line[2][0]-line[1][0], 0.2)
		require.Equal(t, plotLeft, line[0][0])
		require.Equal(t, plotWidth-plotRight, line[2][0])
	}
	rows := workerTable(rates)
	require.Len(t, rows, 8)
	require.Equal(t, []float64{1.6, 2, 4}, rows[3].Values)
}

// circles returns the centres of the circles of a drawing, which must be XML.
func circles(t *testing.T, drawing string) (places [][2]float64) {
	d := xml.NewDecoder(strings.NewReader(drawing))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return places
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			places = append(places, [2]float64{figures.Number(e.Attr[0].Value), figures.Number(e.Attr[1].Value)})
		}
	}
}
