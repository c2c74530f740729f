// Package plot draws figures as SVG.
package plot

import (
	"fmt"
	"html"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// A Plot shows positive values y with their range over positive x. The x axis is logarithmic; the y axis begins at 0.
type Plot struct {
	Title, X, Y string
	Base        float64 // of the logarithmic axis: the factor between two grid lines
	Series      []Series
}

// Series is points connected by a line. If there are several series, each has a name.
type Series struct {
	Name   string
	Points []Point
}

// A Point is the median y of values, and their range.
type Point struct{ x, y, low, high float64 }

// PointOf returns the median and the range of values.
func PointOf(x int, values []float64) Point {
	return Point{float64(x), figures.Median(values), slices.Min(values), slices.Max(values)}
}

// Size and margins of a plot, in pixels.
const (
	plotWidth, plotHeight = 720.0, 400.0
	plotLeft, plotTop     = 70.0, 50.0
	plotRight, plotBottom = 50.0, 60.0
)

// seriesColors are the colours of the series, in order.
var seriesColors = [...]string{"#1f5fa8", "#b8561b"}

// Save writes a file with plots, one below the other.
func Save(name string, plots ...Plot) error {
	return os.WriteFile(name, []byte(svg(plots...)), 0o644)
}

// svg draws plots one below the other, on white for dark pages.
func svg(plots ...Plot) string {
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="13" text-anchor="middle">
<rect width="100%%" height="100%%" fill="white"/>
`, plotWidth, plotHeight*float64(len(plots)))
	for i := range plots {
		fmt.Fprintf(&s, "<g transform=\"translate(0 %g)\">\n", plotHeight*float64(i))
		plots[i].draw(&s)
		s.WriteString("</g>\n")
	}
	s.WriteString("</svg>\n")
	return s.String()
}

func (p *Plot) draw(s *strings.Builder) {
	text(s, plotWidth/2, 25, "", p.Title)
	text(s, plotWidth/2, plotHeight-15, "", p.X)
	text(s, 20, plotHeight/2, fmt.Sprintf(` transform="rotate(-90 20 %g)"`, plotHeight/2), p.Y)
	a := p.axes()
	for e := a.left; e <= a.right; e++ {
		value := math.Round(math.Pow(a.base, e))
		x := a.across(value)
		line(s, "#ddd", x, a.up(0), x, a.up(a.top))
		text(s, x, a.up(0)+20, "", figures.Thousands(int(value)))
	}
	for i := range 6 {
		y := a.top * float64(i) / 5
		line(s, "#ddd", plotLeft, a.up(y), plotWidth-plotRight, a.up(y))
		text(s, plotLeft-6, a.up(y)+4, ` text-anchor="end"`, fmt.Sprintf("%.3g", y))
	}
	for i := range p.Series {
		p.Series[i].draw(s, &a, i)
	}
}

// draw draws the n-th series, with figures above the points of the first series and below those of the second.
func (l *Series) draw(s *strings.Builder, a *axes, n int) {
	color := seriesColors[n]
	var path []string
	for _, q := range l.Points {
		x, y := a.across(q.x), a.up(q.y)
		path = append(path, fmt.Sprintf("%.1f,%.1f", x, y))
		line(s, color, x, a.up(q.low), x, a.up(q.high))
		fmt.Fprintf(s, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n", x, y, color)
		beside := a.up(q.high) - 10
		if n > 0 {
			beside = a.up(q.low) + 20
		}
		text(s, max(x, plotLeft+20), beside, ` fill="`+color+`"`, figures.Format(q.y))
	}
	fmt.Fprintf(s, "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", strings.Join(path, " "), color)
	if l.Name != "" {
		text(s, plotLeft+10, plotHeight-plotBottom-30+18*float64(n), ` text-anchor="start" fill="`+color+`"`, l.Name)
	}
}

func text(s *strings.Builder, x, y float64, more, what string) {
	fmt.Fprintf(s, "<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>\n", x, y, more, html.EscapeString(what))
}

func line(s *strings.Builder, color string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(s, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2, color)
}
