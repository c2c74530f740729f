//go:build cgo

package athena_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// TestAlertsAreReadable: the table of alerts reads the files that the program writes, names and numbers in their columns.
func TestAlertsAreReadable(t *testing.T) {
	dir := t.TempDir()
	w, err := parquet.NewAlertWriter(parquetConfig(dir), parquet.AlertsConfig{Region: "eu-west-1", Sink: "sink-a"})
	require.NoError(t, err)
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for i, state := range []alert.State{alert.Opened, alert.Updated, alert.Resolved} {
		w.Alert(&alert.Alert{
			Key:  alert.Key{Rule: "exfiltration", Workload: "web", Source: "i-1", To: "evil.example"},
			Kind: policy.Exfiltration, Severity: policy.High, State: state, First: at.UnixNano(), Last: at.Add(time.Duration(i) * time.Hour).UnixNano(),
			Count: uint64(i + 1), Bytes: 100_001, Evidence: "100001 bytes", Account: "111122223333", Addr: netip.MustParseAddr("203.0.113.9"), Port: 443,
			Flows: []alert.FlowBytes{{ID: 7, Bytes: 100_001}},
		})
	}
	require.NoError(t, w.Close(t.Context()))
	a := openAthena(t)
	a.create(t, readTable(t, "07-alerts.sql"), fmt.Sprintf("read_parquet('%s/ext/mirrorsinkalerts/*/*/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)", dir))
	assert.Equal(t, `accountId | eventDay | class_uid | type_name | status | severity | rule | destination | bytes | first_flow_id | uids
111122223333 | 20261124 | 2004 | Detection Finding: Create | New | High | exfiltration | evil.example | 100001 | 7 | 1
111122223333 | 20261124 | 2004 | Detection Finding: Update | In Progress | High | exfiltration | evil.example | 100001 | 7 | 1
111122223333 | 20261124 | 2004 | Detection Finding: Close | Resolved | High | exfiltration | evil.example | 100001 | 7 | 1
`, a.ask(t, `SELECT accountId, eventDay, class_uid, type_name, status, severity, finding_info.analytic.name AS rule, unmapped.destination AS destination,
			unmapped.bytes AS bytes, unmapped.first_flow_id AS first_flow_id, count(DISTINCT finding_info.uid) OVER () AS uids
		FROM mirrorsink_alerts ORDER BY "time"`))
}

// sent is what an instance sent in a minute to a destination that is not allowed, or may not be.
type sent struct {
	workload, instance, name string
	addr                     netip.Addr
	at                       int64
	bytes                    uint64
	uncertain                bool
}

func (s *sent) destination() string {
	if s.name != "" {
		return s.name
	}
	return s.addr.String()
}

func (s *sent) record() flowlog.Record {
	r := flowlog.Record{
		AccountID: "111122223333", Region: "eu-west-1", InterfaceID: "eni-" + s.instance, InstanceID: s.instance, SrcAddr: netip.MustParseAddr("10.0.0.1"),
		PktSrcAddr: netip.MustParseAddr("10.0.0.1"), DstAddr: s.addr, PktDstAddr: s.addr, SrcPort: 40000, DstPort: 443, Protocol: 6, Packets: 3,
		Bytes: s.bytes + 120, PayloadBytes: s.bytes, Start: s.at, End: s.at + 30, LogStatus: flowlog.OK, FlowDirection: "egress", Initiator: "src", Name: s.name,
		PolicyVerdict: "not-allowed", Workload: s.workload,
	}
	if s.uncertain {
		r.PolicyVerdict = "inconclusive"
	}
	return r
}

// TestSumsAcrossSinks: the scheduled query over the records of three sinks gives the workloads and destinations that one sink would have
// alerted of if each workload were one instance, and their bytes.
func TestSumsAcrossSinks(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	end := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC).Unix() // now, at a change of the day
	var all []sent
	for minute := end - 1500; minute < end; minute += 60 {
		for range 40 {
			s := sent{
				workload: []string{"web", "build", "db"}[r.IntN(3)], at: minute, bytes: r.Uint64N(9_000), uncertain: r.IntN(5) == 0,
				name: []string{"", "evil.example", "drop.example", "rare.example"}[r.IntN(4)], addr: netip.AddrFrom4([4]byte{203, 0, 113, byte(r.IntN(3))}),
			}
			s.instance = fmt.Sprintf("i-%s%d", s.workload, r.IntN(9))
			if s.name == "rare.example" {
				s.bytes /= 100
			}
			all = append(all, s)
		}
	}
	a := openAthena(t)
	a.exec(t, "CREATE MACRO date_format(moment, pattern) AS strftime(moment, pattern)")
	a.exec(t, "CREATE MACRO to_unixtime(moment) AS date_diff('second', TIMESTAMP '1970-01-01 00:00:00', CAST(moment AS TIMESTAMP))")
	dir := t.TempDir()
	for sink := range 3 {
		var records []flowlog.Record
		for i := range all {
			if s := &all[i]; int(s.instance[len(s.instance)-1]-'0')%3 == sink { // an interface is on one sink
				records = append(records, s.record())
			}
		}
		records = append(records, others(end)...)
		writeRecords(t, parquetConfig(dir), records)
	}
	a.create(t, readTable(t, "01-flows.sql"), parquetTable(dir, "vpcflowlogs"))
	a.create(t, readTable(t, "04-vpc-flow-logs.sql"), flowLogs("../../testdata/vpc-flow-logs.txt"))
	a.exec(t, readFile(t, "../05-all-flows.sql"))
	answer := a.ask(t, "SELECT concat(workload, ' ', destination, ' ', bytes) AS line FROM ("+readFile(t, filepath.Join("..", "scheduled", "exfiltration-by-workload.sql"))+") ORDER BY line")
	want := oneSink(t, all)
	require.Greater(t, len(want), 3)
	require.Less(t, len(want), 18, "some stay below")
	assert.Equal(t, "line\n"+strings.Join(want, "\n")+"\n", answer)
}

// others are records that do not count: allowed, received, opened from outside, old.
func others(end int64) (records []flowlog.Record) {
	s := sent{workload: "web", instance: "i-x", name: "evil.example", addr: netip.MustParseAddr("203.0.113.1"), at: end - 600, bytes: 1e9}
	allowed, received, served, old := s.record(), s.record(), s.record(), s.record()
	allowed.PolicyVerdict = "allowed"
	received.FlowDirection, received.Initiator = "ingress", "dst"
	served.Initiator = "dst"
	old.Start, old.End = end-7200, end-7190
	return []flowlog.Record{old, allowed, received, served}
}

// oneSink returns what the engine of one sink says of each workload and destination, with the largest sum of a window.
func oneSink(t *testing.T, all []sent) (lines []string) {
	p, err := policy.Parse("p.yaml", []byte("allow: []\nalert: {exfiltration: {bytes: 100kB, within: 5m, to: not-allowed}}\n"), policy.Config{Check: func(string) error { return nil }})
	require.NoError(t, err)
	alerted, peaks := map[string]bool{}, map[string]uint64{}
	e := alert.NewEngine(alert.Config{Policy: p, Memory: 1 << 20, Emit: func(a *alert.Alert) { alerted[a.Workload+" "+a.To] = true }})
	for i := range all {
		s := &all[i]
		v := policy.Verdict{Kind: policy.NotAllowed, Workload: s.workload, To: s.destination()}
		if s.uncertain {
			v.Kind = policy.Inconclusive
		}
		e.Observe(&alert.Activity{
			At: s.at * 1e9, ID: uint64(i), Started: s.at * 1e9, New: true, Sent: s.bytes, Total: s.bytes,
			Flow: &policy.Flow{Source: policy.Source{Instance: s.workload}, Addr: s.addr, Opened: policy.OpenedHere}, Verdict: v,
		})
		sum := uint64(0)
		for j := range all[:i+1] {
			if o := &all[j]; o.workload == s.workload && o.destination() == s.destination() && o.at > s.at-300 {
				sum += o.bytes
			}
		}
		key := s.workload + " " + s.destination()
		peaks[key] = max(peaks[key], sum)
	}
	for key, n := range peaks {
		require.Equal(t, n > 100_000, alerted[key], key)
		if alerted[key] {
			lines = append(lines, fmt.Sprint(key, " ", n))
		}
	}
	sort.Strings(lines)
	return lines
}
