package measure

import (
	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/reader"
)

// The bounds of the ratios.
var (
	ringOfCounting = figures.Bound{Least: 0.72} // a saturated ring with full inspection, relative to one that only counts
	dropOfUDP      = figures.Bound{Least: 1.35} // a saturated ring with tc drop, relative to sockets, both with full inspection
	udpOfCounting  = figures.Bound{Least: 0.78} // sockets with full inspection, relative to a bare recvmmsg loop, at a rate that both sustain
	forwardOfRing  = figures.Bound{Least: 0.5}  // a saturated ring that forwards each frame, relative to one that does not
)

// saturatedReaders returns the readers that are measured at the maximum rate.
func saturatedReaders(r reader.Set) []reader.Reader {
	return []reader.Reader{r.CountSocket, r.CountRing, r.CountRingAndDrop, r.Socket, r.Ring, r.RingAndDrop, r.RingAndIface, r.RingAndTap}
}

// saturatedRows returns the rows of the readers in the order of saturatedReaders.
func (c comparison) saturatedRows(r reader.Set, runs [][]result) (t figures.Table) {
	title := c.title() + ": "
	for i, each := range saturatedReaders(r) {
		t = append(t, figures.Row{Name: title + each.Name + ", M packets per core-second", Values: column(runs[i], perCoreOf)})
	}
	least := 1.0
	for _, each := range runs {
		least = min(least, figures.Median(column(each, func(r result) float64 { return r.busy })))
	}
	ratio := func(over, under int) []float64 {
		return figures.Ratios(column(runs[over], perCoreOf), column(runs[under], perCoreOf))
	}
	return append(t,
		figures.Row{Name: title + "smallest share of the core in use", Values: []float64{least}},
		figures.Row{Name: title + "udp of recvmmsg that counts", Values: ratio(3, 0)},
		figures.Row{Name: title + "ring of one that counts", Values: ratio(4, 1), Bound: ringOfCounting},
		figures.Row{Name: title + "ring with tc drop of one that counts", Values: ratio(5, 2), Bound: ringOfCounting},
		figures.Row{Name: title + "ring with tc drop of udp", Values: ratio(5, 3), Bound: dropOfUDP},
		figures.Row{Name: title + "ring, forwarding to an interface, of ring", Values: ratio(6, 4), Bound: forwardOfRing},
		figures.Row{Name: title + "ring, forwarding to a tap, of ring", Values: ratio(7, 4), Bound: forwardOfRing},
	)
}

// fixedRows returns the rows of recvmmsg that counts, udp, ring, and ring with tc drop.
func (c comparison) fixedRows(r reader.Set, runs [][]result) (t figures.Table) {
	title := c.title() + ": "
	dropped := 0.0
	for i, each := range []reader.Reader{r.CountSocket, r.Socket, r.Ring, r.RingAndDrop} {
		t = append(t, figures.Row{Name: title + each.Name + ", M packets per core-second", Values: column(runs[i], perCoreOf)})
		for _, run := range runs[i] {
			dropped = max(dropped, run.dropped)
		}
	}
	return append(t,
		figures.Row{Name: title + "most packets dropped in a run", Values: []float64{dropped}},
		figures.Row{Name: title + "udp of recvmmsg that counts", Values: figures.Ratios(column(runs[1], perCoreOf), column(runs[0], perCoreOf)), Bound: udpOfCounting},
		figures.Row{Name: title + "ring with tc drop of udp", Values: figures.Ratios(column(runs[3], perCoreOf), column(runs[1], perCoreOf))},
	)
}

func perCoreOf(r result) float64 { return r.perCore / 1e6 }
func rateOf(r result) float64    { return r.rate }

func column(runs []result, of func(result) float64) (values []float64) {
	for _, r := range runs {
		values = append(values, of(r))
	}
	return values
}
