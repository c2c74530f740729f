package plot

import "math"

// axes are the ranges of a plot's axes: powers of the base, and 0 to top.
type axes struct{ base, left, right, top float64 }

func (a *axes) power(x float64) float64 { return math.Log(x) / math.Log(a.base) }

func (a *axes) across(x float64) float64 {
	return plotLeft + (a.power(x)-a.left)/(a.right-a.left)*(plotWidth-plotLeft-plotRight)
}

func (a *axes) up(y float64) float64 {
	return plotHeight - plotBottom - y/a.top*(plotHeight-plotTop-plotBottom)
}

// axes returns axes that contain all points.
func (p *Plot) axes() axes {
	a := axes{base: p.Base, left: math.Inf(1), right: math.Inf(-1)}
	const slack = 1e-9 // a logarithm of a power of the base is not always whole
	for _, each := range p.Series {
		for _, q := range each.Points {
			a.left = min(a.left, math.Floor(a.power(q.x)+slack))
			a.right = max(a.right, math.Ceil(a.power(q.x)-slack))
			a.top = max(a.top, q.high)
		}
	}
	a.right, a.top = max(a.right, a.left+1), math.Ceil(a.top*12)/10
	return a
}
