package parquet_test

import (
	"cmp"
	"encoding/binary"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go/format"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// wantRow returns the row of a record.
func wantRow(r *flowlog.Record) parquetRow {
	row := parquetRow{}
	for i := range flowlog.Fields {
		f := &flowlog.Fields[i]
		var v any
		known := false
		switch f.Type {
		case flowlog.Int32, flowlog.Int64:
			v, known = f.Int(r)
		case flowlog.Boolean:
			v, known = f.Bool(r)
		case flowlog.Double:
			v, known = f.Float(r)
		case flowlog.String:
			text := string(f.AppendValue(nil, r))
			v, known = printable(text), text != ""
		}
		row[f.Column()] = nil
		if known {
			row[f.Column()] = v
		}
	}
	return row
}

// printable returns a text as readers of Parquet get it: text that is not UTF-8 is escaped.
func printable(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, c := range []byte(text) {
		if c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			b.WriteString(`\x` + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
		}
	}
	return b.String()
}

// TestParquetHoldsTheRecords: each record is in the files once, unchanged. Each row group is sorted by start, and the sort is stable.
func TestParquetHoldsTheRecords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		require.NoError(rt, err)
		records := rapid.SliceOfN(rapid.Custom(drawRecord), 1, 200).Draw(rt, "records")
		table := writeFlows(t, config(dir), records)
		assert.Equal(rt, uint64(len(records)), table.written)
		assert.Zero(rt, table.lost)

		var got []parquetRow
		for _, key := range finished(t, dir) {
			rows, _ := readParquet(t, filepath.Join(dir, key))
			got = append(got, rows...)
		}
		var want []parquetRow
		slices.SortStableFunc(records, func(a, b flowlog.Record) int { return cmp.Compare(a.Start, b.Start) })
		for i := range records {
			want = append(want, wantRow(&records[i]))
		}
		assert.Equal(rt, want, got)
	})
}

// drawRecord draws a record of one account, in one rotation period.
func drawRecord(t *rapid.T) flowlog.Record {
	text := func(name string) string {
		return rapid.OneOf(rapid.Just(""), rapid.SampledFrom([]string{"-", "a", "b.example", "\xff\x00\"'\n", "münchen", "%2D", strings.Repeat("x", 300)}),
			rapid.String()).Draw(t, name)
	}
	addr := func(name string) netip.Addr {
		switch rapid.IntRange(0, 4).Draw(t, name) {
		case 0:
			return netip.Addr{}
		case 1, 2:
			return netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, name)})
		case 3:
			return netip.AddrFrom16([16]byte{0x20, 1, 15: rapid.Byte().Draw(t, name)})
		default:
			return netip.AddrFrom16(netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, name)}).As16())
		}
	}
	count := rapid.Uint64Range(0, math.MaxInt64)
	r := flowlog.Record{
		AccountID: "111122223333", InterfaceID: text("interface"), SrcAddr: addr("src"), DstAddr: addr("dst"),
		SrcPort: rapid.Uint16().Draw(t, "srcport"), DstPort: rapid.Uint16().Draw(t, "dstport"), Protocol: rapid.Byte().Draw(t, "protocol"),
		Packets: count.Draw(t, "packets"), Bytes: count.Draw(t, "bytes"),
		Start: 1_790_000_100 + rapid.Int64Range(0, 299).Draw(t, "start"), Action: rapid.SampledFrom([]string{"", flowlog.Accept}).Draw(t, "action"),
		LogStatus: rapid.SampledFrom([]string{flowlog.OK, flowlog.OK, flowlog.NoData, flowlog.SkipData}).Draw(t, "status"),
		VPCID:     text("vpc"), TCPFlags: rapid.Byte().Draw(t, "flags"), PktSrcAddr: addr("pktsrc"), PktDstAddr: addr("pktdst"),
		Region: "eu-west-1", FlowDirection: text("direction"), Name: text("name"), SNI: text("sni"), CommunityID: text("community"),
		Unanswered: rapid.Bool().Draw(t, "unanswered"), Truncated: rapid.Bool().Draw(t, "truncated"), Mirrored: rapid.Bool().Draw(t, "mirrored"),
		VNI: rapid.Uint32Range(0, 1<<24-1).Draw(t, "vni"), Completeness: rapid.SampledFrom([]float64{math.NaN(), 0, 0.5, 1}).Draw(t, "completeness"),
	}
	r.End = r.Start + rapid.Int64Range(0, 60).Draw(t, "end")
	return r
}

// TestParquetColumns: the first columns are those of AWS's published table, in its order and with its types. Ours follow.
// https://docs.aws.amazon.com/athena/latest/ug/vpc-flow-logs-create-table-statement.html has them for versions 2 to 5.
func TestParquetColumns(t *testing.T) {
	t.Parallel()
	const published = `version int, account_id string, interface_id string, srcaddr string, dstaddr string, srcport int, dstport int,
		protocol bigint, packets bigint, bytes bigint, start bigint, end bigint, action string, log_status string, vpc_id string,
		subnet_id string, instance_id string, tcp_flags int, type string, pkt_srcaddr string, pkt_dstaddr string, region string,
		az_id string, sublocation_type string, sublocation_id string, pkt_src_aws_service string, pkt_dst_aws_service string,
		flow_direction string, traffic_path int`
	dir := t.TempDir()
	writeFlows(t, config(dir), eventtest.BusyRecords(2))
	_, file := readParquet(t, filepath.Join(dir, finished(t, dir)[0]))
	elements := file.Metadata().Schema[1:]
	for i, want := range strings.Split(strings.Join(strings.Fields(published), " "), ", ") {
		if want == "protocol bigint" {
			want = "protocol int" // as in AWS's Parquet files and its page on record fields; the table for text files has a wider type
		}
		assert.Equal(t, want, elements[i].Name+" "+athenaType(&elements[i]))
	}
	require.Len(t, elements, len(flowlog.Fields))
	for i := range elements {
		assert.Equal(t, flowlog.Fields[i].Column(), elements[i].Name)
		assert.Equal(t, flowlog.Fields[i].Ours(), strings.HasPrefix(elements[i].Name, "x_"))
	}
}

func athenaType(e *format.SchemaElement) string {
	return map[format.Type]string{
		format.Int32: "int", format.Int64: "bigint", format.ByteArray: "string", format.Boolean: "boolean", format.Double: "double",
	}[e.Type.V]
}

// TestParquetMetadata: files have the compression, order and bounds that readers rely on.
func TestParquetMetadata(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	records := eventtest.BusyRecords(5000)
	for i := range records {
		records[i].Start = 1_790_000_100 + int64(i*7919%299)
	}
	writeFlows(t, config(dir), records)
	_, file := readParquet(t, filepath.Join(dir, finished(t, dir)[0]))
	assert.Regexp(t, `^mirrorsink version \d+\.\d+\.\d+\S* \(build \w+\)$`, file.Metadata().CreatedBy)
	for _, g := range file.Metadata().RowGroups {
		require.Len(t, g.SortingColumns, 1)
		start := g.Columns[g.SortingColumns[0].ColumnIdx].MetaData
		assert.Equal(t, []string{"start"}, []string(start.PathInSchema))
		assert.Equal(t, int64(1_790_000_100), int64(binary.LittleEndian.Uint64(start.Statistics.MinValue)))
		for _, c := range g.Columns {
			assert.Equal(t, format.Zstd, c.MetaData.Codec)
		}
	}
	for _, g := range file.RowGroups() {
		starts := column(readGroup(t, g), "start")
		assert.True(t, slices.IsSorted(starts))
	}
}

func column(rows []parquetRow, name string) (values []int64) {
	for _, r := range rows {
		values = append(values, r[name].(int64))
	}
	return values
}
