package athena_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// table is a parsed CREATE EXTERNAL TABLE statement.
type table struct {
	name       string
	columns    []tableColumn
	partitions []tableColumn
	properties map[string]string
}

type tableColumn struct{ name, kind string }

var (
	comment      = regexp.MustCompile(`(?m)^--.*\n`)
	createTable  = regexp.MustCompile(`(?s)^CREATE EXTERNAL TABLE IF NOT EXISTS (\w+) \(\n(.*?)\n\)\nPARTITIONED BY \(\n(.*?)\n\)\n`)
	tableName    = regexp.MustCompile("^`?([A-Za-z0-9_-]+)`? (.+)$")
	propertyPair = regexp.MustCompile(`(?m)^  '([^']+)' = '([^']*)',?$`)
)

// readTable parses a statement of this folder, which has one column per line, except for the fields of structs.
func readTable(t testing.TB, file string) table {
	text := comment.ReplaceAllString(readFile(t, filepath.Join("..", file)), "")
	m := createTable.FindStringSubmatch(text)
	require.NotNil(t, m, file)
	out := table{name: m[1], columns: readColumns(t, m[2]), partitions: readColumns(t, m[3]), properties: map[string]string{}}
	for _, p := range propertyPair.FindAllStringSubmatch(text, -1) {
		out.properties[p[1]] = p[2]
	}
	return out
}

func readColumns(t testing.TB, text string) (columns []tableColumn) {
	text = regexp.MustCompile(`\n {4,}`).ReplaceAllString(text, " ") // fields of structs
	for line := range strings.SplitSeq(text, "\n") {
		m := tableName.FindStringSubmatch(strings.TrimSuffix(strings.TrimSpace(line), ","))
		require.NotNil(t, m, line)
		columns = append(columns, tableColumn{m[1], m[2]})
	}
	return columns
}

func readFile(t testing.TB, name string) string {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

var tables = []string{"01-flows.sql", "02-dns.sql", "03-eve.sql", "04-vpc-flow-logs.sql", "07-alerts.sql"}

// published is the columns of AWS's statement for flow logs in Parquet files, but for protocol: the files have an int there, which Athena reads
// as the statement's bigint and Spark does not.
// https://docs.aws.amazon.com/athena/latest/ug/vpc-flow-logs-parquet.html
const published = "version int, account_id string, interface_id string, srcaddr string, dstaddr string, srcport int, dstport int, " +
	"protocol int, packets bigint, bytes bigint, start bigint, end bigint, action string, log_status string, vpc_id string, " +
	"subnet_id string, instance_id string, tcp_flags int, type string, pkt_srcaddr string, pkt_dstaddr string, region string, " +
	"az_id string, sublocation_type string, sublocation_id string, pkt_src_aws_service string, pkt_dst_aws_service string, " +
	"flow_direction string, traffic_path int"

// publishedPartitions are the partitions of AWS's statement.
const publishedPartitions = "aws-account-id string, aws-service string, aws-region string, year string, month string, day string, hour string"

func list(columns []tableColumn) string {
	var texts []string
	for _, c := range columns {
		texts = append(texts, c.name+" "+c.kind)
	}
	return strings.Join(texts, ", ")
}

// TestPublishedColumnsComeFirst: queries written for VPC Flow Logs run on mirrorsink's table.
func TestPublishedColumnsComeFirst(t *testing.T) {
	flows := readTable(t, "01-flows.sql")
	assert.True(t, strings.HasPrefix(list(flows.columns), published+", "), list(flows.columns))
	assert.Equal(t, publishedPartitions, list(flows.partitions))
	aws := readTable(t, "04-vpc-flow-logs.sql")
	assert.Equal(t, published, list(aws.columns))
	assert.Equal(t, publishedPartitions, list(aws.partitions))
	assert.Equal(t, publishedPartitions, list(readTable(t, "02-dns.sql").partitions))
}

var hiveTypes = map[flowlog.Type]string{
	flowlog.String: "string", flowlog.Int32: "int", flowlog.Int64: "bigint", flowlog.Boolean: "boolean", flowlog.Double: "double",
}

// TestColumnsAreTheFields: the table has every field of flow logs, in order and with its type in the files.
func TestColumnsAreTheFields(t *testing.T) {
	columns := readTable(t, "01-flows.sql").columns
	require.Len(t, columns, len(flowlog.Fields))
	for i := range flowlog.Fields {
		f := &flowlog.Fields[i]
		assert.Equal(t, tableColumn{f.Column(), hiveTypes[f.Type]}, columns[i])
	}
}

// TestProjection: Athena finds the folders of every partition from the statement alone.
func TestProjection(t *testing.T) {
	for _, file := range tables {
		tab := readTable(t, file)
		assert.Equal(t, "true", tab.properties["projection.enabled"], file)
		template := tab.properties["storage.location.template"]
		for _, p := range tab.partitions {
			assert.Contains(t, []string{"enum", "integer", "date"}, tab.properties["projection."+p.name+".type"], file)
			assert.Equal(t, 1, strings.Count(template, "${"+p.name+"}"), "%s: %s in %s", file, p.name, template)
		}
		assert.True(t, strings.HasSuffix(template, "/"), file)
	}
}

// TestPublicAddresses: the view's pattern agrees with the predicates of net/netip.
func TestPublicAddresses(t *testing.T) {
	m := regexp.MustCompile(`NOT regexp_like\(f.remote_addr, '([^']+)'\) AS remote_is_public`).
		FindStringSubmatch(readFile(t, "../05-all-flows.sql"))
	require.NotNil(t, m)
	private := regexp.MustCompile(m[1])
	shared, zero, class := netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("240.0.0.0/4")
	rapid.Check(t, func(t *rapid.T) {
		a := drawAddr(t)
		want := a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() ||
			shared.Contains(a) || zero.Contains(a) || class.Contains(a)
		if got := private.MatchString(a.String()); got != want {
			t.Fatalf("%v: not public is %v, want %v", a, got, want)
		}
	})
}

// drawAddr draws an address, most often one near a boundary of a network.
func drawAddr(t *rapid.T) netip.Addr {
	if rapid.Bool().Draw(t, "v6") {
		b := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
		b[0] = rapid.SampledFrom([]byte{0x20, 0xfb, 0xfc, 0xfd, 0xfe, 0xff}).Draw(t, "first")
		if rapid.Bool().Draw(t, "short") {
			b = [16]byte{15: byte(rapid.IntRange(0, 2).Draw(t, "last"))}
		}
		return netip.AddrFrom16(b)
	}
	b := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "bytes"))
	b[0] = rapid.OneOf(rapid.SampledFrom([]byte{0, 1, 9, 10, 11, 100, 126, 127, 128, 169, 172, 192, 223, 224, 239, 240, 255}), rapid.Byte()).Draw(t, "first")
	b[1] = rapid.OneOf(rapid.SampledFrom([]byte{15, 16, 31, 32, 63, 64, 127, 128, 167, 168, 169, 253, 254, 255}), rapid.Byte()).Draw(t, "second")
	return netip.AddrFrom4(b)
}

// TestQueriesStateTheirQuestion: every query begins with a comment that is a question, and names the partitions it reads.
func TestQueriesStateTheirQuestion(t *testing.T) {
	queries, err := filepath.Glob("../queries/*.sql")
	require.NoError(t, err)
	for _, file := range queries {
		text := readFile(t, file)
		question, _, _ := strings.Cut(text, "\nSELECT")
		assert.True(t, strings.HasPrefix(text, "-- "), file)
		assert.Contains(t, question, "?", file)
		assert.Contains(t, question, "-- Edit: ", file)
		assert.NotContains(t, text, ";", "%s: Athena takes one statement, without its end", file)
	}
}

// TestQueriesAreDocumented: the page has every statement and every query.
func TestQueriesAreDocumented(t *testing.T) {
	page := readFile(t, "../../../docs/queries.md")
	for _, pattern := range []string{"../*.sql", "../queries/*.sql", "../../insights/*.txt"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			name := filepath.Base(file)
			documented := strings.Contains(page, "`"+name+"`") || strings.Contains(page, "/"+name+")") ||
				strings.Contains(page, "`"+strings.TrimSuffix(name, filepath.Ext(name))+"`")
			assert.True(t, documented, name)
		}
	}
}

// TestPlaceholders: the documented envsubst replaces every placeholder, except Athena's own.
func TestPlaceholders(t *testing.T) {
	page := readFile(t, "../../../docs/queries.md")
	files, err := filepath.Glob("../*.sql")
	require.NoError(t, err)
	for _, file := range files {
		for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)\}`).FindAllStringSubmatch(readFile(t, file), -1) {
			assert.Contains(t, page, "export BUCKET=", file)
			assert.Regexp(t, `envsubst '[^']*\$`+m[1]+`[ ']`, page, file)
		}
	}
}
