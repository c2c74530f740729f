package page

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// Sizes of the flow chart.
const (
	flowLeft       = 190 // x of the instances' blocks; their labels are to the left
	flowRight      = 780 // x of the names' blocks; their labels are to the right
	blockWidth     = 10
	blockGap       = 12
	minBlockHeight = 2 // so that the smallest block is visible
	minBandHeight  = 0.5
)

// flowChart is a Sankey diagram: blocks for instances on the left and for names on the right, and bands between them. Heights
// are proportional to bytes.
type flowChart struct {
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

// band is a link, drawn as a filled path.
type band struct {
	Path     string
	From, To string
	Bytes    int64
	Colour   int // index of the instance's colour
}

// bandColours is the number of colours that the page has for bands.
const bandColours = 6

func newFlowChart(links []report.Link) *flowChart {
	if len(links) == 0 {
		return nil
	}
	links = slices.Clone(links)
	from := mergeSmallNodes(links, func(l *report.Link) *string { return &l.From })
	to := mergeSmallNodes(links, func(l *report.Link) *string { return &l.To })
	links = mergeLinks(links)
	var total int64
	for _, l := range links {
		total += l.Bytes
	}
	rows := max(len(from), len(to))
	height := float64(max(rows*34, 160))
	scale := (height - float64(rows-1)*blockGap) / float64(total)
	c := &flowChart{Width: chartWidth, Height: int(height), Shown: len(links)}
	left := c.addBlocks(from, scale, flowLeft-blockWidth, flowLeft-blockWidth-8, "end")
	right := c.addBlocks(to, scale, flowRight, flowRight+blockWidth+8, "start")
	c.addBands(links, left, right, scale)
	return c
}

// addBlocks adds the blocks of one side, and returns the top of each.
func (c *flowChart) addBlocks(nodes []node, scale, x, labelX float64, anchor string) map[string]float64 {
	top := map[string]float64{}
	all := -float64(blockGap)
	for _, n := range nodes {
		all += max(float64(n.bytes)*scale, minBlockHeight) + blockGap
	}
	y := max((float64(c.Height)-all)/2, 0) // centre the shorter side
	for _, n := range nodes {
		h := max(float64(n.bytes)*scale, minBlockHeight)
		c.Blocks = append(c.Blocks, block{
			x, y, blockWidth, h, labelX, anchor, displayName(n.name), truncateLabel(displayName(n.name), anchor), n.bytes,
		})
		top[n.name] = y
		y += h + blockGap
		c.Height = max(c.Height, int(y))
	}
	return top
}

// addBands adds the links, each below the previous one at both of its ends. It advances the positions in left and right.
func (c *flowChart) addBands(links []report.Link, left, right map[string]float64, scale float64) {
	slices.SortStableFunc(links, func(a, b report.Link) int {
		return cmp.Or(cmp.Compare(left[a.From], left[b.From]), cmp.Compare(right[a.To], right[b.To]))
	})
	order := map[string]int{}
	for _, l := range links {
		if _, ok := order[l.From]; !ok {
			order[l.From] = len(order)
		}
		h := max(float64(l.Bytes)*scale, minBandHeight)
		const x0, x1, middle = flowLeft, flowRight, (flowLeft + flowRight) / 2
		y0, y1 := left[l.From], right[l.To]
		left[l.From], right[l.To] = y0+h, y1+h
		c.Bands = append(c.Bands, band{
			Path: fmt.Sprintf("M%d %.1fC%d %.1f %d %.1f %d %.1fL%d %.1fC%d %.1f %d %.1f %d %.1fZ",
				x0, y0, middle, y0, middle, y1, x1, y1, x1, y1+h, middle, y1+h, middle, y0+h, x0, y0+h),
			From: displayName(l.From), To: displayName(l.To), Bytes: l.Bytes, Colour: order[l.From] % bandColours,
		})
	}
}

// truncateLabel cuts a label to the width of its side. The block's title has the whole name.
func truncateLabel(name, anchor string) string {
	limit := 38
	if anchor == "end" {
		limit = 24
	}
	if r := []rune(name); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return name
}

// MiddleY returns the y of the label.
func (b block) MiddleY() float64 { return b.Y + b.H/2 }
