package report_test

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/report"
	"github.com/mirrorsink/mirrorsink/inspect/report/inputtest"
)

// TestKeep: a table that keeps some rows has the first ones of the whole table and counts the others, and each row is seen once. It does not
// matter whether the groups fit into the memory.
func TestKeep(t *testing.T) {
	var all []flowlog.Record
	for i := range 3000 {
		all = append(all, flowlog.Record{
			InterfaceID: "eni-1", FlowDirection: "egress", Initiator: "src", InitiatorReason: "syn", LogStatus: flowlog.OK, Action: flowlog.Accept,
			SrcAddr: netip.MustParseAddr("10.0.0.1"), DstAddr: netip.MustParseAddr("203.0.113.9"), SrcPort: uint16(1024 + i), DstPort: 443,
			Protocol: 6, Packets: 10, Bytes: uint64(1000 + i%700), Start: 1764057600, End: 1764057650, Name: fmt.Sprintf("host-%d.example.com", i%1500),
			NameSource: "sni", Completeness: math.NaN(),
		})
	}
	file := inputtest.File(t, t.TempDir(), inputtest.Lines(all))
	p, err := policy.Parse("p.yaml", []byte("allow: [{to: host-7.example.com}]"), policy.Config{})
	require.NoError(t, err)
	by := report.Judgement{Policy: p}
	text := func(row []report.Cell) string { return fmt.Sprint(row) }
	for name, query := range map[string]func() *report.Query{
		"violations":   func() *report.Query { return report.Violations(by) },
		"simulation":   func() *report.Query { return report.Simulation(by, false) },
		"exfiltration": func() *report.Query { return report.Exfiltration(by) },
	} {
		whole := run(t, query(), 1<<30, file)
		var want []string
		for _, row := range whole.Table.Rows {
			want = append(want, text(row))
		}
		require.Equal(t, whole.Table.Columns, query().Columns(), name)
		for _, memory := range []int64{64 << 10, 1 << 30} {
			if name == "exfiltration" && memory < 1<<30 {
				continue // it leaves records out
			}
			var seen []string
			part := run(t, query().Keep(5, func(row []report.Cell) { seen = append(seen, strings.Clone(text(row))) }), memory, file)
			require.Equal(t, whole.Table.Rows[:min(5, len(whole.Table.Rows))], part.Table.Rows, name)
			require.Equal(t, len(whole.Table.Rows)-len(part.Table.Rows), int(part.Table.Left), name)
			require.ElementsMatch(t, want, seen, name)
			require.Equal(t, whole.Table.Total, part.Table.Total, name)
		}
		require.True(t, name == "exfiltration" || len(want) > 1000 && !slices.Contains(want, ""), name)
	}
}
