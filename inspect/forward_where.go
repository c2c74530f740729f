package inspect

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// attribute is what an expression may ask of a flow that goes on.
type attribute struct {
	where.Field
	value func(*liveFlow) any
}

// attributes have the names that report --where gives them, as far as they are known while a flow lives. Source is who opened
// it, as far as is known, destination the other end.
var attributes = []attribute{
	ofOwner("account_id", func(o *event.Owner) string { return o.Account }),
	ofOwner("interface_id", func(o *event.Owner) string { return o.ENI }),
	{where.Field{Name: "srcaddr", Kind: where.Addr, Aliases: []string{"pkt_srcaddr"}}, func(f *liveFlow) any { return f.src }},
	{where.Field{Name: "dstaddr", Kind: where.Addr, Aliases: []string{"pkt_dstaddr"}}, func(f *liveFlow) any { return f.dst }},
	{where.Field{Name: "srcport", Kind: where.Int}, func(f *liveFlow) any { return f.srcPort }},
	{where.Field{Name: "dstport", Kind: where.Int, Aliases: []string{"port"}}, func(f *liveFlow) any { return f.dstPort }},
	{where.Field{Name: "protocol", Kind: where.Int}, func(f *liveFlow) any { return int(f.r.Key.Proto) }},
	{where.Field{Name: "address", Kind: where.Addr}, func(f *liveFlow) any { return f.remote() }},
	ofOwner("vpc_id", func(o *event.Owner) string { return o.VPC }),
	ofOwner("subnet_id", func(o *event.Owner) string { return o.Subnet }),
	ofOwner("instance_id", func(o *event.Owner) string { return o.Instance }),
	{where.Field{Name: "type"}, func(f *liveFlow) any { return f.family() }},
	ofOwner("region", func(o *event.Owner) string { return o.Region }),
	ofOwner("az_id", func(o *event.Owner) string { return o.ZoneID }),
	ofOwner("interface_type", func(o *event.Owner) string { return o.Type }),
	{where.Field{Name: "flow_direction"}, func(f *liveFlow) any { return f.direction() }},
	{ours("name"), func(f *liveFlow) any { return f.name() }},
	{ours("name_source"), func(f *liveFlow) any { return f.nameSource() }},
	{ours("app_proto"), func(f *liveFlow) any { return f.appProto() }},
	{ours("initiator_reason"), func(f *liveFlow) any { return f.r.Initiator.String() }},
	{ours("direct_to_address"), func(f *liveFlow) any { return f.direct() }},
	{where.Field{Name: "x_vni", Kind: where.Int, Aliases: []string{"vni"}}, func(f *liveFlow) any { return int(f.w.sessions.Session(f.r.Key.Tap).VNI) }},
}

func ours(name string) where.Field { return where.Field{Name: "x_" + name, Aliases: []string{name}} }

func ofOwner(name string, get func(*event.Owner) string) attribute {
	return attribute{where.Field{Name: name}, func(f *liveFlow) any {
		if o := f.w.sessions.Owner(f.r.Key.Tap); o != nil {
			return get(o)
		}
		return ""
	}}
}

// FlowFields is the names that expressions on flows that go on may have. What a flow log says besides is refused.
var FlowFields = makeFlowFields()

func makeFlowFields() *where.Schema {
	var fields []where.Field
	for i := range attributes {
		fields = append(fields, attributes[i].Field)
	}
	const counts = `changes with every packet: to forward the beginning of flows, shunt "after SIZE"`
	for _, name := range []string{"packets", "bytes"} {
		fields = append(fields, where.Field{Name: name, Refused: counts})
	}
	for _, name := range []string{
		"start", "end", "action", "log_status", "tcp_flags", "pkt_src_aws_service", "pkt_dst_aws_service",
		"x_sni", "x_dns_name", "x_ja4", "x_unanswered", "x_completeness", "x_community_id", "x_truncated", "x_paired",
	} {
		fields = append(fields, where.Field{Name: name, Refused: "is of records, and not known of a flow that goes on"})
	}
	fields = append(fields, where.Field{Name: "x_initiator", Refused: "is always src: srcaddr is who opened the flow"})
	for i := range fields {
		if f := &fields[i]; f.Refused != "" && f.Name[:2] == "x_" {
			f.Aliases = []string{f.Name[2:]}
		}
	}
	return where.NewSchema(fields)
}

// liveFlow is a flow as expressions see it.
type liveFlow struct {
	w                *Worker
	r                *flow.Record
	src, dst         netip.Addr
	srcPort, dstPort int
	scratch          []byte
}

// Value is of where.Row.
func (f *liveFlow) Value(i int) any { return attributes[i].value(f) }

// of has expressions see a flow.
func (f *liveFlow) of(w *Worker, r *flow.Record) *liveFlow {
	k := &r.Key
	f.w, f.r = w, r
	f.src, f.dst, f.srcPort, f.dstPort = k.Lo.Netip(), k.Hi.Netip(), int(k.LoPort), int(k.HiPort)
	if r.Client() == 1 {
		f.src, f.dst, f.srcPort, f.dstPort = f.dst, f.src, f.dstPort, f.srcPort
	}
	if k.Proto == decap.ICMP || k.Proto == decap.ICMPv6 {
		f.srcPort, f.dstPort = 0, 0
	}
	return f
}

func (f *liveFlow) family() string {
	if f.r.Key.Version&^decap.InPieces == 6 {
		return "IPv6"
	}
	return "IPv4"
}

func (f *liveFlow) direction() string {
	if d := direction(f.r); d != event.NoDirection {
		return d.String()
	}
	return ""
}

// remote is the address at the other end from the interface; where that is not known, the public one of the two, or the server's.
func (f *liveFlow) remote() netip.Addr {
	switch d := direction(f.r); {
	case d == event.Ingress, d == event.NoDirection && where.Private(f.dst) && !where.Private(f.src):
		return f.src
	default:
		return f.dst
	}
}

func (f *liveFlow) name() string {
	f.scratch = f.w.names.Append(f.scratch[:0], f.r.Name)
	return string(f.scratch)
}

func (f *liveFlow) nameSource() string {
	if f.r.NameSource == l7.NoName {
		return ""
	}
	return f.r.NameSource.String()
}

func (f *liveFlow) appProto() string {
	if f.r.Proto == l7.None {
		return ""
	}
	return f.r.Proto.String()
}

func (f *liveFlow) direct() string {
	if d := f.r.Facts.Direct(); d != event.NotDirect {
		return d.String()
	}
	return ""
}

// sight is all that expressions can see of a flow and that may change.
type sight struct {
	name       uint32
	generation uint32 // of the inventory
	proto      l7.Proto
	source     l7.NameSource
	initiator  event.Initiator
	facts      flow.Facts
	sides      uint8 // the client's, and the interface's own
	valid      bool
}

// look returns what is to be seen of a flow now.
func (w *Worker) look(r *flow.Record) sight {
	own, known := r.Own()
	sides := r.Client() | own<<1
	if known {
		sides |= 4
	}
	return sight{r.Name, uint32(w.sessions.Generation()), r.Proto, r.NameSource, r.Initiator, r.Facts, sides, true}
}

// weigh finds out anew which expressions are true of a flow, if there is something new to see.
func (w *Worker) weigh(r *flow.Record, c *course) {
	f := w.forward
	if !f.weighs {
		return
	}
	now := w.look(r)
	if now == c.seen {
		return
	}
	c.seen = now
	f.weighed++
	row := f.live.of(w, r)
	c.verdicts = verdict(f.where, row)
	for i := range f.shunts.list {
		c.verdicts |= verdict(f.shunts.list[i].If, row) << (1 + i)
	}
}

func verdict(f *where.Filter, row *liveFlow) uint16 {
	if f == nil || f.Match(row) {
		return 1
	}
	return 0
}

// holds reports whether an expression is true of the flow: 0 is that for what is forwarded, the others are those of the rules.
func (c *course) holds(expression int) bool { return c.verdicts>>expression&1 != 0 }

// clone returns a filter for one more goroutine.
func clone(f *where.Filter) *where.Filter {
	if f == nil {
		return nil
	}
	return f.Clone()
}

// pieceVerdict is whether fragments between two hosts are forwarded. A few are kept, since expressions take long.
type pieceVerdict struct {
	key        decap.Key
	generation uint64
	valid      bool
	wanted     bool
}

// wantsPiece reports whether the expression for what is forwarded is true of fragments, by their addresses alone.
func (w *Worker) wantsPiece(key decap.Key, s flow.Side, p *decap.Packet) bool {
	f := w.forward
	if f.where == nil {
		return true
	}
	key.LoPort, key.HiPort = 0, 0
	v := &f.pieces[flow.Hash(&key)%uint64(len(f.pieces))]
	if !v.valid || v.key != key || v.generation != w.sessions.Generation() {
		r := flow.Record{Key: key}
		r.OpenedBy(s, event.ByFirstPacket)
		*v = pieceVerdict{key, w.sessions.Generation(), true, f.where.Match(f.live.of(w, &r))}
	}
	return v.wanted
}
