package report

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// NAT is who was behind a NAT gateway: flows of the gateway's own flow logs in gateway, files and folders, joined with what
// mirrored instances sent. A gateway changes source address and port, and nothing else: the protocol, the destination and its
// port, the time, the packets and the bytes are the same on both sides.
func NAT(gateway []string, n int) *Query {
	return &Query{name: "nat", title: "Who was behind the NAT gateway", q: &natQuestion{n: n}, nat: gateway}
}

// natQuestion holds the gateway's flows in memory, and those of instances to the same destinations.
type natQuestion struct {
	n       int
	limit   int
	used    int
	skipped uint64 // flows for which there was no room

	legs    map[natLeg]*natFlow // all of the gateway's, until its own addresses are known
	outside []*natFlow
	wanted  map[natTarget]map[natSource][]*natFlow // the inside legs, by destination
}

// natTarget is what is the same on both sides.
type natTarget struct {
	dst   netip.Addr
	port  uint16
	proto uint8
}

// natSource is what is not.
type natSource struct {
	eni  string
	src  netip.Addr
	port uint16
}

type natLeg struct {
	natTarget
	natSource
}

// natFlow is the records of one flow that have no long pause between them.
type natFlow struct {
	natLeg
	start, end     int64
	packets, bytes uint64
	owner, name    string
	before         *natFlow // the same addresses and ports, before a pause
}

const (
	natPause   = 350 // seconds after which a gateway forgets a flow: its port may be another's then
	natSlack   = 60  // seconds by which AWS's times may be late
	natFlowMem = 400 // bytes that a flow takes, in its maps too
)

func (q *natQuestion) needs() []string {
	return slices.Concat(alwaysRead, []string{"x-name", "instance-id", "action"})
}
func (q *natQuestion) close() error { return nil }

// gateway takes a record of the gateway's flow logs.
func (q *natQuestion) gateway(r *row) error {
	if r.insideOfNAT() || r.Action == reject || !r.SrcAddr.IsValid() {
		return nil
	}
	if q.legs == nil {
		q.legs = map[natLeg]*natFlow{}
	}
	leg := natLeg{natTarget{r.DstAddr, r.DstPort, r.Protocol}, natSource{r.InterfaceID, r.SrcAddr, r.SrcPort}}
	f := q.legs[leg]
	if f == nil || !f.adjoins(r) {
		if f = q.newFlow(leg, r, f); f == nil {
			return nil
		}
		q.legs[leg] = f
	}
	f.count(r)
	return nil
}

// insideOfNAT says whether a gateway's record is of the leg to an instance. There AWS writes the gateway's own address, and the
// packet's apart; in the default format, which has not the packet's, both addresses are private.
func (r *row) insideOfNAT() bool {
	if r.PktSrcAddr.IsValid() || r.PktDstAddr.IsValid() {
		return r.src() != r.SrcAddr || r.dst() != r.DstAddr
	}
	return where.Private(r.SrcAddr) && where.Private(r.DstAddr)
}

func (q *natQuestion) newFlow(leg natLeg, r *row, before *natFlow) *natFlow {
	if q.used+natFlowMem > q.limit {
		q.skipped++
		return nil
	}
	q.used += natFlowMem
	return &natFlow{natLeg: leg, start: r.Start, end: r.End, before: before}
}

// adjoins says whether a record is of the same flow: there is no pause that the gateway would not bear.
func (f *natFlow) adjoins(r *row) bool { return r.Start <= f.end+natPause && r.End >= f.start-natPause }

func (f *natFlow) count(r *row) {
	f.start, f.end = min(f.start, r.Start), max(f.end, r.End)
	f.packets += r.Packets
	f.bytes += r.Bytes
	f.owner = cmp.Or(f.owner, r.owner())
	f.name = cmp.Or(f.name, r.Name)
}

// gatewayDone picks the flows that left the gateway: those of its own address, which most of its records have.
func (q *natQuestion) gatewayDone() {
	seen := map[string]map[netip.Addr]int{}
	for leg := range q.legs {
		if seen[leg.eni] == nil {
			seen[leg.eni] = map[netip.Addr]int{}
		}
		seen[leg.eni][leg.src]++
		seen[leg.eni][leg.dst]++
	}
	own := map[string]netip.Addr{}
	for eni, addrs := range seen {
		own[eni] = mostOf(addrs)
	}
	q.wanted = map[natTarget]map[natSource][]*natFlow{}
	for leg, f := range q.legs {
		if leg.src != own[leg.eni] {
			continue
		}
		q.wanted[leg.natTarget] = map[natSource][]*natFlow{}
		for ; f != nil; f = f.before {
			q.outside = append(q.outside, f)
		}
	}
	q.legs = nil
}

// mostOf returns the address that is there most often; of equal ones a private one, since a gateway's own are.
func mostOf(addrs map[netip.Addr]int) netip.Addr {
	return slices.MaxFunc(slices.Collect(maps.Keys(addrs)), func(a, b netip.Addr) int {
		return cmp.Or(cmp.Compare(addrs[a], addrs[b]), boolCompare(where.Private(a), where.Private(b)), b.Compare(a))
	})
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// add takes a record of what we saw.
func (q *natQuestion) add(r *row) error {
	target := natTarget{r.dst(), r.DstPort, r.Protocol}
	sources := q.wanted[target]
	if sources == nil || !r.leaves() || r.Initiator == atDst {
		return nil
	}
	source := natSource{r.InterfaceID, r.src(), r.SrcPort}
	flows := sources[source]
	i := slices.IndexFunc(flows, func(f *natFlow) bool { return f.adjoins(r) })
	if i < 0 {
		f := q.newFlow(natLeg{target, source}, r, nil)
		if f == nil {
			return nil
		}
		flows, i = append(flows, f), len(flows)
		sources[source] = flows
	}
	flows[i].count(r)
	return nil
}
