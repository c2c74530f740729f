package parquet_test

import (
	"math"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/format"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// ocsfRequired has the required attributes of class 4001 and of the objects in it, with Security Lake's types.
// https://schema.ocsf.io/1.3.0/classes/network_activity
var ocsfRequired = map[string]format.Type{
	"activity_id": format.Int32, "category_uid": format.Int32, "class_uid": format.Int32, "type_uid": format.Int64,
	"severity_id": format.Int32, "time": format.Int64, "metadata.version": format.ByteArray,
	"metadata.product.vendor_name": format.ByteArray, "cloud.provider": format.ByteArray,
	"connection_info.direction_id": format.Int32, "src_endpoint.ip": format.ByteArray, "dst_endpoint.ip": format.ByteArray,
}

func TestOCSF(t *testing.T) {
	t.Parallel()
	const at = 1_790_006_400
	egress := flowlog.Record{
		AccountID: "111122223333", InterfaceID: "eni-1", InstanceID: "i-1", VPCID: "vpc-1", SubnetID: "subnet-1", Region: "eu-west-1", AZID: "euw1-az1",
		SrcAddr: netip.MustParseAddr("10.0.0.1"), DstAddr: netip.MustParseAddr("203.0.113.9"), PktSrcAddr: netip.MustParseAddr("10.0.0.7"),
		PktDstAddr: netip.MustParseAddr("203.0.113.9"), SrcPort: 40000, DstPort: 443, Protocol: 6, Packets: 10, Bytes: math.MaxUint64,
		Start: at, End: at + 59, Action: flowlog.Accept, LogStatus: flowlog.OK, TCPFlags: 2, FlowDirection: "egress", Initiator: "src",
		Name: "api.example.com", AppProto: "tls", Completeness: 0.5, CommunityID: "1:abc=", VNI: 7, Mirrored: true,
	}
	ingress := egress
	ingress.PktSrcAddr, ingress.PktDstAddr, ingress.SrcPort, ingress.DstPort = egress.PktDstAddr, egress.PktSrcAddr, 443, 40000
	ingress.FlowDirection, ingress.Initiator = "ingress", "dst"
	icmp6 := flowlog.Record{
		Protocol: 58, SrcAddr: netip.MustParseAddr("2001:db8::1"), DstAddr: netip.MustParseAddr("2001:db8::2"),
		Start: at, End: at, Packets: 1, LogStatus: flowlog.OK, Completeness: math.NaN(), AccountID: "111122223333", Region: "eu-west-1",
	}
	nothing := flowlog.Record{Start: at, End: at + 59, LogStatus: flowlog.NoData, AccountID: "111122223333", Region: "eu-west-1"}

	dir := t.TempDir()
	table := writeFlows(t, config(dir, func(c *parquet.Config) { c.Schema = parquet.OCSF }),
		[]flowlog.Record{egress, nothing, ingress, icmp6, nothing})
	assert.Equal(t, uint64(5), table.written, "records without packets count as written")
	require.Len(t, table.files(), 1)
	assert.Equal(t, 3, table.files()[0].Rows)
	keys := finished(t, dir)
	require.Len(t, keys, 1)
	assert.Regexp(t, regexp.MustCompile(`^ext/mirrorsink/region=eu-west-1/accountId=111122223333/eventDay=20260921/[^/]+\.parquet$`), keys[0])
	rows, file := readParquet(t, filepath.Join(dir, keys[0]))
	require.Len(t, rows, 3)

	types := map[string]format.Type{}
	for _, g := range file.Metadata().RowGroups {
		for _, c := range g.Columns {
			types[strings.Join(c.MetaData.PathInSchema, ".")] = c.MetaData.Type
		}
	}
	for name, typ := range ocsfRequired {
		require.Contains(t, types, name)
		assert.Equal(t, typ, types[name], name)
		for _, row := range rows {
			assert.NotNil(t, row[name], name)
		}
	}
	for _, row := range rows {
		assert.Equal(t, int64(4001), row["class_uid"])
		assert.Equal(t, int64(4), row["category_uid"])
		assert.Equal(t, int64(6), row["activity_id"])
		assert.Equal(t, row["class_uid"].(int64)*100+row["activity_id"].(int64), row["type_uid"])
		assert.Equal(t, int64(at*1000), row["time"])
		assert.Equal(t, int64(at*1000), row["start_time"])
	}
	assertRow(t, rows[0], parquetRow{
		"end_time": int64((at + 59) * 1000), "connection_info.direction_id": int64(2), "connection_info.protocol_name": "tcp",
		"connection_info.protocol_num": int64(6), "connection_info.protocol_ver_id": int64(4), "connection_info.tcp_flags": int64(2),
		"connection_info.community_uid": "1:abc=", "traffic.bytes": int64(math.MaxInt64), "traffic.packets": int64(10),
		"src_endpoint.ip": "10.0.0.7", "src_endpoint.port": int64(40000), "src_endpoint.interface_uid": "eni-1", "src_endpoint.instance_uid": "i-1",
		"src_endpoint.vpc_uid": "vpc-1", "src_endpoint.subnet_uid": "subnet-1", "src_endpoint.hostname": nil,
		"dst_endpoint.ip": "203.0.113.9", "dst_endpoint.port": int64(443), "dst_endpoint.interface_uid": nil, "dst_endpoint.hostname": "api.example.com",
		"cloud.account.uid": "111122223333", "cloud.region": "eu-west-1", "cloud.zone": "euw1-az1", "app_name": "tls",
		"unmapped.action": "ACCEPT", "unmapped.vni": int64(7), "unmapped.completeness": 0.5,
	})
	assertRow(t, rows[1], parquetRow{
		"connection_info.direction_id": int64(1), "src_endpoint.hostname": "api.example.com", "dst_endpoint.hostname": nil,
		"src_endpoint.interface_uid": nil, "dst_endpoint.interface_uid": "eni-1", "dst_endpoint.ip": "10.0.0.7",
	})
	assertRow(t, rows[2], parquetRow{
		"connection_info.direction_id": int64(0), "connection_info.protocol_name": "ipv6-icmp", "connection_info.protocol_ver_id": int64(6),
		"connection_info.tcp_flags": nil, "src_endpoint.ip": "2001:db8::1", "src_endpoint.port": nil, "unmapped.completeness": nil,
	})
}

// assertRow compares the columns in want.
func assertRow(t *testing.T, row, want parquetRow) {
	for name, v := range want {
		require.Contains(t, row, name)
		assert.Equal(t, v, row[name], name)
	}
}
