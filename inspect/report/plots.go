package report

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Plots is the data of the plots of a page, over the records of a report.
type Plots struct {
	Times Series
	Names []Bar  // descending by bytes
	Links []Link // between instances and names, descending by bytes
}

// Series is bytes over time, in steps of Step seconds from Start.
type Series struct {
	Start, Step int64
	Out, In     []int64 // out of and into the interfaces; bytes of unknown direction are in Out
}

// Bar is the bytes of one name.
type Bar struct {
	Name  string
	Bytes int64
}

// Link is the bytes between an instance and a name, in both directions.
type Link struct {
	From, To string
	Bytes    int64
}

// Sizes of plots, so that they stay readable.
const (
	maxSteps = 120
	maxBars  = 15
	maxLinks = 40
)

// plotFields are the fields that plots read.
var plotFields = slices.Concat([]string{"x-name"}, ownerColumn.fields)

// plotter computes the plots from the last groupings of an aggregator. The zero plotter computes none.
type plotter struct{ aggregator *aggregator }

// keys returns the keys of the plots' groupings: minute and direction; name; instance and name.
func (*plotter) keys() []keyFunc {
	label := func(r *row) string { return cmp.Or(r.Name, addrText(r.remote())) }
	return []keyFunc{
		func(key []byte, r *row) ([]byte, bool) {
			key = binary.BigEndian.AppendUint64(key, uint64(r.Start/minute))
			if r.FlowDirection == ingress {
				return append(key, 1), true
			}
			return append(key, 0), true
		},
		func(key []byte, r *row) ([]byte, bool) { return appendPart(key, label(r)), true },
		func(key []byte, r *row) ([]byte, bool) { return appendPart(appendPart(key, r.owner()), label(r)), true },
	}
}

// result returns the plots after all records were added; nil if the plotter computes none.
func (p *plotter) result() (*Plots, error) {
	if p.aggregator == nil {
		return nil, nil
	}
	plots := new(Plots)
	all := p.aggregator.groupings
	times, names, links := all[len(all)-3].groups, all[len(all)-2].groups, all[len(all)-1].groups
	line := timeline{width: minute, bytes: map[point]int64{}}
	err := times.each(func(key []byte, s *sum) {
		line.add(point{int64(binary.BigEndian.Uint64(key)) * minute, key[8] == 1}, s.bytes)
	})
	if err != nil {
		return nil, err
	}
	plots.Times = line.series()
	topNames := ranking{limit: maxBars, by: bytesSum.of}
	if err := names.each(topNames.add); err != nil {
		return nil, err
	}
	topNames.finish()
	for _, r := range topNames.rows {
		plots.Names = append(plots.Names, Bar{r.parts[0], r.sum.bytes})
	}
	topLinks := ranking{limit: maxLinks, by: bytesSum.of}
	if err := links.each(topLinks.add); err != nil {
		return nil, err
	}
	topLinks.finish()
	for _, r := range topLinks.rows {
		if r.sum.bytes > 0 {
			plots.Links = append(plots.Links, Link{r.parts[0], r.parts[1], r.sum.bytes})
		}
	}
	return plots, nil
}
