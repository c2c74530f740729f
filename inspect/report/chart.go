package report

import (
	"cmp"
	"fmt"
	"slices"
)

// Sizes of the flow chart.
const (
	chartLeft  = 190 // where the instances' blocks are; their labels are before
	chartRight = 780 // where the names' blocks are; their labels are behind
	blockWidth = 10
	blockGap   = 12
	leastBlock = 2 // so that what is little can be seen
)

// chart is the picture of what goes between instances and names: blocks at both sides, as high as their bytes, and bands
// between them.
type chart struct {
	Width, Height int
	Blocks        []block
	Bands         []band
	Shown         int
}

// block is an instance or a name.
type block struct {
	X, Y, W, H float64
	LabelX     float64
	Anchor     string
	Name       string
	Label      string
	Bytes      int64
}

// band is a flow, drawn as a filled path.
type band struct {
	Path     string
	From, To string
	Bytes    int64
	Tone     int // which of a few colours: that of its instance
}

// tones is how many colours the page has for bands.
const tones = 6

// others is the block of all that are too little for one of their own.
const others = "others"

func drawChart(flows []Flow) *chart {
	if len(flows) == 0 {
		return nil
	}
	flows = slices.Clone(flows)
	from := side(flows, func(f *Flow) *string { return &f.From })
	to := side(flows, func(f *Flow) *string { return &f.To })
	flows = merged(flows)
	var total int64
	for _, f := range flows {
		total += f.Bytes
	}
	rows := max(len(from), len(to))
	height := float64(max(rows*34, 160))
	scale := (height - float64(rows-1)*blockGap) / float64(total)
	c := &chart{Width: pictureWidth, Height: int(height), Shown: len(flows)}
	left := c.blocks(from, scale, chartLeft-blockWidth, chartLeft-blockWidth-8, "end")
	right := c.blocks(to, scale, chartRight, chartRight+blockWidth+8, "start")
	c.bands(flows, left, right, scale)
	return c
}

// end is one end of bands, and what goes there.
type end struct {
	name  string
	bytes int64
}

// side returns the ends at one side, most first, and puts the small ones together, in flows too.
func side(flows []Flow, of func(*Flow) *string) (ends []end) {
	sums := map[string]int64{}
	for i := range flows {
		sums[*of(&flows[i])] += flows[i].Bytes
	}
	for name, n := range sums {
		ends = append(ends, end{name, n})
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.name, b.name)) })
	if len(ends) <= maxEnds {
		return ends
	}
	rest := end{name: others}
	small := map[string]bool{}
	for _, e := range ends[maxEnds-1:] {
		rest.bytes += e.bytes
		small[e.name] = true
	}
	for i := range flows {
		if name := of(&flows[i]); small[*name] {
			*name = others
		}
	}
	return append(ends[:maxEnds-1], rest)
}

// merged puts flows between the same ends together.
func merged(flows []Flow) (all []Flow) {
	at := map[[2]string]int{}
	for _, f := range flows {
		key := [2]string{f.From, f.To}
		i, ok := at[key]
		if !ok {
			i = len(all)
			at[key] = i
			all = append(all, Flow{From: f.From, To: f.To})
		}
		all[i].Bytes += f.Bytes
	}
	return all
}

// blocks draws the blocks of a side, and returns where each begins.
func (c *chart) blocks(ends []end, scale, x, labelX float64, anchor string) map[string]float64 {
	top := map[string]float64{}
	all := -float64(blockGap)
	for _, e := range ends {
		all += max(float64(e.bytes)*scale, leastBlock) + blockGap
	}
	y := max((float64(c.Height)-all)/2, 0) // the shorter side in the middle
	for _, e := range ends {
		h := max(float64(e.bytes)*scale, leastBlock)
		c.Blocks = append(c.Blocks, block{x, y, blockWidth, h, labelX, anchor, shown(e.name), short(shown(e.name), anchor), e.bytes})
		top[e.name] = y
		y += h + blockGap
		c.Height = max(c.Height, int(y))
	}
	return top
}

// bands draws the flows, each behind the one before it at both of its ends. left and right are used up.
func (c *chart) bands(flows []Flow, left, right map[string]float64, scale float64) {
	slices.SortStableFunc(flows, func(a, b Flow) int {
		return cmp.Or(cmp.Compare(left[a.From], left[b.From]), cmp.Compare(right[a.To], right[b.To]))
	})
	order := map[string]int{}
	for _, f := range flows {
		if _, ok := order[f.From]; !ok {
			order[f.From] = len(order)
		}
		h := max(float64(f.Bytes)*scale, 0.5)
		const x0, x1, middle = chartLeft, chartRight, (chartLeft + chartRight) / 2
		y0, y1 := left[f.From], right[f.To]
		left[f.From], right[f.To] = y0+h, y1+h
		c.Bands = append(c.Bands, band{
			Path: fmt.Sprintf("M%d %.1fC%d %.1f %d %.1f %d %.1fL%d %.1fC%d %.1f %d %.1f %d %.1fZ",
				x0, y0, middle, y0, middle, y1, x1, y1, x1, y1+h, middle, y1+h, middle, y0+h, x0, y0+h),
			From: shown(f.From), To: shown(f.To), Bytes: f.Bytes, Tone: order[f.From] % tones,
		})
	}
}

// short cuts a label to the room that it has; its title has it whole.
func short(name, anchor string) string {
	room := 38
	if anchor == "end" {
		room = 24
	}
	if r := []rune(name); len(r) > room {
		return string(r[:room-1]) + "…"
	}
	return name
}

// MiddleY is where the label stands.
func (b block) MiddleY() float64 { return b.Y + b.H/2 }
