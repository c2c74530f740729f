package report

import (
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// attribute is a value of a row that filter expressions may name: a field of flow logs, or one derived from several.
type attribute struct {
	where.Field
	value func(*row) any
	reads []string // the fields of flow logs that value reads
}

var attributes = makeAttributes()

// Schema is the fields of filter expressions: the fields of flow logs with underscores for dashes, those of this program also
// without x_, and the derived fields address and port.
var Schema = makeSchema()

func makeAttributes() (all []attribute) {
	for i := range flowlog.Fields {
		if f := &flowlog.Fields[i]; f.Known() && f.Name != "version" {
			all = append(all, fieldAttribute(f))
		}
	}
	return append(all,
		attribute{where.Field{Name: "address", Kind: where.Addr, Doc: fieldDocs["address"]}, func(r *row) any { return r.remote() }, endFields},
		attribute{where.Field{Name: "port", Kind: where.Int, Doc: fieldDocs["port"]}, func(r *row) any { _, p := r.server(); return int(p) }, endFields},
	)
}

func fieldAttribute(f *flowlog.Field) attribute {
	a := attribute{Field: where.Field{Name: f.Column(), Doc: fieldDocs[f.Column()]}, reads: []string{f.Name}}
	if short, ours := strings.CutPrefix(a.Name, "x_"); ours {
		a.Aliases = []string{short}
	}
	if f.Pointer(new(flowlog.Record)) == nil { // type, which is derived from the addresses
		a.reads = []string{"srcaddr", "pkt-srcaddr"}
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

// Value implements where.Row.
func (r *row) Value(i int) any { return attributes[i].value(r) }

var _ where.Row = (*row)(nil)

// Matcher returns an expression over Schema as a function of records. It panics if the expression does not compile, which Schema.Compile
// tells.
func Matcher(expression string) func(*flowlog.Record) bool {
	f, err := Schema.Compile(expression)
	if err != nil {
		panic(err)
	}
	var r row
	return func(record *flowlog.Record) bool {
		r.Record = *record
		return f.Match(&r)
	}
}
