package report

import (
	"net/netip"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// attribute is one of a row that --where may name: a field of flow logs, or what follows from several.
type attribute struct {
	where.Field
	value func(*row) any
	needs []string // the fields that it is read from
}

// attributes are those of rows. The derived ones are those by which reports group.
var attributes = makeAttributes()

// Schema is the names that --where takes: those of the fields with underscores, ours also without x_, and address and port.
var Schema = makeSchema()

func makeAttributes() (all []attribute) {
	for i := range flowlog.Fields {
		if f := &flowlog.Fields[i]; f.Known() && f.Name != "version" {
			all = append(all, fieldAttribute(f))
		}
	}
	derived := []string{"srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "srcport", "dstport", "flow-direction", "x-initiator"}
	return append(all,
		attribute{where.Field{Name: "address", Kind: where.Addr}, func(r *row) any { return r.remote() }, derived},
		attribute{where.Field{Name: "port", Kind: where.Int}, func(r *row) any { _, p := r.server(); return int(p) }, derived},
	)
}

func fieldAttribute(f *flowlog.Field) attribute {
	a := attribute{Field: where.Field{Name: f.Column()}, needs: []string{f.Name}}
	if short, ours := strings.CutPrefix(a.Name, "x_"); ours {
		a.Aliases = []string{short}
	}
	if f.Pointer(new(flowlog.Record)) == nil { // type, which the addresses have
		a.needs = []string{"srcaddr", "pkt-srcaddr"}
	}
	switch {
	case f.Strings() != nil:
		get := f.Strings()
		a.Kind, a.value = where.Text, func(r *row) any { return get(&r.Record) }
	case f.Addrs() != nil:
		get := f.Addrs()
		a.Kind, a.value = where.Addr, func(r *row) any { return get(&r.Record) }
	case f.Ints() != nil:
		get := f.Ints()
		a.Kind, a.value = where.Int, func(r *row) any { n, _ := get(&r.Record); return int(n) }
	case f.Type == flowlog.Boolean:
		a.Kind, a.value = where.Bool, func(r *row) any { v, _ := f.Bool(&r.Record); return v }
	default:
		a.Kind, a.value = where.Float, func(r *row) any { v, _ := f.Float(&r.Record); return v }
	}
	return a
}

func makeSchema() *where.Schema {
	fields := make([]where.Field, len(attributes))
	for i := range attributes {
		fields[i] = attributes[i].Field
	}
	return where.NewSchema(fields)
}

// Value returns the value of an attribute, for filters.
func (r *row) Value(i int) any { return attributes[i].value(r) }

var _ where.Row = (*row)(nil)

// addrText is the text of an address; "" if it is not known.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
