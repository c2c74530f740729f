package report

import (
	"cmp"
	"fmt"
	"slices"
)

// match is the instances that may be behind one flow of the gateway.
type match struct {
	candidates          []*natFlow
	certainty, evidence string
}

// Values of the column match.
const (
	matchUnique  = "unique"
	matchSeveral = "several"
	matchNone    = "none"
)

// match finds the inside flows of the same time. Equal packets and bytes are the best evidence; they differ if copies were
// lost, or if the files begin or end in the middle of a flow.
func (j *natJoin) match(out *natFlow) match {
	var m match
	var equal []*natFlow
	for src, flows := range j.inside[out.dst] {
		for _, f := range flows {
			if src.addr == out.src.addr || f.start > out.end+natClockSlack || f.end < out.start-natClockSlack {
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
		return cmp.Or(cmp.Compare(a.owner, b.owner), a.src.addr.Compare(b.src.addr), cmp.Compare(a.src.port, b.src.port), cmp.Compare(a.start, b.start))
	})
	owners := m.owners()
	switch {
	case len(owners) == 0:
		m.certainty = matchNone
	case len(owners) > 1:
		m.certainty = matchSeveral
	case len(equal) > 0:
		m.certainty = matchUnique
	default:
		m.certainty, m.evidence = matchUnique, "alone"
	}
	return m
}

// owners returns the candidates' instances, each once.
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

func (j *natJoin) table() (*Table, error) {
	slices.SortFunc(j.outside, func(a, b *natFlow) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.start, b.start), a.dst.addr.Compare(b.dst.addr),
			cmp.Compare(a.dst.port, b.dst.port), cmp.Compare(a.src.port, b.src.port), cmp.Compare(a.src.eni, b.src.eni))
	})
	t := &Table{Columns: natColumns}
	count := map[string]int{}
	for _, out := range j.outside {
		m := j.match(out)
		count[m.certainty]++
		if j.rows == 0 || len(t.Rows) < j.rows {
			t.Rows = append(t.Rows, natCells(out, &m))
		} else {
			t.Left++
		}
	}
	t.Notes = append(t.Notes, fmt.Sprintf("%s out of the gateway: %d with one possible instance, %d with several, %d with none",
		plural(uint64(len(j.outside)), "flow"), count[matchUnique], count[matchSeveral], count[matchNone]))
	if j.skipped > 0 {
		t.Notes = append(t.Notes, plural(j.skipped, "flow")+" left out: --memory is used up")
	}
	return t, nil
}

func natCells(out *natFlow, m *match) []Cell {
	var clients []string
	name := ""
	for _, c := range m.candidates {
		clients = append(clients, addrText(c.src.addr))
		name = cmp.Or(name, c.name)
	}
	if m.certainty == matchSeveral {
		name = "" // it may be another candidate's
	}
	slices.Sort(clients)
	return []Cell{
		textCell(out.src.eni), textCell(portText(out.src.port)), textCell(addrText(out.dst.addr)), textCell(portText(out.dst.port)),
		textCell(protocolName(out.dst.proto)), textCell(name), textCell(m.certainty), textCell(m.evidence),
		textCell(summarize(m.owners())), textCell(summarize(slices.Compact(clients))), numberCell(int64(len(m.candidates))),
		numberCell(int64(out.packets)), numberCell(int64(out.bytes)), numberCell(out.start), numberCell(out.end),
	}
}
