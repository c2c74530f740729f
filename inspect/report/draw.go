package report

import (
	"fmt"
	"slices"
	"time"
)

// Sizes of the pictures, in the units of their own coordinates.
const (
	pictureWidth = 1040
	timesHeight  = 200 // of the bars' area
	timesLeft    = 72  // for the labels of the axis
)

// timesPlot is the picture of bytes over time.
type timesPlot struct {
	Width, Height, Left int
	Bars                []timeBar
	Lines               []gridLine
	Labels              []label
	Step                string
	HasIn               bool
}

// timeBar is one step: what left the interfaces, and on it what reached them.
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

func drawTimes(s *Series) *timesPlot {
	p := &timesPlot{Width: pictureWidth, Height: timesHeight, Left: timesLeft, Step: stepText(s.Step)}
	var most int64 = 1
	for i := range s.Out {
		most = max(most, s.Out[i]+s.In[i])
	}
	step := tick(most)
	top := (most + step - 1) / step * step
	scale := func(n int64) float64 { return float64(n) / float64(top) * timesHeight }
	for n := int64(0); n <= top && n >= 0; n += step {
		p.Lines = append(p.Lines, gridLine{timesHeight - scale(n), Approximately(n)})
	}
	width := float64(pictureWidth-timesLeft) / float64(len(s.Out))
	for i := range s.Out {
		out, in := scale(s.Out[i]), scale(s.In[i])
		p.HasIn = p.HasIn || s.In[i] > 0
		p.Bars = append(p.Bars, timeBar{
			X: timesLeft + float64(i)*width, W: max(width-1, min(width, 1)),
			OutY: timesHeight - out, OutH: out, InY: timesHeight - out - in, InH: in,
			When: time.Unix(s.Start+int64(i)*s.Step, 0).UTC().Format("2006-01-02 15:04"), Out: s.Out[i], In: s.In[i], TitleHeight: timesHeight,
		})
	}
	p.Labels = timeLabels(s, width)
	return p
}

// labelSteps are round distances of labels, seconds.
var labelSteps = append([]int64{60, 120, 300, 600, 900, 1800, 3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600}, steps[9:]...)

// maxLabels is how many fit below the bars.
const maxLabels = 9

// timeLabels are at round times, each below the bar that begins there.
func timeLabels(s *Series, width float64) (labels []label) {
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
			labels = append(labels, label{timesLeft + float64(n)*width, time.Unix(at, 0).UTC().Format(format)})
		}
	}
	return labels
}

// tick returns a round distance of which about four are in most.
func tick(most int64) int64 {
	unit := int64(1)
	for most/unit >= 1024 && unit < 1<<50 {
		unit <<= 10
	}
	for _, n := range []int64{1, 2, 5, 10, 20, 50, 100, 200} {
		if most/(n*unit) <= 4 {
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

// barRow is one of the top names.
type barRow struct {
	Name  string
	Bytes int64
	Share float64 // of the longest, percent
}

func drawBars(bars []Bar) (rows []barRow) {
	for _, b := range bars {
		if b.Bytes > 0 {
			rows = append(rows, barRow{shown(b.Name), b.Bytes, 100 * float64(b.Bytes) / float64(bars[0].Bytes)})
		}
	}
	return rows
}

// shown is a name as the page shows it.
func shown(name string) string {
	if name == "" {
		return "–"
	}
	return printable(name)
}
