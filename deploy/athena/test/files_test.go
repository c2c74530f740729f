//go:build cgo

package athena_test

import (
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// parquetFiles returns the files below a folder, and requires that all are Parquet.
func parquetFiles(t testing.TB, dir string) (files []string) {
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Base(name) != ".lock" {
			assert.True(t, strings.HasSuffix(name, ".parquet"), name)
			files = append(files, name)
		}
		return err
	}))
	return files
}

// someRecords draws records with all kinds of values in all fields, in the order of time, over several hours, accounts and regions.
// The VNI of a record is its index.
func someRecords(n int) []flowlog.Record {
	r := rand.New(rand.NewPCG(3, 5))
	pick := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	out := make([]flowlog.Record, n)
	for i := range out {
		out[i] = flowlog.Record{
			AccountID: pick("111122223333", "444455556666"), InterfaceID: fmt.Sprintf("eni-%017x", r.IntN(40)), InstanceID: pick("", "i-0a", "i-0b"),
			SrcAddr: someAddr(r), DstAddr: someAddr(r), SrcPort: uint16(r.Uint32()), DstPort: uint16(r.Uint32()), Protocol: uint8(r.IntN(256)),
			Packets: r.Uint64N(1 << 40), Bytes: r.Uint64N(1 << 50), Start: 1_795_500_000 + int64(i), End: 1_795_500_000 + int64(i) + int64(r.IntN(60)),
			Action: pick("", flowlog.Accept), LogStatus: pick(flowlog.OK, flowlog.OK, flowlog.OK, flowlog.NoData, flowlog.SkipData),
			VPCID: pick("", "vpc-0a"), SubnetID: pick("", "subnet-0a"), TCPFlags: uint8(r.IntN(64)), PktSrcAddr: someAddr(r), PktDstAddr: someAddr(r),
			Region: pick("eu-west-1", "us-east-1"), AZID: pick("", "euw1-az1"), PktSrcAWSService: pick("", "S3"), PktDstAWSService: pick("", "EC2"),
			FlowDirection: pick("", "ingress", "egress"), InterfaceType: pick("", "interface"), Name: pick("", "a.example", "-", "blank and \"quote\" %41 ü.example"),
			NameSource: pick("", "sni", "dns"), SNI: fmt.Sprintf("host-%d.example", r.IntN(1000)), DNSName: pick("", "b.example"), AppProto: pick("", "tls", "failed"),
			JA4: pick("", "t13d1516h2_8daaf6152771_b186095e22b6"), Initiator: pick("", "src", "dst"), InitiatorReason: pick("", "syn"),
			Unanswered: r.IntN(2) == 0, DirectToAddress: pick("", "no_lookup"), Completeness: someShare(r), CommunityID: fmt.Sprintf("1:%x", r.Uint64()),
			VNI: uint32(i), Mirrored: true, Truncated: r.IntN(2) == 0,
			Paired: pick("", "eni-0a1b2c3d4e5f60002", "102/10.0.2.10"),
		}
	}
	return out
}

func someAddr(r *rand.Rand) netip.Addr {
	switch r.IntN(5) {
	case 0:
		return netip.Addr{}
	case 1:
		b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
		b[15] = byte(r.IntN(256))
		return netip.AddrFrom16(b)
	default:
		return netip.AddrFrom4([4]byte{10, byte(r.IntN(2)), byte(r.IntN(256)), byte(r.IntN(256))})
	}
}

func someShare(r *rand.Rand) float64 {
	if r.IntN(3) == 0 {
		return math.NaN()
	}
	return float64(r.IntN(1001)) / 1000
}

// TestValuesComeBack: DuckDB reads the value of the record's line from every column of every record.
func TestValuesComeBack(t *testing.T) {
	const n = 6000
	dir, records := t.TempDir(), someRecords(n)
	writeRecords(t, parquetConfig(dir), records)
	a := openAthena(t)
	a.create(t, readTable(t, "01-flows.sql"), parquetTable(dir, "vpcflowlogs"))
	rows, err := a.db.QueryContext(t.Context(), "SELECT * FROM mirrorsink_flows ORDER BY x_vni")
	require.NoError(t, err)
	defer rows.Close()
	values, into := make([]any, len(flowlog.Fields)+7), make([]any, len(flowlog.Fields)+7)
	for i := range values {
		into[i] = &values[i]
	}
	read := 0
	for ; rows.Next(); read++ {
		require.NoError(t, rows.Scan(into...))
		for i := range flowlog.Fields {
			f := &flowlog.Fields[i]
			want := string(f.AppendValue(nil, &records[read]))
			require.Equal(t, want, column(values[i]), "record %d: %s", read, f.Name)
		}
		require.Equal(t, []any{records[read].AccountID, "vpcflowlogs", records[read].Region}, values[len(flowlog.Fields):][:3])
	}
	require.NoError(t, rows.Err())
	require.Equal(t, n, read)
}

// column returns a value as in a line, without escapes; "" for null.
func column(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// TestTypesAreAWSs: the files have the fields as columns, in order, in the types of AWS's files.
func TestTypesAreAWSs(t *testing.T) {
	dir := t.TempDir()
	writeRecords(t, parquetConfig(dir), readRecords(t, "../../testdata/flows.txt"))
	types := map[flowlog.Type]string{
		flowlog.String: "BYTE_ARRAY | UTF8", flowlog.Int32: "INT32 | -", flowlog.Int64: "INT64 | -",
		flowlog.Boolean: "BOOLEAN | -", flowlog.Double: "DOUBLE | -",
	}
	want := "name | type | converted_type\n"
	for i := range flowlog.Fields {
		want += flowlog.Fields[i].Column() + " | " + types[flowlog.Fields[i].Type] + "\n"
	}
	a := openAthena(t)
	for _, file := range parquetFiles(t, dir) {
		got := a.ask(t, fmt.Sprintf("SELECT name, type, converted_type FROM parquet_schema('%s') WHERE num_children IS NULL", file))
		assert.Equal(t, want, got, file)
	}
}

// TestFilesAreWhereAthenaLooks: every file lies in a folder that the projection of its table covers.
func TestFilesAreWhereAthenaLooks(t *testing.T) {
	dir := t.TempDir()
	writeWorld(t, dir)
	var places []*regexp.Regexp
	for _, statement := range []string{"01-flows.sql", "02-dns.sql", "03-eve.sql"} {
		properties := readTable(t, statement).properties
		place := regexp.MustCompile(`\$\{([^}]+)\}`).ReplaceAllStringFunc(properties["storage.location.template"], func(name string) string {
			return partitionValues(properties, strings.Trim(name, "${}"))
		})
		places = append(places, regexp.MustCompile("^"+place+"[^/]+$"))
	}
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		within, err := filepath.Rel(dir, name)
		fits := 0
		for _, p := range places {
			if p.MatchString("s3://bucket/" + filepath.ToSlash(within)) {
				fits++
			}
		}
		assert.Equal(t, 1, fits, within)
		return err
	}))
}

// partitionValues returns a pattern of the values of a projected partition.
func partitionValues(properties map[string]string, name string) string {
	digits, err := strconv.Atoi(properties["projection."+name+".digits"])
	switch {
	case name == "BUCKET":
		return "bucket"
	case properties["projection."+name+".type"] == "date":
		return strings.NewReplacer("yyyy", `\d{4}`, "MM", `\d\d`, "dd", `\d\d`).Replace(properties["projection."+name+".format"])
	case properties["projection."+name+".type"] == "integer" && err == nil:
		return fmt.Sprintf(`\d{%d}`, digits)
	case properties["projection."+name+".type"] == "integer":
		return `\d{4}`
	case strings.HasPrefix(properties["projection."+name+".values"], "$"):
		return "[a-z0-9-]+"
	default:
		return properties["projection."+name+".values"]
	}
}

// TestEveryFileIsRead: DuckDB decodes all columns of all files written from captures, in every schema, and counts the rows
// that were written.
func TestEveryFileIsRead(t *testing.T) {
	a := openAthena(t)
	files, err := filepath.Glob(captures + "*.pcap*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	read := map[string]int{}
	for _, capture := range files {
		flows, lake, dns := &written{t: t}, &written{t: t}, &written{t: t}
		lakeConfig := lake.config()
		lakeConfig.Schema = parquet.OCSF
		replay(t, capture, flowQueue(t, flows.config()), flowQueue(t, lakeConfig), dnsQueue(t, dns.config()))
		read["aws"] += flows.check(a)
		read["ocsf"] += lake.check(a)
		read["dns"] += dns.check(a)
	}
	for schema, n := range read {
		assert.Positive(t, n, schema)
	}
}

// written is the files of one writer.
type written struct {
	t     testing.TB
	dir   string
	files []parquet.File
}

func (w *written) config() parquet.Config {
	w.dir = w.t.TempDir()
	cfg := parquetConfig(w.dir)
	cfg.Done = func(f parquet.File) { w.files = append(w.files, f) }
	return cfg
}

// check reads the files one by one, and returns the number of rows.
func (w *written) check(a *athena) (rows int) {
	assert.Len(w.t, parquetFiles(w.t, w.dir), len(w.files))
	for _, f := range w.files {
		got := a.ask(w.t, fmt.Sprintf("SELECT count(*) AS n, count(hash(r)) AS decoded FROM read_parquet('%s') AS r", f.Path))
		assert.Equal(w.t, fmt.Sprintf("n | decoded\n%d | %d\n", f.Rows, f.Rows), got, f.Path)
		rows += f.Rows
	}
	return rows
}

// TestLakeAddsUp: the files for Security Lake have the required attributes of their class in every row, and the packets and
// bytes of the records.
func TestLakeAddsUp(t *testing.T) {
	dir := t.TempDir()
	cfg := parquetConfig(dir)
	cfg.Schema = parquet.OCSF
	records := someRecords(5000)
	writeRecords(t, cfg, records)
	var rows, packets, bytes uint64
	for i := range records {
		if records[i].HasData() {
			rows, packets, bytes = rows+1, packets+records[i].Packets, bytes+records[i].Bytes
		}
	}
	got := openAthena(t).ask(t, fmt.Sprintf(`
		SELECT count(*) AS n, sum(traffic.packets) AS packets, sum(traffic.bytes) AS bytes, bool_and(
			class_uid = 4001 AND category_uid = 4 AND type_uid = class_uid * 100 + activity_id AND severity_id IS NOT NULL
			AND time BETWEEN 1795500000000 AND 1795600000000
			AND metadata.version IS NOT NULL AND metadata.product.name IS NOT NULL AND metadata.product.vendor_name IS NOT NULL
			AND "accountId" = cloud.account.uid AND region = cloud.region
			AND strftime(to_timestamp(time / 1000), '%%Y%%m%%d') = "eventDay") AS required
		FROM read_parquet('%s/ext/mirrorsink/*/*/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)`, dir))
	assert.Equal(t, fmt.Sprintf("n | packets | bytes | required\n%d | %d | %d | true\n", rows, packets, bytes), got)
}
