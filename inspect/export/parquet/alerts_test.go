package parquet_test

import (
	"context"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/format"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// findingRequired has the required attributes of class 2004 and of the objects in it, with Security Lake's types.
// https://schema.ocsf.io/1.3.0/classes/detection_finding
var findingRequired = map[string]format.Type{
	"activity_id": format.Int32, "category_uid": format.Int32, "class_uid": format.Int32, "type_uid": format.Int64, "severity_id": format.Int32,
	"time": format.Int64, "metadata.version": format.ByteArray, "metadata.product.vendor_name": format.ByteArray, "cloud.provider": format.ByteArray,
	"finding_info.uid": format.ByteArray, "finding_info.title": format.ByteArray,
}

func finding(state alert.State, to string) *alert.Alert {
	return &alert.Alert{
		Key:  alert.Key{Rule: "exfiltration", Workload: "web", Source: "i-1", To: to},
		Kind: policy.Exfiltration, Severity: policy.High, State: state, First: 1_790_006_400_123_456_789, Last: 1_790_006_460e9, Count: 3, Repeats: 2, Bytes: 198_000,
		Evidence: "198000 bytes within 5m0s, more than 100000", Interface: "eni-1", Account: "111122223333", Addr: netip.MustParseAddr("203.0.113.9"), Port: 443,
		Flows: []alert.FlowBytes{{ID: 7, Addr: netip.MustParseAddr("203.0.113.9"), Port: 443, Bytes: 99_000}},
	}
}

// TestFindings: each report of an alert is a Detection Finding, in the folder of its account and day, whatever names are made of.
func TestFindings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, err := parquet.NewAlertWriter(config(dir), parquet.AlertsConfig{Account: "444455556666", Region: "eu-west-1", Sink: "sink-a"})
	require.NoError(t, err)
	opened, resolved := finding(alert.Opened, "evil.example"), finding(alert.Resolved, "evil.example")
	hostile := finding(alert.Opened, "\xff\x00'; DROP TABLE x\n")
	hostile.Account, hostile.Addr, hostile.Flows, hostile.Uncertain = "", netip.Addr{}, nil, true
	for _, a := range []*alert.Alert{opened, resolved, hostile} {
		w.Alert(a)
	}
	require.NoError(t, w.Close(context.Background()))
	w.Alert(opened)
	assert.Equal(t, parquet.AlertCounts{Taken: 4, Written: 3, Dropped: 1}, w.Counts())

	keys := finished(t, dir)
	require.Len(t, keys, 2)
	assert.Regexp(t, `^ext/mirrorsinkalerts/region=eu-west-1/accountId=111122223333/eventDay=20260921/[^/]+\.parquet$`, keys[0])
	assert.Regexp(t, `^ext/mirrorsinkalerts/region=eu-west-1/accountId=444455556666/eventDay=20260921/[^/]+\.parquet$`, keys[1])
	rows, file := readParquet(t, filepath.Join(dir, keys[0]))
	require.Len(t, rows, 2)
	types := map[string]format.Type{}
	for _, g := range file.Metadata().RowGroups {
		for _, c := range g.Columns {
			types[strings.Join(c.MetaData.PathInSchema, ".")] = c.MetaData.Type
		}
	}
	for name, typ := range findingRequired {
		assert.Equal(t, typ, types[name], name)
		for _, row := range rows {
			assert.NotNil(t, row[name], name)
		}
	}
	for name, want := range map[string][2]any{
		"activity_id": {int64(1), int64(3)}, "type_uid": {int64(200401), int64(200403)}, "type_name": {"Detection Finding: Create", "Detection Finding: Close"},
		"status": {"New", "Resolved"}, "severity_id": {int64(4), int64(4)}, "time": {int64(1_790_006_460_000), int64(1_790_006_460_000)},
		"start_time": {int64(1_790_006_400_123), int64(1_790_006_400_123)}, "finding_info.uid": {opened.ID(), resolved.ID()},
		"finding_info.title": {"exfiltration: web i-1 to evil.example", "exfiltration: web i-1 to evil.example"}, "unmapped.first_flow_bytes": {int64(99_000), int64(99_000)},
		"unmapped.second_flow_id": {nil, nil}, "unmapped.bytes": {int64(198_000), int64(198_000)}, "unmapped.dstaddr": {"203.0.113.9", "203.0.113.9"}, "confidence_id": {int64(3), int64(3)},
	} {
		assert.Equal(t, want, [2]any{rows[0][name], rows[1][name]}, name)
	}
	rows, _ = readParquet(t, filepath.Join(dir, keys[1]))
	assert.Equal(t, "\\xFF\x00'; DROP TABLE x\n", rows[0]["unmapped.destination"])
	assert.Equal(t, int64(1), rows[0]["confidence_id"])
	assert.Nil(t, rows[0]["unmapped.dstaddr"])
}
