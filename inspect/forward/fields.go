package forward

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// attribute is a field of a live flow that an expression may read.
type attribute struct {
	where.Field
	value func(*flowRow) any
}

// attributes have the names of report --where, as far as they are known while a flow lives. The source is the side that
// opened the flow, as far as it is known; the destination is the other side.
var attributes = []attribute{
	ofOwner("account_id", func(o *event.Owner) string { return o.Account }),
	ofOwner("interface_id", func(o *event.Owner) string { return o.ENI }),
	{where.Field{Name: "srcaddr", Kind: where.Addr, Aliases: []string{"pkt_srcaddr"}}, func(f *flowRow) any { return f.src }},
	{where.Field{Name: "dstaddr", Kind: where.Addr, Aliases: []string{"pkt_dstaddr"}}, func(f *flowRow) any { return f.dst }},
	{where.Field{Name: "srcport", Kind: where.Int}, func(f *flowRow) any { return f.srcPort }},
	{where.Field{Name: "dstport", Kind: where.Int, Aliases: []string{"port"}}, func(f *flowRow) any { return f.dstPort }},
	{where.Field{Name: "protocol", Kind: where.Int}, func(f *flowRow) any { return int(f.r.Key.Proto) }},
	{where.Field{Name: "address", Kind: where.Addr}, func(f *flowRow) any { return f.remote() }},
	ofOwner("vpc_id", func(o *event.Owner) string { return o.VPC }),
	ofOwner("subnet_id", func(o *event.Owner) string { return o.Subnet }),
	ofOwner("instance_id", func(o *event.Owner) string { return o.Instance }),
	{where.Field{Name: "type"}, func(f *flowRow) any { return f.family() }},
	ofOwner("region", func(o *event.Owner) string { return o.Region }),
	ofOwner("az_id", func(o *event.Owner) string { return o.ZoneID }),
	ofOwner("interface_type", func(o *event.Owner) string { return o.Type }),
	{where.Field{Name: "flow_direction"}, func(f *flowRow) any { return f.direction() }},
	{extension("name"), func(f *flowRow) any { return f.name() }},
	{extension("name_source"), func(f *flowRow) any { return f.nameSource() }},
	{extension("app_proto"), func(f *flowRow) any { return f.appProto() }},
	{extension("initiator_reason"), func(f *flowRow) any { return f.r.Initiator.String() }},
	{extension("direct_to_address"), func(f *flowRow) any { return f.direct() }},
	{where.Field{Name: "x_vni", Kind: where.Int, Aliases: []string{"vni"}}, func(f *flowRow) any { return int(f.sessions.Session(f.r.Key.Session).VNI) }},
}

// extension is a field that the flow logs of AWS do not have. Its prefix may be left out.
func extension(name string) where.Field {
	return where.Field{Name: "x_" + name, Aliases: []string{name}}
}

// ofOwner is a field of the mirrored interface; empty if the inventory does not know the interface.
func ofOwner(name string, get func(*event.Owner) string) attribute {
	return attribute{where.Field{Name: name}, func(f *flowRow) any {
		if o := f.sessions.Owner(f.r.Key.Session); o != nil {
			return get(o)
		}
		return ""
	}}
}

// Fields are the names that expressions over live flows may use. Other fields of flow logs are refused.
var Fields = makeFields()

func makeFields() *where.Schema {
	var fields []where.Field
	for i := range attributes {
		fields = append(fields, attributes[i].Field)
	}
	const counts = `changes with every packet: to forward the beginning of flows, bypass "after SIZE"`
	for _, name := range []string{"packets", "bytes"} {
		fields = append(fields, where.Field{Name: name, Refused: counts})
	}
	for _, name := range []string{
		"start", "end", "action", "log_status", "tcp_flags", "pkt_src_aws_service", "pkt_dst_aws_service",
		"x_sni", "x_dns_name", "x_ja4", "x_unanswered", "x_completeness", "x_community_id", "x_truncated", "x_paired",
		"x_payload_bytes", "x_policy_verdict", "x_policy_rule", "x_policy_reason", "x_workload", "x_conflicts", "x_ech",
	} {
		fields = append(fields, where.Field{Name: name, Refused: "is in flow log records only, not known of a live flow"})
	}
	fields = append(fields, where.Field{Name: "x_initiator", Refused: "is always src: srcaddr is who opened the flow"})
	for i := range fields {
		if f := &fields[i]; f.Refused != "" && f.Name[:2] == "x_" {
			f.Aliases = []string{f.Name[2:]}
		}
	}
	return where.NewSchema(fields)
}

// flowRow is a live flow as a row for expressions.
type flowRow struct {
	sessions         *mirror.Table
	names            *flow.Names
	r                *flow.Record
	src, dst         netip.Addr
	srcPort, dstPort int
	scratch          []byte
}

// Value implements where.Row.
func (f *flowRow) Value(i int) any { return attributes[i].value(f) }

// of makes a flow the row.
func (f *flowRow) of(t *Tables, r *flow.Record) *flowRow {
	k := &r.Key
	f.sessions, f.names, f.r = t.Sessions, t.Names, r
	f.src, f.dst, f.srcPort, f.dstPort = k.Lo.Netip(), k.Hi.Netip(), int(k.LoPort), int(k.HiPort)
	if r.Client() == 1 {
		f.src, f.dst, f.srcPort, f.dstPort = f.dst, f.src, f.dstPort, f.srcPort
	}
	if k.Proto == decap.ICMP || k.Proto == decap.ICMPv6 {
		f.srcPort, f.dstPort = 0, 0
	}
	return f
}

func (f *flowRow) family() string {
	if f.r.Key.Version&^decap.FragmentKey == 6 {
		return "IPv6"
	}
	return "IPv4"
}

func (f *flowRow) direction() string {
	if d := f.r.Direction(); d != event.NoDirection {
		return d.String()
	}
	return ""
}

// remote returns the address at the other end from the mirrored interface. If that is not known it returns the public
// address of the two, or the server's.
func (f *flowRow) remote() netip.Addr {
	switch d := f.r.Direction(); {
	case d == event.Ingress, d == event.NoDirection && where.Private(f.dst) && !where.Private(f.src):
		return f.src
	default:
		return f.dst
	}
}

func (f *flowRow) name() string {
	f.scratch = f.names.Append(f.scratch[:0], f.r.Name)
	return string(f.scratch)
}

func (f *flowRow) nameSource() string {
	if f.r.NameSource == l7.NoName {
		return ""
	}
	return f.r.NameSource.String()
}

func (f *flowRow) appProto() string {
	if f.r.Proto == l7.None {
		return ""
	}
	return f.r.Proto.String()
}

func (f *flowRow) direct() string {
	if d := f.r.NameFlags.Direct(); d != event.NotDirect {
		return d.String()
	}
	return ""
}
