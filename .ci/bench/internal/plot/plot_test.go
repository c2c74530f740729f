package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/stretchr/testify/require"
)

// TestPlot: every point lies within the axes, ten times as many flows are one step to the right, and the drawing is XML.
func TestPlot(t *testing.T) {
	p := Plot{Title: "a < b", Base: 10, Series: []Series{{Points: []Point{{1e3, 1.2, 1, 1.3}, {1e4, 0.6, 0.5, 0.7}, {1e5, 0, 0, 0}}}}}
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
	line := []Point{{1, 1.2, 1, 1.3}, {2, 2, 2, 2}, {4, 2, 2, 2}}
	drawn := svg(Plot{Base: 10, Series: []Series{{Points: []Point{{1e3, 1, 1, 1}}}}},
		Plot{Base: 2, Series: []Series{{Name: "per second", Points: line}, {Name: "per CPU-second", Points: line}}})
	require.Contains(t, drawn, `viewBox="0 0 720 800"`)
	require.Contains(t, drawn, "per second")
	places := circles(t, drawn)
	require.Len(t, places, 7)
	for _, line := range [][][2]float64{places[1:4], places[4:7]} {
		require.InDelta(t, line[1][0]-line[0][0], line[2][0]-line[1][0], 0.2)
		require.Equal(t, plotLeft, line[0][0])
		require.Equal(t, plotWidth-plotRight, line[2][0])
	}
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
