package report_test

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report"
	"github.com/mirrorsink/mirrorsink/inspect/report/inputtest"
)

// varied draws records of all directions, initiators, actions and reasons. Each end is on the internet, so that no record has
// a duplicate.
func varied(t *rapid.T) (all []flowlog.Record) {
	one := rapid.Custom(func(t *rapid.T) flowlog.Record {
		inside := netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(1, 2).Draw(t, "inside"))})
		outside := netip.AddrFrom4([4]byte{203, 0, 113, byte(rapid.IntRange(1, 2).Draw(t, "outside"))})
		start := 1764057600 + rapid.Int64Range(0, 100).Draw(t, "start")
		r := flowlog.Record{
			InterfaceID: rapid.SampledFrom([]string{"", "eni-1", "eni-2"}).Draw(t, "interface"), InstanceID: rapid.SampledFrom([]string{"", "i-1"}).Draw(t, "instance"),
			SrcAddr: inside, DstAddr: outside, SrcPort: rapid.SampledFrom([]uint16{22, 40000}).Draw(t, "srcport"),
			DstPort: rapid.SampledFrom([]uint16{0, 22, 443, 3389, 8080, 40001}).Draw(t, "dstport"), Protocol: rapid.SampledFrom([]uint8{6, 17, 99}).Draw(t, "protocol"),
			Packets: rapid.Uint64Range(1, 9).Draw(t, "packets"), Bytes: rapid.Uint64Range(1, 999).Draw(t, "bytes"), Start: start, End: start + 5,
			Action: rapid.SampledFrom([]string{"", "ACCEPT", "REJECT"}).Draw(t, "action"), LogStatus: flowlog.OK,
			FlowDirection: rapid.SampledFrom([]string{"", "egress", "ingress"}).Draw(t, "direction"),
			Name:          rapid.SampledFrom([]string{"", "a.example.com", "b.example.com"}).Draw(t, "name"), AppProto: rapid.SampledFrom([]string{"", "tls"}).Draw(t, "app"),
			Initiator: rapid.SampledFrom([]string{"", "src", "dst"}).Draw(t, "initiator"), InitiatorReason: rapid.SampledFrom([]string{"syn", "port"}).Draw(t, "evidence"),
			Unanswered:      rapid.Bool().Draw(t, "unanswered"),
			DirectToAddress: rapid.SampledFrom([]string{"", "no", "no_dns_seen", "no_lookup", "doh_suspected"}).Draw(t, "direct"), Completeness: math.NaN(),
		}
		if rapid.Bool().Draw(t, "reverse") {
			r.SrcAddr, r.DstAddr, r.SrcPort, r.DstPort = r.DstAddr, r.SrcAddr, r.DstPort, r.SrcPort
		}
		return r
	})
	return rapid.SliceOfN(one, 1, 100).Draw(t, "records")
}

// expected is the model of a query: the texts of a record's row, and the number that it adds to the row's counts.
type expected func(r *flowlog.Record) (texts []string, counts []int64, ok bool)

// requireTable requires that the rows of an answer are those that the model adds up from records.
func requireTable(t *rapid.T, a *report.Answer, all []flowlog.Record, model expected) {
	want := map[string][]int64{}
	for i := range all {
		texts, counts, ok := model(&all[i])
		if !ok {
			continue
		}
		key := strings.Join(texts, "|")
		if want[key] == nil {
			want[key] = make([]int64, len(counts))
		}
		for j := range counts {
			want[key][j] += counts[j]
		}
	}
	got := map[string][]int64{}
	for _, row := range a.Table.Rows {
		var texts []string
		var counts []int64
		for i, c := range a.Table.Columns {
			switch c.Unit {
			case report.Text, report.Digits:
				texts = append(texts, row[i].Text)
			case report.Count, report.Bytes:
				counts = append(counts, row[i].Num)
			case report.Time:
			}
		}
		key := strings.Join(texts, "|")
		require.NotContains(t, got, key, "a group is listed twice")
		got[key] = counts
	}
	require.Equal(t, want, got)
}

// requireSorted requires that a column never increases from row to row.
func requireSorted(t *rapid.T, table *report.Table, column string) {
	at := slices.IndexFunc(table.Columns, func(c report.Column) bool { return c.Name == column })
	require.True(t, slices.IsSortedFunc(table.Rows, func(a, b []report.Cell) int { return int(b[at].Num - a[at].Num) }))
}

func port(n uint16) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(int(n))
}

func outbound(r *flowlog.Record) bool {
	return r.FlowDirection == "egress" || r.FlowDirection == "" && r.SrcAddr.IsPrivate()
}

// modelClient returns the client and the server of a record as the documentation defines them.
func modelClient(r *flowlog.Record) (client, server netip.Addr, serverPort uint16) {
	dstIsServer := r.Initiator == "src" || r.Initiator == "" && (r.SrcPort == 0 || r.DstPort <= r.SrcPort)
	if dstIsServer {
		return r.SrcAddr, r.DstAddr, r.DstPort
	}
	return r.DstAddr, r.SrcAddr, r.SrcPort
}

func modelRole(r *flowlog.Record) string {
	switch {
	case r.Initiator == "" || r.FlowDirection == "":
		return ""
	case r.Initiator == "src" && r.FlowDirection == "egress", r.Initiator == "dst" && r.FlowDirection == "ingress":
		return "client"
	default:
		return "server"
	}
}

// modelOwner returns the instance, else the interface, else its address.
func modelOwner(r *flowlog.Record) string {
	client, _, _ := modelClient(r)
	switch {
	case r.InstanceID != "":
		return r.InstanceID
	case r.InterfaceID != "":
		return r.InterfaceID
	case r.FlowDirection == "egress":
		return r.SrcAddr.String()
	case r.FlowDirection == "ingress":
		return r.DstAddr.String()
	default:
		return client.String()
	}
}

func sums(r *flowlog.Record) []int64 { return []int64{1, int64(r.Packets), int64(r.Bytes)} }

// TestQueries: the answer of each query is that of a model of a few lines, over any records and with little memory.
func TestQueries(t *testing.T) {
	services := map[uint16]string{22: "ssh", 443: "https", 3389: "rdp"}
	for name, c := range map[string]struct {
		orderBy string
		model   expected
	}{
		"management": {"bytes", func(r *flowlog.Record) ([]string, []int64, bool) {
			ok := (r.DstPort > 0 && r.DstPort < 1024 || r.DstPort == 3389) && outbound(r) && r.Initiator != "dst" && r.Action != "REJECT"
			return []string{r.InterfaceID, r.InstanceID, port(r.DstPort), services[r.DstPort], r.DstAddr.String(), r.Name}, sums(r), ok
		}},
		"unanswered": {"", func(r *flowlog.Record) ([]string, []int64, bool) {
			counts := []int64{1, 0, int64(r.Packets), int64(r.Bytes)}
			if r.Action == "REJECT" {
				counts[0], counts[1] = 0, 1
			}
			protocol := map[uint8]string{6: "tcp", 17: "udp", 99: "99"}[r.Protocol]
			texts := []string{r.InterfaceID, r.InstanceID, r.FlowDirection, r.SrcAddr.String(), r.DstAddr.String(), port(r.DstPort), protocol, r.Name}
			return texts, counts, r.Unanswered || r.Action == "REJECT"
		}},
		"direct": {"bytes", func(r *flowlog.Record) ([]string, []int64, bool) {
			_, server, serverPort := modelClient(r)
			ok := r.DirectToAddress == "no_lookup" || r.DirectToAddress == "doh_suspected"
			return []string{r.DirectToAddress, r.InterfaceID, r.InstanceID, server.String(), port(serverPort), r.AppProto, r.Name}, sums(r), ok
		}},
		"initiators": {"flows", func(r *flowlog.Record) ([]string, []int64, bool) {
			instance, eni := r.InstanceID, r.InterfaceID
			if modelRole(r) != "client" {
				instance, eni = "", ""
			}
			return []string{instance, eni, r.SrcAddr.String(), r.Name, r.DstAddr.String(), port(r.DstPort), r.InitiatorReason}, sums(r), r.Initiator == "src"
		}},
		"names": {"bytes", func(r *flowlog.Record) ([]string, []int64, bool) {
			return []string{modelOwner(r), modelRole(r), r.Name}, []int64{1, int64(r.Bytes)}, r.Name != ""
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			rapid.Check(t, func(t *rapid.T) {
				all := varied(t)
				memory := rapid.SampledFrom([]int64{1, 5000, 1 << 20}).Draw(t, "memory")
				a := run(t, newQuery(name), memory, inputtest.File(t, dir, inputtest.Lines(all)))
				requireTable(t, a, all, c.model)
				if c.orderBy != "" {
					requireSorted(t, a.Table, c.orderBy)
				}
				require.Equal(t, uint64(len(all)), a.Counted)
			})
		})
	}
}

// newQuery returns a query of all rows. A query is asked once.
func newQuery(name string) *report.Query {
	switch name {
	case "management":
		return report.Management(0)
	case "unanswered":
		return report.Unanswered(0)
	case "direct":
		return report.Direct(0)
	case "initiators":
		return report.Initiators(0)
	default:
		return report.Names(0)
	}
}

// TestNewIsDifference: new lists the rows of names that the same query over the earlier records does not have.
func TestNewIsDifference(t *testing.T) {
	dir := t.TempDir()
	key := func(row []report.Cell) string { return row[0].Text + "|" + row[1].Text + "|" + row[2].Text }
	rapid.Check(t, func(t *rapid.T) {
		earlier := inputtest.File(t, dir, inputtest.Lines(varied(t)))
		later := inputtest.File(t, dir, inputtest.Lines(varied(t)))
		known := map[string]bool{}
		for _, row := range run(t, report.Names(0), 1<<20, earlier).Table.Rows {
			known[key(row)] = true
		}
		var want [][]report.Cell
		for _, row := range run(t, report.Names(0), 1<<20, later).Table.Rows {
			if !known[key(row)] {
				want = append(want, row)
			}
		}
		require.Equal(t, want, run(t, report.New([]string{earlier}, 0), 1<<20, later).Table.Rows)
	})
}

// TestTopGroupsByAnyColumn: grouped by any columns in any order, the sums of the rows are the total, and rows beyond the
// limit are counted.
func TestTopGroupsByAnyColumn(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		all := varied(t)
		name := inputtest.File(t, dir, inputtest.Lines(all))
		columns := rapid.Permutation(report.GroupColumns).Draw(t, "columns")[:rapid.IntRange(1, 4).Draw(t, "number")]
		by := rapid.SampledFrom(report.Measures).Draw(t, "by")
		whole := run(t, top(t, by, 0, columns...), 1<<20, name).Table
		var flows, bytes int64
		for _, row := range whole.Rows {
			flows, bytes = flows+row[len(columns)].Num, bytes+row[len(columns)+2].Num
		}
		require.Equal(t, int64(len(all)), flows)
		require.Equal(t, whole.Total[len(columns)+2].Num, bytes)
		requireSorted(t, whole, by)

		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		part := run(t, top(t, by, limit, columns...), 1<<20, name).Table
		require.Equal(t, whole.Rows[:min(limit, len(whole.Rows))], part.Rows)
		require.Equal(t, len(whole.Rows), len(part.Rows)+int(part.Left))
		require.Equal(t, whole.Total, part.Total)
	})
}

// TestTopRefusesUnknownNames: an unknown measure or column, or a column given twice, gives an error that lists the valid ones.
func TestTopRefusesUnknownNames(t *testing.T) {
	for want, c := range map[string]struct {
		by      string
		columns []string
	}{
		`no measure "size": want one of bytes, packets, flows`:                                    {"size", []string{"name"}},
		fmt.Sprintf(`no group "colour": want one of %s`, strings.Join(report.GroupColumns, ", ")): {"bytes", []string{"name", "colour"}},
		`group "name" is given twice`:                                                             {"bytes", []string{"name", "port", "name"}},
	} {
		_, err := report.Top(c.by, c.columns, 0)
		require.EqualError(t, err, want)
	}
}
