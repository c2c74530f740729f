package main

import (
	"fmt"
	"html"
	"math"
	"os"
	"strings"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// scalePlot is where the plot of packets against flows goes.
const scalePlot = "docs/scale.svg"

// A plot shows positive values y, with their range, over positive x. The axis of x is logarithmic, that of y begins at 0.
type plot struct {
	title, x, y string
	points      []point
}

type point struct{ x, y, low, high float64 }

// The plot's size, and that of what is around the axes, in pixels.
const (
	plotWidth, plotHeight = 720.0, 400.0
	plotLeft, plotTop     = 70.0, 50.0
	plotRight, plotBottom = 50.0, 60.0
)

func (p *plot) save(name string) error { return os.WriteFile(name, []byte(p.svg()), 0o644) }

// svg draws the plot, on white, since pages may be dark.
func (p *plot) svg() string {
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="13" text-anchor="middle">
<rect width="100%%" height="100%%" fill="white"/>
`, plotWidth, plotHeight)
	text(&s, plotWidth/2, 25, "", p.title)
	text(&s, plotWidth/2, plotHeight-15, "", p.x)
	text(&s, 20, plotHeight/2, fmt.Sprintf(` transform="rotate(-90 20 %g)"`, plotHeight/2), p.y)
	left, right, top := p.ranges()
	across := func(x float64) float64 {
		return plotLeft + (math.Log10(x)-left)/(right-left)*(plotWidth-plotLeft-plotRight)
	}
	up := func(y float64) float64 { return plotHeight - plotBottom - y/top*(plotHeight-plotTop-plotBottom) }
	for e := left; e <= right; e++ {
		x := across(math.Pow(10, e))
		line(&s, "#ddd", x, up(0), x, up(top))
		text(&s, x, up(0)+20, "", thousands(int(math.Pow(10, e))))
	}
	for i := range 6 {
		y := top * float64(i) / 5
		line(&s, "#ddd", plotLeft, up(y), plotWidth-plotRight, up(y))
		text(&s, plotLeft-6, up(y)+4, ` text-anchor="end"`, fmt.Sprintf("%.3g", y))
	}
	var way []string
	for _, q := range p.points {
		way = append(way, fmt.Sprintf("%.1f,%.1f", across(q.x), up(q.y)))
		line(&s, "#1f5fa8", across(q.x), up(q.low), across(q.x), up(q.high))
		fmt.Fprintf(&s, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"#1f5fa8\"/>\n", across(q.x), up(q.y))
		text(&s, across(q.x), up(q.high)-10, "", figures.Print(q.y))
	}
	fmt.Fprintf(&s, "<polyline points=\"%s\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>\n</svg>\n", strings.Join(way, " "))
	return s.String()
}

// ranges returns the powers of ten between which the points are, and the end of the other axis.
func (p *plot) ranges() (left, right, top float64) {
	left, right = math.Inf(1), math.Inf(-1)
	for _, q := range p.points {
		left, right = min(left, math.Floor(math.Log10(q.x))), max(right, math.Ceil(math.Log10(q.x)))
		top = max(top, q.high)
	}
	return left, max(right, left+1), math.Ceil(top*12) / 10
}

func text(s *strings.Builder, x, y float64, more, what string) {
	fmt.Fprintf(s, "<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>\n", x, y, more, html.EscapeString(what))
}

func line(s *strings.Builder, color string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(s, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2, color)
}
