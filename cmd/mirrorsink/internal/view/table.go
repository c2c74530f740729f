package view

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// flowTable is a sink that adds up the named flows that have client, server, name and mirror session in common, and keeps the last alerts.
type flowTable struct {
	mu     sync.Mutex // guards the following
	rows   map[rowKey]*row
	alerts []string // lines, the newest last
}

// rowKey is what the flows of a row have in common.
type rowKey struct {
	name   string
	source l7.NameSource
	proto  l7.Proto
	client netip.Addr
	server netip.AddrPort
	outer  netip.Addr
	vni    uint32
	at     string // the instance, if it is known
}

// row counts messages as they are seen, but flows, packets and bytes when flows end.
type row struct {
	messages, flows, packets, bytes uint64
}

// Bounds of the table, which are more than a screen holds, and of the alerts below it.
const (
	maxRows   = 1000
	maxAlerts = 3
)

// alert keeps an alert as a line.
func (t *flowTable) alert(f *event.Finding) {
	if len(t.alerts) == maxAlerts {
		t.alerts = append(t.alerts[:0], t.alerts[1:]...)
	}
	t.alerts = append(t.alerts, alertLine(f))
}

// Events adds events to their rows.
func (t *flowTable) Events(b *event.Batch) {
	defer b.Release()
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range b.Events {
		e := &b.Events[i]
		if e.Kind == event.Alert {
			t.alert(e.Finding)
		}
		if e.Name.Len == 0 {
			continue
		}
		client, server := e.Addrs()
		r := t.row(rowKey{
			name: printable(b.Text(e.Name)), source: e.NameSource, proto: e.Proto,
			client: client, server: netip.AddrPortFrom(server, e.DstPort), outer: e.Outer, vni: e.VNI,
			at: instanceOf(e.Owner),
		})
		switch {
		case r == nil: // the table is full
		case e.Kind == event.Flow:
			r.flows++
			r.packets += e.Flow.Packets[0] + e.Flow.Packets[1]
			r.bytes += e.Flow.Bytes[0] + e.Flow.Bytes[1]
		default:
			r.messages++
		}
	}
}

func (t *flowTable) row(key rowKey) *row {
	if t.rows == nil {
		t.rows = map[rowKey]*row{}
	}
	r := t.rows[key]
	if r == nil && len(t.rows) < maxRows {
		r = new(row)
		t.rows[key] = r
	}
	return r
}

// render returns the table in at most height lines of at most width columns.
func (t *flowTable) render(width, height int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(t.rows), func(a, b rowKey) int {
		return cmp.Or(cmp.Compare(a.name, b.name), a.client.Compare(b.client), a.server.Compare(b.server),
			cmp.Compare(a.vni, b.vni), cmp.Compare(a.at, b.at), cmp.Compare(a.proto, b.proto), cmp.Compare(a.source, b.source), a.outer.Compare(b.outer))
	})
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tFROM\tPROTOCOL\tCLIENT\tSERVER\tMIRROR\tMESSAGES\tENDED\tPACKETS\tBYTES")
	alerts := t.alerts[max(0, len(t.alerts)-max(height-1, 0)):]
	for _, k := range keys[:min(len(keys), max(height-1-len(alerts), 0))] {
		r := t.rows[k]
		fmt.Fprintf(w, "%s\t%v\t%v\t%v\t%v\t%d%s\t%d\t%d\t%d\t%d\n",
			k.name, k.source, k.proto, k.client, k.server, k.vni, k.at, r.messages, r.flows, r.packets, r.bytes)
	}
	w.Flush()
	lines := append(strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n"), alerts...)
	for i, line := range lines {
		line = strings.TrimRight(line, " ")
		lines[i] = line[:min(len(line), max(width, 0))] // it is ASCII
	}
	return lines
}
