package report

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// NAT finds the instances behind a NAT gateway. It joins the flows of the gateway's own flow logs, in the files and folders of
// gateway, with the flows of mirrored instances. A gateway changes source address and port and nothing else: protocol,
// destination, destination port, time, packets and bytes are the same on both sides.
func NAT(gateway []string, limit int) *Query {
	return &Query{name: "nat", title: "Instances behind the NAT gateway", eval: &natJoin{rows: limit}, gateway: gateway}
}

// natJoin evaluates NAT. It holds the gateway's flows in memory, and the instances' flows to the same destinations.
type natJoin struct {
	rows    int // 0 is all
	limit   int // bytes
	used    int
	skipped uint64 // flows that exceeded the limit

	legs    map[natLeg]*natFlow // all flows of the gateway, until selectOutside
	outside []*natFlow          // the gateway's flows to the internet
	inside  map[natDestination]map[natSource][]*natFlow
}

// natDestination is the part of a flow's key that is the same on both sides.
type natDestination struct {
	addr  netip.Addr
	port  uint16
	proto uint8
}

// natSource is the part that differs.
type natSource struct {
	eni  string
	addr netip.Addr
	port uint16
}

type natLeg struct {
	dst natDestination
	src natSource
}

// natFlow is the records of one flow without a long pause between them.
type natFlow struct {
	natLeg
	start, end     int64
	packets, bytes uint64
	owner, name    string
	previous       *natFlow // of the same leg, before a pause
}

const (
	natIdleTimeout = 350 // seconds after which a gateway drops a flow and may reuse its port
	natClockSlack  = 60  // seconds by which the times of AWS's records may be late
	natFlowCost    = 400 // bytes of memory that a flow takes, including its map entries
)

func (j *natJoin) fields() []string {
	return slices.Concat(commonFields, []string{"x-name", "instance-id", "action"})
}

func (j *natJoin) close() error { return nil }

func (j *natJoin) tableColumns() []Column { return natColumns }

// keepRows does nothing: the rows are few.
func (j *natJoin) keepRows(int, func([]Cell)) {}

func (j *natJoin) bound(memory int) { j.limit = memory }

// addGateway takes a record of the gateway's flow logs.
func (j *natJoin) addGateway(r *row) error {
	if r.insideOfNAT() || r.Action == reject || !r.SrcAddr.IsValid() {
		return nil
	}
	if j.legs == nil {
		j.legs = map[natLeg]*natFlow{}
	}
	leg := natLeg{natDestination{r.DstAddr, r.DstPort, r.Protocol}, natSource{r.InterfaceID, r.SrcAddr, r.SrcPort}}
	f := j.legs[leg]
	if f == nil || !f.adjoins(r) {
		if f = j.newFlow(leg, r, f); f == nil {
			return nil
		}
		j.legs[leg] = f
	}
	f.add(r)
	return nil
}

// insideOfNAT reports whether a gateway's record is of the leg to an instance. For that leg AWS writes the gateway's own
// address, and the packet's address separately; in the default format, which lacks the packet's, both addresses are private.
func (r *row) insideOfNAT() bool {
	if r.PktSrcAddr.IsValid() || r.PktDstAddr.IsValid() {
		return r.src() != r.SrcAddr || r.dst() != r.DstAddr
	}
	return where.Private(r.SrcAddr) && where.Private(r.DstAddr)
}

// newFlow returns a new flow; nil if the memory is used up.
func (j *natJoin) newFlow(leg natLeg, r *row, previous *natFlow) *natFlow {
	if j.used+natFlowCost > j.limit {
		j.skipped++
		return nil
	}
	j.used += natFlowCost
	return &natFlow{natLeg: leg, start: r.Start, end: r.End, previous: previous}
}

// adjoins reports whether a record continues the flow: the pause is shorter than the gateway's timeout.
func (f *natFlow) adjoins(r *row) bool {
	return r.Start <= f.end+natIdleTimeout && r.End >= f.start-natIdleTimeout
}

func (f *natFlow) add(r *row) {
	f.start, f.end = min(f.start, r.Start), max(f.end, r.End)
	f.packets += r.Packets
	f.bytes += r.Bytes
	f.owner = cmp.Or(f.owner, r.owner())
	f.name = cmp.Or(f.name, r.Name)
}

// selectOutside selects the flows from the gateway's own address, which is the most frequent address of its records.
func (j *natJoin) selectOutside() {
	seen := map[string]map[netip.Addr]int{}
	for leg := range j.legs {
		if seen[leg.src.eni] == nil {
			seen[leg.src.eni] = map[netip.Addr]int{}
		}
		seen[leg.src.eni][leg.src.addr]++
		seen[leg.src.eni][leg.dst.addr]++
	}
	own := map[string]netip.Addr{}
	for eni, addrs := range seen {
		own[eni] = mostFrequent(addrs)
	}
	j.inside = map[natDestination]map[natSource][]*natFlow{}
	for leg, f := range j.legs {
		if leg.src.addr != own[leg.src.eni] {
			continue
		}
		j.inside[leg.dst] = map[natSource][]*natFlow{}
		for ; f != nil; f = f.previous {
			j.outside = append(j.outside, f)
		}
	}
	j.legs = nil
}

// mostFrequent returns the address with the largest count; of equal ones a private address, since a gateway's own address is
// private.
func mostFrequent(addrs map[netip.Addr]int) netip.Addr {
	return slices.MaxFunc(slices.Collect(maps.Keys(addrs)), func(a, b netip.Addr) int {
		return cmp.Or(cmp.Compare(addrs[a], addrs[b]), compareBool(where.Private(a), where.Private(b)), b.Compare(a))
	})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// add takes a record of mirrored instances.
func (j *natJoin) add(r *row) error {
	dst := natDestination{r.dst(), r.DstPort, r.Protocol}
	sources := j.inside[dst]
	if sources == nil || !r.isOutbound() || r.Initiator == initiatorDst {
		return nil
	}
	src := natSource{r.InterfaceID, r.src(), r.SrcPort}
	flows := sources[src]
	i := slices.IndexFunc(flows, func(f *natFlow) bool { return f.adjoins(r) })
	if i < 0 {
		f := j.newFlow(natLeg{dst, src}, r, nil)
		if f == nil {
			return nil
		}
		flows, i = append(flows, f), len(flows)
		sources[src] = flows
	}
	flows[i].add(r)
	return nil
}
