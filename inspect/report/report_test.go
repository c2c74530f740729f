package report_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report"
	"github.com/mirrorsink/mirrorsink/inspect/report/inputtest"
)

// records draws records of few names, ports and interfaces, so that groups have several records. None is seen at both ends.
func records(t *rapid.T) (all []flowlog.Record) {
	one := rapid.Custom(func(t *rapid.T) flowlog.Record {
		n := rapid.IntRange(0, 30).Draw(t, "n")
		start := 1764057600 + rapid.Int64Range(0, 7200).Draw(t, "start")
		return flowlog.Record{
			InterfaceID: fmt.Sprintf("eni-%d", n%3), InstanceID: fmt.Sprintf("i-%d", n%2), VPCID: "vpc-1", FlowDirection: "egress",
			SrcAddr: netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), DstAddr: netip.AddrFrom4([4]byte{203, 0, 113, byte(n % 7)}),
			PktSrcAddr: netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), PktDstAddr: netip.AddrFrom4([4]byte{203, 0, 113, byte(n % 7)}),
			SrcPort: uint16(1024 + n), DstPort: uint16(n % 5), Protocol: 6,
			Packets: rapid.Uint64Range(1, 1000).Draw(t, "packets"), Bytes: rapid.Uint64Range(1, 1e6).Draw(t, "bytes"),
			Start: start, End: start + int64(n), Action: flowlog.Accept, LogStatus: flowlog.OK,
			Name:     rapid.SampledFrom([]string{"", "a.example.com", "b.example.com", "c d%\"[\x01.example.org", "-", strings.Repeat("x", 300)}).Draw(t, "name"),
			AppProto: "tls", Initiator: rapid.SampledFrom([]string{"src", ""}).Draw(t, "initiator"), InitiatorReason: "syn",
			Unanswered: n%4 == 0, DirectToAddress: "no_lookup", Completeness: 0.5, VNI: uint32(n), Mirrored: n%2 == 0,
		}
	})
	return rapid.SliceOfN(one, 1, 120).Draw(t, "records")
}

// run runs a query over files.
func run(t require.TestingT, q *report.Query, memory int64, files ...string) *report.Answer {
	a, err := report.Run(context.Background(), report.Config{Files: files, Memory: memory}, q)
	require.NoError(t, err)
	return a
}

func top(t require.TestingT, by string, n int, groups ...string) *report.Query {
	q, err := report.Top(by, groups, n)
	require.NoError(t, err)
	return q
}

// TestTopIsExact: with any bound of memory, top and its total have the sums that a map has, in order.
func TestTopIsExact(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		all := records(t)
		memory := rapid.SampledFrom([]int64{1, 5000, 1 << 20}).Draw(t, "memory")
		n := rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "n")
		a := run(t, top(t, "bytes", n, "name", "address"), memory, inputtest.File(t, dir, inputtest.Lines(all)))

		type row struct {
			name, address         string
			flows, packets, bytes int64
		}
		sums := map[[2]string]row{}
		var total row
		for _, r := range all {
			key := [2]string{r.Name, r.DstAddr.String()}
			s := sums[key]
			sums[key] = row{key[0], key[1], s.flows + 1, s.packets + int64(r.Packets), s.bytes + int64(r.Bytes)}
			total = row{"", "", total.flows + 1, total.packets + int64(r.Packets), total.bytes + int64(r.Bytes)}
		}
		var want []row
		for _, s := range sums {
			want = append(want, s)
		}
		slices.SortFunc(want, func(a, b row) int {
			return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.name, b.name), cmp.Compare(a.address, b.address))
		})
		if n > 0 {
			want = want[:min(n, len(want))]
		}
		var got []row
		for _, r := range a.Table.Rows {
			got = append(got, row{r[0].Text, r[1].Text, r[2].Num, r[3].Num, r[4].Num})
		}
		require.Equal(t, want, got)
		require.Equal(t, uint64(len(sums)-len(want)), a.Table.Left)
		sum := a.Table.Total
		require.Equal(t, total, row{"", "", sum[2].Num, sum[3].Num, sum[4].Num})
	})
}

// TestParquetAsText: every report has the same answer over a Parquet file and over the same records as lines.
func TestParquetAsText(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		all := records(t)
		text, table := inputtest.File(t, dir, inputtest.Lines(all)), inputtest.File(t, dir, inputtest.Parquet(t, all, inputtest.SmallPages...))
		for _, q := range []func() *report.Query{
			func() *report.Query { return top(t, "bytes", 0, report.GroupColumns...) },
			func() *report.Query { return report.Management(0) }, func() *report.Query { return report.Unanswered(0) },
			func() *report.Query { return report.Direct(0) }, func() *report.Query { return report.Initiators(0) },
			func() *report.Query { return report.Names(0) },
		} {
			require.Equal(t, printed(t, run(t, q(), 1<<20, text)), printed(t, run(t, q(), 1<<20, table)))
		}
	})
}

func printed(t require.TestingT, a *report.Answer) string {
	var b strings.Builder
	require.NoError(t, a.Print(&b, "json"))
	return b.String()
}

// TestWhereReadsEveryField: a filter on any field matches its value, in Parquet and in lines.
func TestWhereReadsEveryField(t *testing.T) {
	r := flowlog.Record{
		AccountID: "1", InterfaceID: "eni-1", SrcAddr: netip.MustParseAddr("10.0.0.1"), DstAddr: netip.MustParseAddr("10.0.0.2"), SrcPort: 3, DstPort: 4,
		Protocol: 5, Packets: 6, Bytes: 7, Start: 8, End: 9, Action: "ACCEPT", LogStatus: "OK", VPCID: "v", SubnetID: "s", InstanceID: "i", TCPFlags: 2,
		PktSrcAddr: netip.MustParseAddr("10.0.0.3"), PktDstAddr: netip.MustParseAddr("203.0.113.4"), Region: "r", AZID: "z", PktSrcAWSService: "S3",
		PktDstAWSService: "EC2", FlowDirection: "egress", InterfaceType: "lambda", Name: "n", NameSource: "sni", SNI: "n", DNSName: "d", AppProto: "tls",
		JA4: "j", Initiator: "src", InitiatorReason: "syn", Unanswered: true, DirectToAddress: "no_lookup", Completeness: 0.5, CommunityID: "1:x", VNI: 12,
		Mirrored: true, Truncated: true, Paired: "eni-2",
	}
	dir := t.TempDir()
	files := []string{inputtest.File(t, dir, inputtest.Lines([]flowlog.Record{r})), inputtest.File(t, dir, inputtest.Parquet(t, []flowlog.Record{r}))}
	for _, where := range []string{
		`account_id == "1"`, `interface_id == "eni-1"`, `srcaddr == "10.0.0.1"`, `dstaddr == "10.0.0.2"`, `srcport == 3`, `dstport == 4`, `protocol == 5`,
		`packets == 6`, `bytes == 7`, `start == 8`, `end == 9`, `action == "ACCEPT"`, `log_status == "OK"`, `vpc_id == "v"`, `subnet_id == "s"`,
		`instance_id == "i"`, `tcp_flags == 2`, `type == "IPv4"`, `pkt_srcaddr == "10.0.0.3"`, `pkt_dstaddr == "203.0.113.4"`, `region == "r"`, `az_id == "z"`,
		`pkt_src_aws_service == "S3"`, `pkt_dst_aws_service == "EC2"`, `flow_direction == "egress"`, `interface_type == "lambda"`, `x_name == "n" and name == "n"`,
		`name_source == "sni"`, `sni == "n"`, `dns_name == "d"`, `app_proto == "tls"`, `ja4 == "j"`, `initiator == "src"`, `initiator_reason == "syn"`,
		`unanswered`, `direct_to_address == "no_lookup"`, `completeness == 0.5`, `community_id == "1:x"`, `vni == 12`, `truncated`,
		`paired == "eni-2"`,
		`address == "203.0.113.4"`, `port == 4`,
	} {
		for _, name := range files {
			for expression, want := range map[string]uint64{where: 1, "not (" + where + ")": 0} {
				a, err := report.Run(t.Context(), report.Config{Files: []string{name}, Memory: 1 << 20, Where: expression}, report.Names(0))
				require.NoError(t, err, expression)
				assert.Equal(t, want, a.Counted, "%s of %s", expression, name)
			}
		}
	}
}

// TestDocumentedExpressions: the examples of docs/report.md are expressions.
func TestDocumentedExpressions(t *testing.T) {
	page, err := os.ReadFile("../../docs/report.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(page), "## `--where`\n\n")
	examples, _, _ := strings.Cut(section, "\n\n")
	for line := range strings.Lines(examples) {
		_, err := report.Schema.Compile(strings.TrimSpace(line))
		assert.NoError(t, err, line)
	}
	assert.GreaterOrEqual(t, strings.Count(examples, "\n"), 3)
}

// TestStandardInput: standard input takes lines, compressed or not; Parquet and relative times are refused.
func TestStandardInput(t *testing.T) {
	r := []flowlog.Record{{DstAddr: netip.MustParseAddr("192.0.2.1"), Bytes: 5, Packets: 1, LogStatus: "OK", Name: "n"}}
	for _, data := range [][]byte{inputtest.Lines(r), inputtest.Gzip(t, inputtest.Lines(r))} {
		a, err := report.Run(t.Context(), report.Config{Files: []string{"-"}, Stdin: bytes.NewReader(data), Memory: 1 << 20}, top(t, "bytes", 0, "name"))
		require.NoError(t, err)
		assert.Equal(t, int64(5), a.Table.Total[3].Num)
	}
	_, err := report.Run(t.Context(), report.Config{Files: []string{"-"}, Stdin: bytes.NewReader(inputtest.Parquet(t, r)), Memory: 1 << 20}, top(t, "bytes", 0, "name"))
	assert.EqualError(t, err, "-: standard input cannot be Parquet: name the file")
	hourAgo, err := report.ParseTimeBound("-1h")
	require.NoError(t, err)
	_, err = report.Run(t.Context(), report.Config{Files: []string{"-"}, Stdin: strings.NewReader(""), From: hourAgo, Memory: 1 << 20}, report.Names(0))
	assert.ErrorContains(t, err, "needs files, not standard input: give a time")
}

// TestNoRoomForGroups: if neither memory nor the temporary folder can hold the groups there is no answer, and an error of one line.
func TestNoRoomForGroups(t *testing.T) {
	var all []flowlog.Record
	for i := range 100 {
		all = append(all, flowlog.Record{Bytes: 1, Packets: 1, LogStatus: "OK", Name: fmt.Sprint(i)})
	}
	name := inputtest.File(t, t.TempDir(), inputtest.Lines(all))
	a, err := report.Run(t.Context(), report.Config{Files: []string{name, name}, Memory: 1000, TempDir: filepath.Join(t.TempDir(), "gone")}, top(t, "bytes", 0, "name"))
	assert.Nil(t, a)
	require.ErrorContains(t, err, "the groups exceed --memory, and no temporary file can be created: open ")
	assert.NotContains(t, err.Error(), "\n")
}

// TestTemporaryFilesAreRemoved: a report that spilled leaves no file.
func TestTemporaryFilesAreRemoved(t *testing.T) {
	var all []flowlog.Record
	for i := range 100 {
		all = append(all, flowlog.Record{Bytes: 1, Packets: 1, LogStatus: "OK", Name: fmt.Sprint(i)})
	}
	temp := t.TempDir()
	name := inputtest.File(t, t.TempDir(), inputtest.Lines(all))
	a, err := report.Run(t.Context(), report.Config{Files: []string{name}, Memory: 1000, TempDir: temp, Plots: true}, top(t, "bytes", 0, "name"))
	require.NoError(t, err)
	assert.Len(t, a.Table.Rows, 100)
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// TestDamage: a file that is cut or changed anywhere gives at most one error of one line, and the files beside it are counted
// whole.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	whole := []flowlog.Record{{DstAddr: netip.MustParseAddr("192.0.2.1"), Bytes: 5, Packets: 1, LogStatus: "OK", Name: "whole"}}
	good := inputtest.File(t, dir, inputtest.Lines(whole))
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SampledFrom([]func() []byte{
			func() []byte { return inputtest.Parquet(t, records(t), inputtest.SmallPages...) }, func() []byte { return inputtest.Lines(records(t)) },
			func() []byte { return inputtest.Gzip(t, inputtest.Lines(records(t))) },
		}).Draw(t, "format")()
		switch at := rapid.IntRange(0, len(data)-1).Draw(t, "at"); rapid.SampledFrom([]string{"cut", "change", "zero"}).Draw(t, "how") {
		case "cut":
			data = data[:at]
		case "change":
			data[at] ^= rapid.ByteRange(1, 255).Draw(t, "by")
		default:
			clear(data[at:min(at+64, len(data))])
		}
		bad := inputtest.File(t, dir, data)
		a, err := report.Run(context.Background(), report.Config{Files: []string{bad, good}, Memory: 1 << 20}, top(t, "bytes", 0, "name"))
		require.NotNil(t, a, "%v", err)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.Contains(t, err.Error(), bad)
		}
		require.True(t, slices.ContainsFunc(a.Table.Rows, func(row []report.Cell) bool { return row[0].Text == "whole" }))
	})
}

// FuzzRead: a report over any file ends, and has an answer.
func FuzzRead(f *testing.F) {
	r := []flowlog.Record{{InterfaceID: "eni-1", DstAddr: netip.MustParseAddr("192.0.2.1"), Bytes: 5, Packets: 1, LogStatus: "OK", Name: "n"}}
	f.Add(inputtest.Lines(r))
	f.Add(inputtest.Parquet(f, r))
	f.Add([]byte(`{"event_type":"flow","src_ip":"10.0.0.1","dest_ip":"203.0.113.9","flow":{"pkts_toserver":1,"bytes_toserver":100,"start":"2026-11-21T12:00:00.123456+0000","end":"2026-11-21T12:00:02.023456+0000"}}`))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(dir, "fuzz")
		require.NoError(t, os.WriteFile(name, data, 0o644))
		a, _ := report.Run(t.Context(), report.Config{Files: []string{name}, Memory: 1 << 20, Plots: true}, top(t, "bytes", 0, report.GroupColumns...))
		require.NotNil(t, a)
		require.NoError(t, a.Print(io.Discard, "wide"))
	})
}
