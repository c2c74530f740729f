package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// match is who may have been behind one flow of the gateway.
type match struct {
	candidates     []*natFlow
	sure, evidence string
}

// How sure a match is.
const (
	unique  = "unique"
	several = "several"
	nobody  = "none"
)

// match finds the flows that went on at the same time. Equal counts tell best; they differ when copies were lost, or when the
// files begin or end in the middle of a flow.
func (q *natQuestion) match(out *natFlow) match {
	var m match
	var equal []*natFlow
	for source, flows := range q.wanted[out.natTarget] {
		for _, f := range flows {
			if source.src == out.src || f.start > out.end+natSlack || f.end < out.start-natSlack {
				continue
			}
			m.candidates = append(m.candidates, f)
			if f.packets == out.packets && f.bytes == out.bytes {
				equal = append(equal, f)
			}
		}
	}
	if len(equal) > 0 {
		m.candidates, m.evidence = equal, "bytes"
	}
	slices.SortFunc(m.candidates, func(a, b *natFlow) int {
		return cmp.Or(cmp.Compare(a.owner, b.owner), a.src.Compare(b.src), cmp.Compare(a.natSource.port, b.natSource.port), cmp.Compare(a.start, b.start))
	})
	owners := m.owners()
	switch {
	case len(owners) == 0:
		m.sure = nobody
	case len(owners) > 1:
		m.sure = several
	case len(equal) > 0:
		m.sure = unique
	default:
		m.sure, m.evidence = unique, "alone"
	}
	return m
}

// owners are the candidates' instances, each once.
func (m *match) owners() (all []string) {
	for _, c := range m.candidates {
		all = append(all, c.owner)
	}
	return slices.Compact(all)
}

var natColumns = []Column{
	{Name: "nat_interface_id", Wide: true}, {Name: "srcport", Unit: Digits, Wide: true}, {Name: "dstaddr"}, {Name: "dstport", Unit: Digits}, {Name: "protocol"}, {Name: "name"},
	{Name: "match"}, {Name: "evidence"}, {Name: "instance"}, {Name: "client"}, {Name: "candidates", Unit: Count},
	{Name: "packets", Unit: Count}, {Name: "bytes", Unit: Bytes}, {Name: "first_seen", Unit: Time}, {Name: "last_seen", Unit: Time, Wide: true},
}

func (q *natQuestion) answer() (*Table, error) {
	slices.SortFunc(q.outside, func(a, b *natFlow) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.start, b.start), a.dst.Compare(b.dst),
			cmp.Compare(a.natTarget.port, b.natTarget.port), cmp.Compare(a.natSource.port, b.natSource.port), cmp.Compare(a.eni, b.eni))
	})
	t := &Table{Columns: natColumns}
	count := map[string]int{}
	for _, out := range q.outside {
		m := q.match(out)
		count[m.sure]++
		if q.n == 0 || len(t.Rows) < q.n {
			t.Rows = append(t.Rows, natCells(out, &m))
		} else {
			t.Left++
		}
	}
	t.Notes = append(t.Notes, fmt.Sprintf("of %s out of the gateway %d have one instance behind them, %d several, %d none that was seen",
		many(uint64(len(q.outside)), "flow"), count[unique], count[several], count[nobody]))
	if q.skipped > 0 {
		t.Notes = append(t.Notes, many(q.skipped, "flow")+" left out: --memory was used up")
	}
	return t, nil
}

func natCells(out *natFlow, m *match) []Cell {
	var clients []string
	name := ""
	for _, c := range m.candidates {
		clients = append(clients, addrText(c.src))
		name = cmp.Or(name, c.name)
	}
	if m.sure == several {
		name = "" // it may be of another
	}
	slices.Sort(clients)
	return []Cell{
		text(out.eni), text(portText(out.natSource.port)), text(addrText(out.dst)), text(portText(out.natTarget.port)), text(protocolName(out.proto)), text(name),
		text(m.sure), text(m.evidence), text(few(m.owners())), text(few(slices.Compact(clients))), number(int64(len(m.candidates))),
		number(int64(out.packets)), number(int64(out.bytes)), number(out.start), number(out.end),
	}
}

// maxFew is how many candidates are named.
const maxFew = 5

// few joins the first texts, and says how many there are more.
func few(all []string) string {
	if len(all) <= maxFew {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:maxFew], ", "), len(all)-maxFew)
}
