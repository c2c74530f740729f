package eve

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// fields writes a message's fields except the extra ones, and reports whether there are any of these.
func (l *line) fields(b *event.Batch, fields []event.Field) (extra bool) {
	for i := 0; i < len(fields); i++ {
		if fields[i].Extra {
			extra = true
			i += event.ValueLen(fields[i:]) - 1
			continue
		}
		l.field(b, &fields[i])
	}
	return extra
}

// extraFields writes the extra fields, each within the same objects and arrays as in the message. With all it writes all fields:
// those of a protocol that is not in Suricata's schema.
func (l *line) extraFields(b *event.Batch, fields []event.Field, all bool) {
	for len(fields) > 0 {
		n := event.ValueLen(fields)
		switch {
		case all || fields[0].Extra:
			for i := range fields[:n] {
				l.field(b, &fields[i])
			}
		case hasExtra(fields[:n]):
			l.field(b, &fields[0])
			l.extraFields(b, fields[1:n-1], false)
			l.end()
		}
		fields = fields[n:]
	}
}

func hasExtra(fields []event.Field) bool {
	for i := range fields {
		if fields[i].Extra {
			return true
		}
	}
	return false
}

func (l *line) field(b *event.Batch, f *event.Field) {
	dst := append(l.b, f.Key.Member()...)
	switch f.Kind {
	case l7.String:
		text := b.Text(f.Text)
		if plainPrefix(text) == len(text) {
			dst = append(append(dst, '"'), text...)
			l.b = append(dst, '"', ',')
			return
		}
		l.b = append(appendString(dst, text), ',')
	case l7.Int:
		l.b = append(strconv.AppendInt(dst, f.Num(), 10), ',')
	case l7.Bool:
		l.b = append(strconv.AppendBool(dst, f.Num() != 0), ',')
	case l7.Object:
		l.b = dst
		l.object("")
	case l7.Array:
		l.b = dst
		l.array("")
	case l7.End:
		l.end()
	}
}
