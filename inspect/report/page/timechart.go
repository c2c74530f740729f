package page

import (
	"fmt"
	"slices"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// Sizes of the charts, in the units of their own coordinates.
const (
	chartWidth = 1040
	timeHeight = 200 // of the area of bars
	timeLeft   = 72  // the width of the axis labels
)

// timeChart is a bar chart of bytes over time.
type timeChart struct {
	Width, Height, Left int
	Bars                []timeBar
	Lines               []gridLine
	Labels              []label
	Step                string
	HasIn               bool
}

// timeBar is one step: the outgoing bytes, and on top of them the incoming ones.
type timeBar struct {
	X, W        float64
	OutY, OutH  float64
	InY, InH    float64
	When        string
	Out, In     int64
	TitleHeight int
}

type gridLine struct {
	Y    float64
	Text string
}

type label struct {
	X    float64
	Text string
}

func newTimeChart(s *report.Series) *timeChart {
	c := &timeChart{Width: chartWidth, Height: timeHeight, Left: timeLeft, Step: stepText(s.Step)}
	var highest int64 = 1
	for i := range s.Out {
		highest = max(highest, s.Out[i]+s.In[i])
	}
	step := gridStep(highest)
	top := (highest + step - 1) / step * step
	scale := func(n int64) float64 { return float64(n) / float64(top) * timeHeight }
	for n := int64(0); n <= top && n >= 0; n += step {
		c.Lines = append(c.Lines, gridLine{timeHeight - scale(n), report.FormatBytes(n)})
	}
	width := float64(chartWidth-timeLeft) / float64(len(s.Out))
	for i := range s.Out {
		out, in := scale(s.Out[i]), scale(s.In[i])
		c.HasIn = c.HasIn || s.In[i] > 0
		c.Bars = append(c.Bars, timeBar{
			X: timeLeft + float64(i)*width, W: max(width-1, min(width, 1)),
			OutY: timeHeight - out, OutH: out, InY: timeHeight - out - in, InH: in,
			When: time.Unix(s.Start+int64(i)*s.Step, 0).UTC().Format("2006-01-02 15:04"), Out: s.Out[i], In: s.In[i], TitleHeight: timeHeight,
		})
	}
	c.Labels = timeLabels(s, width)
	return c
}

// labelSteps are round intervals between labels, in seconds.
var labelSteps = []int64{
	60, 120, 300, 600, 900, 1800, 3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400, 365 * 86400,
}

// maxLabels is the number of labels that fit below the bars.
const maxLabels = 9

// timeLabels returns labels at round times, each below the bar that starts then.
func timeLabels(s *report.Series, width float64) (labels []label) {
	total := int64(len(s.Out)) * s.Step
	i := slices.IndexFunc(labelSteps, func(n int64) bool { return n >= s.Step && total/n < maxLabels })
	if i < 0 {
		i = len(labelSteps) - 1
	}
	format := "15:04"
	if labelSteps[i] >= 86400 || total > 2*86400 {
		format = "2006-01-02"
	}
	for n := range s.Out {
		if at := s.Start + int64(n)*s.Step; at%labelSteps[i] == 0 || labelSteps[i] == s.Step {
			labels = append(labels, label{timeLeft + float64(n)*width, time.Unix(at, 0).UTC().Format(format)})
		}
	}
	return labels
}

// gridStep returns a round interval between grid lines, so that about four lines fit below highest.
func gridStep(highest int64) int64 {
	unit := int64(1)
	for highest/unit >= 1024 && unit < 1<<50 {
		unit <<= 10
	}
	for _, n := range []int64{1, 2, 5, 10, 20, 50, 100, 200} {
		if highest/(n*unit) <= 4 {
			return n * unit
		}
	}
	return 250 * unit
}

func stepText(seconds int64) string {
	switch {
	case seconds%86400 == 0:
		return fmt.Sprintf("%d d", seconds/86400)
	case seconds%3600 == 0:
		return fmt.Sprintf("%d h", seconds/3600)
	default:
		return fmt.Sprintf("%d min", seconds/60)
	}
}
