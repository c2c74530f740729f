//go:build cgo

package athena_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write testdata/answers.txtar anew")

// openWorld opens all tables and views over files that the program's writers wrote.
func openWorld(t testing.TB) *athena {
	dir := t.TempDir()
	writeWorld(t, dir)
	a := openAthena(t)
	a.create(t, readTable(t, "01-flows.sql"), parquetTable(dir, "vpcflowlogs"))
	a.create(t, readTable(t, "02-dns.sql"), parquetTable(dir, "mirrorsinkdns"))
	events := readTable(t, "03-eve.sql")
	a.create(t, events, eveTable(dir, events))
	a.create(t, readTable(t, "04-vpc-flow-logs.sql"), flowLogs("../../testdata/vpc-flow-logs.txt"))
	for _, view := range []string{"05-all-flows.sql", "06-named-flows.sql"} {
		a.exec(t, readFile(t, filepath.Join("..", view)))
	}
	return a
}

// flowLogs creates AWS's own table from text. An unknown value is a dash in texts, and null in numbers.
func flowLogs(file string) string {
	return fmt.Sprintf(`(
		SELECT
			COLUMNS(c -> c NOT LIKE '%%-%%' AND c <> 'traffic-path'), "account-id" AS account_id, "interface-id" AS interface_id,
			"log-status" AS log_status, "vpc-id" AS vpc_id, "subnet-id" AS subnet_id, "instance-id" AS instance_id,
			"tcp-flags" AS tcp_flags, "pkt-srcaddr" AS pkt_srcaddr, "pkt-dstaddr" AS pkt_dstaddr, "az-id" AS az_id,
			"sublocation-type" AS sublocation_type, "sublocation-id" AS sublocation_id,
			"pkt-src-aws-service" AS pkt_src_aws_service, "pkt-dst-aws-service" AS pkt_dst_aws_service,
			"flow-direction" AS flow_direction, nullif("traffic-path", '-') AS traffic_path,
			"account-id" AS "aws-account-id", 'vpcflowlogs' AS "aws-service", region AS "aws-region",
			strftime(to_timestamp(CAST(start AS bigint)), '%%Y') AS year, strftime(to_timestamp(CAST(start AS bigint)), '%%m') AS month,
			strftime(to_timestamp(CAST(start AS bigint)), '%%d') AS day, strftime(to_timestamp(CAST(start AS bigint)), '%%H') AS hour
		FROM read_csv('%s', delim = ' ', header = true, all_varchar = true))`, file)
}

// TestAnswers runs every query and every view, and compares the answers with reviewed ones.
func TestAnswers(t *testing.T) {
	const golden = "testdata/answers.txtar"
	a := openWorld(t)
	queries, err := filepath.Glob("../queries/*.sql")
	require.NoError(t, err)
	var got txtar.Archive
	for _, file := range queries {
		answer := a.ask(t, readFile(t, file))
		assert.Greater(t, strings.Count(answer, "\n"), 1, "%s has no answer", file)
		got.Files = append(got.Files, txtar.File{Name: strings.TrimSuffix(filepath.Base(file), ".sql"), Data: []byte(answer)})
	}
	if *update {
		require.NoError(t, os.WriteFile(golden, txtar.Format(&got), 0o600))
	}
	want, err := txtar.ParseFile(golden)
	require.NoError(t, err)
	require.Len(t, got.Files, len(want.Files))
	for i := range want.Files {
		assert.Equal(t, want.Files[i].Name, got.Files[i].Name)
		assert.Equal(t, string(want.Files[i].Data), string(got.Files[i].Data), want.Files[i].Name)
	}
}

// TestViewsKeepRows: a view adds columns to rows, and neither adds nor loses any.
func TestViewsKeepRows(t *testing.T) {
	a := openWorld(t)
	const sums = "SELECT count(*), sum(bytes), sum(start) FROM "
	both := a.ask(t, sums+"(SELECT bytes, start FROM mirrorsink_flows UNION ALL SELECT bytes, start FROM vpc_flow_logs)")
	assert.Equal(t, both, a.ask(t, sums+"all_flows"))
	assert.Equal(t, both, a.ask(t, sums+"named_flows"))
}

// TestBothEndsCountOnce: every record of a connection that is mirrored at both ends names the other end, and the bytes that left
// the interfaces are those that one of them saw.
func TestBothEndsCountOnce(t *testing.T) {
	dir := t.TempDir()
	replay(t, captures+"mirror-both-ends.pcap", flowQueue(t, parquetConfig(dir)))
	a := openAthena(t)
	a.create(t, readTable(t, "01-flows.sql"), parquetTable(dir, "vpcflowlogs"))
	assert.Equal(t, "x_vni | x_paired | n\n101 | 102/10.0.2.10 | 2\n102 | eni-0a1b2c3d4e5f60001 | 2\n", a.ask(t, `
		SELECT x_vni, x_paired, count(*) AS n FROM mirrorsink_flows WHERE log_status = 'OK' GROUP BY x_vni, x_paired ORDER BY x_vni`))
	const sums = "SELECT sum(packets) AS packets, sum(bytes) AS bytes FROM mirrorsink_flows WHERE log_status = 'OK' AND "
	assert.Equal(t, a.ask(t, sums+"x_vni = 101"), a.ask(t, sums+"(x_paired IS NULL OR flow_direction = 'egress')"))
}

// TestCertificatesNotYet: a certificate that ends in more than 30 days is not listed.
func TestCertificatesNotYet(t *testing.T) {
	a := openWorld(t)
	query := readFile(t, "../queries/certificates-expiring.sql")
	for day, want := range map[string]int{"2026-10-24": 0, "2026-10-25": 2, "2027-01-01": 2} {
		answer := a.ask(t, strings.ReplaceAll(query, "now()", "TIMESTAMP '"+day+" 00:00:00'"))
		assert.Equal(t, want, strings.Count(answer, "\n")-1, "on %s:\n%s", day, answer)
	}
}
