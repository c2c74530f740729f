package view

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// flowEvents is two messages of a flow and its end, and what else there may be.
func flowEvents(flowID uint64, name string) *event.Batch {
	b := new(event.Batch)
	e := event.Event{
		Kind: event.AppLayer, Proto: l7.HTTP, FlowID: flowID, IPProto: decap.TCP,
		Src: netip.MustParseAddr("10.0.1.10").As16(), SrcPort: 40000, Dst: netip.MustParseAddr("192.0.2.80").As16(), DstPort: 80,
		Mirrored: true, Outer: netip.MustParseAddr("10.0.1.10"), VNI: 101,
		Name: b.CopyText([]byte(name)), NameSource: l7.HTTPHost,
	}
	end := e
	end.Kind = event.Flow
	end.Flow = event.FlowRecord{Packets: [2]uint64{6, 4}, Bytes: [2]uint64{600, 4000}}
	unnamed := e
	unnamed.Name = event.Span{}
	b.Events = []event.Event{unnamed, e, e, end}
	return b
}

func TestFlowTable(t *testing.T) {
	var table flowTable
	table.Events(flowEvents(1, "www.example.com"))
	table.Events(flowEvents(2, "api.example.com"))
	table.Events(flowEvents(3, "www.example.com"))
	assert.Equal(t, []string{
		"NAME             FROM       PROTOCOL  CLIENT     SERVER         MIRROR  MESSAGES  ENDED  PACKETS  BYTES",
		"api.example.com  http_host  http      10.0.1.10  192.0.2.80:80  101     2         1      10       4600",
		"www.example.com  http_host  http      10.0.1.10  192.0.2.80:80  101     4         2      20       9200",
	}, table.render(120, 20))
	assert.Equal(t, []string{"NAME          ", "api.example.co"}, table.render(14, 2), "in a small window")
	assert.Len(t, table.render(-1, -1), 1)
}

// finding is an alert as an event.
func finding(destination string) *event.Batch {
	return &event.Batch{Events: []event.Event{{Kind: event.Alert, Finding: &event.Finding{Metadata: []event.Metadata{
		{Key: "state", Values: []string{"opened"}}, {Key: "rule", Values: []string{"exfiltration"}}, {Key: "source", Values: []string{"i-1"}},
		{Key: "destination", Values: []string{destination}}, {Key: "evidence", Values: []string{"5 bytes,\nmore than 4"}},
	}}}}}
}

// TestAlertsBelowTheTable: the last alerts have lines of their own below the flows, and text from the network is printable.
func TestAlertsBelowTheTable(t *testing.T) {
	var table flowTable
	for i := range maxRows {
		table.Events(flowEvents(uint64(i), strings.Repeat("x", i)+"y"))
	}
	for _, to := range []string{"forgotten.example", "a.example", "b.example", "evil\x1b[2J.example"} {
		table.Events(finding(to))
	}
	lines := table.render(200, 10)
	assert.Len(t, lines, 10)
	assert.Equal(t, []string{
		"ALERT exfiltration opened: i-1 -> a.example: 5 bytes, more than 4",
		"ALERT exfiltration opened: i-1 -> b.example: 5 bytes, more than 4",
		"ALERT exfiltration opened: i-1 -> evil?[2J.example: 5 bytes, more than 4",
	}, lines[7:])
	assert.Len(t, table.render(200, 2), 2)
	assert.Len(t, table.render(-1, -1), 1)
}

func TestFlowTableIsBounded(t *testing.T) {
	var table flowTable
	for i := range 2 * maxRows {
		table.Events(flowEvents(uint64(i), strings.Repeat("x", i)+"y"))
	}
	assert.Len(t, table.rows, maxRows)
}

func TestFlowLinesSayEachFlowOnce(t *testing.T) {
	var text strings.Builder
	lines := flowLines{w: &text}
	lines.Events(flowEvents(1, "www.example.com"))
	assert.Equal(t, "www.example.com (http_host)  http  10.0.1.10:40000 -> 192.0.2.80:80  vni 101 of 10.0.1.10\n", text.String())
	assert.Empty(t, lines.printed, "ended flows are forgotten")
}

func TestInstancesAreShown(t *testing.T) {
	b := flowEvents(1, "www.example.com")
	for i := range b.Events {
		b.Events[i].Owner = &event.Owner{ENI: "eni-1", Instance: "i-1\x1b[2J"}
	}
	var text strings.Builder
	lines := flowLines{w: &text}
	lines.Events(b)
	assert.Contains(t, text.String(), "  vni 101 of 10.0.1.10, i-1?[2J\n")
	var table flowTable
	table.Events(b)
	assert.Contains(t, table.render(120, 20)[1], "  101, i-1?[2J  2  ")
}

// A name comes from the network; it must not reach the terminal's interpreter.
func TestNamesCannotControlTheTerminal(t *testing.T) {
	var text strings.Builder
	lines := flowLines{w: &text}
	hostile := "a\x1b[2J\r\n\tb\xff\u202e"
	lines.Events(flowEvents(1, hostile))
	var table flowTable
	table.Events(flowEvents(1, hostile))
	for _, shown := range []string{text.String(), strings.Join(table.render(200, 10), "\n")} {
		assert.NotRegexp(t, `[^ -~\n]`, shown)
		assert.Contains(t, shown, "a?[2J???b????")
	}
}
