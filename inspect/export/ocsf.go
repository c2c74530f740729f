package export

import (
	"math"
	"net/netip"
	"strings"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// lakeSource is the name under which Security Lake knows us as a custom source: at most 20 characters.
const lakeSource = "mirrorsink"

// What OCSF calls the records: https://schema.ocsf.io/1.3.0/classes/network_activity.
const (
	ocsfVersion     = "1.3.0"
	ocsfCategory    = 4    // Network Activity
	ocsfClass       = 4001 // Network Activity
	ocsfTraffic     = 6    // the activity of a record that counts what a connection carried in an interval
	ocsfSeverity    = 1    // Informational
	ocsfInbound     = 1
	ocsfOutbound    = 2
	ocsfUnknown     = 0 // of any enumeration
	ocsfMillisecond = 1000
)

type (
	recordText = func(*flowlog.Record) string
	recordInt  = func(*flowlog.Record) (int64, bool)
	ocsfColumn = column[flowlog.Record]
)

// ocsfTable is flow records as OCSF's Network Activity. What it has no place for is in its unmapped object. Records of windows
// without packets are no activity, and have no place either.
func ocsfTable() *table[flowlog.Record] {
	t := &table[flowlog.Record]{
		sorted: "time",
		at:     func(r *flowlog.Record) int64 { return r.Start },
		where:  func(r *flowlog.Record) locality { return locality{r.AccountID, r.Region} },
	}
	for _, columns := range [][]ocsfColumn{
		ocsfBase(), ocsfMetadata(), ocsfCloud(), ocsfConnection(), ocsfTrafficCounts(),
		ocsfEndpoint("src_endpoint", "src", ingress, func(r *flowlog.Record) (netip.Addr, uint16) { return packetAddr(r.PktSrcAddr, r.SrcAddr), r.SrcPort }),
		ocsfEndpoint("dst_endpoint", "dst", egress, func(r *flowlog.Record) (netip.Addr, uint16) { return packetAddr(r.PktDstAddr, r.DstAddr), r.DstPort }),
		ocsfUnmapped(),
	} {
		t.columns = append(t.columns, columns...)
	}
	return t
}

func ocsfBase() []ocsfColumn {
	return []ocsfColumn{
		ocsfConst("activity_id", parquetInt32, ocsfTraffic),
		ocsfWord("activity_name", "Traffic"),
		ocsfConst("category_uid", parquetInt32, ocsfCategory),
		ocsfWord("category_name", "Network Activity"),
		ocsfConst("class_uid", parquetInt32, ocsfClass),
		ocsfWord("class_name", "Network Activity"),
		ocsfConst("type_uid", parquetInt64, ocsfClass*100+ocsfTraffic),
		ocsfWord("type_name", "Network Activity: Traffic"),
		ocsfConst("severity_id", parquetInt32, ocsfSeverity),
		ocsfWord("severity", "Informational"),
		intColumn("time", parquetInt64, ocsfTime(func(r *flowlog.Record) int64 { return r.Start })),
		intColumn("start_time", parquetInt64, ocsfTime(func(r *flowlog.Record) int64 { return r.Start })),
		intColumn("end_time", parquetInt64, ocsfTime(func(r *flowlog.Record) int64 { return r.End })),
		textColumn("app_name", func(r *flowlog.Record) string { return r.AppProto }),
	}
}

func ocsfMetadata() []ocsfColumn {
	return []ocsfColumn{
		ocsfWord("metadata.version", ocsfVersion),
		ocsfWord("metadata.product.name", "mirrorsink"),
		ocsfWord("metadata.product.vendor_name", "mirrorsink"),
	}
}

func ocsfCloud() []ocsfColumn {
	return []ocsfColumn{
		ocsfWord("cloud.provider", "AWS"),
		textColumn("cloud.region", func(r *flowlog.Record) string { return r.Region }),
		textColumn("cloud.zone", func(r *flowlog.Record) string { return r.AZID }),
		textColumn("cloud.account.uid", func(r *flowlog.Record) string { return r.AccountID }),
	}
}

func ocsfConnection() []ocsfColumn {
	return []ocsfColumn{
		intColumn("connection_info.direction_id", parquetInt32, func(r *flowlog.Record) (int64, bool) {
			switch r.FlowDirection {
			case ingress:
				return ocsfInbound, true
			case egress:
				return ocsfOutbound, true
			}
			return ocsfUnknown, true
		}),
		intColumn("connection_info.protocol_num", parquetInt32, func(r *flowlog.Record) (int64, bool) { return int64(r.Protocol), true }),
		textColumn("connection_info.protocol_name", func(r *flowlog.Record) string { return ocsfProtocols[r.Protocol] }),
		intColumn("connection_info.protocol_ver_id", parquetInt32, ocsfIPVersion),
		intColumn("connection_info.tcp_flags", parquetInt32, func(r *flowlog.Record) (int64, bool) {
			return int64(r.TCPFlags), r.Protocol == decap.TCP
		}),
		textColumn("connection_info.community_uid", func(r *flowlog.Record) string { return r.CommunityID }),
	}
}

func ocsfTrafficCounts() []ocsfColumn {
	return []ocsfColumn{
		intColumn("traffic.bytes", parquetInt64, func(r *flowlog.Record) (int64, bool) { return clampInt64(r.Bytes), true }),
		intColumn("traffic.packets", parquetInt64, func(r *flowlog.Record) (int64, bool) { return clampInt64(r.Packets), true }),
	}
}

// Values of FlowDirection.
const ingress, egress = "ingress", "egress"

// ocsfEndpoint is the columns of one end, which Initiator calls self. It is the mirrored interface's unless the record goes
// the other way, and it has the flow's name if it is the server's.
func ocsfEndpoint(name, self, foreign string, end func(*flowlog.Record) (netip.Addr, uint16)) []ocsfColumn {
	own := func(of recordText) recordText {
		return func(r *flowlog.Record) string {
			if r.FlowDirection == "" || r.FlowDirection == foreign {
				return ""
			}
			return of(r)
		}
	}
	return []ocsfColumn{
		addrColumn(name+".ip", func(r *flowlog.Record) netip.Addr { a, _ := end(r); return a }),
		intColumn(name+".port", parquetInt32, func(r *flowlog.Record) (int64, bool) {
			_, port := end(r)
			return int64(port), port != 0
		}),
		textColumn(name+".hostname", func(r *flowlog.Record) string {
			if r.Initiator == "" || r.Initiator == self {
				return ""
			}
			return r.Name
		}),
		textColumn(name+".interface_uid", own(func(r *flowlog.Record) string { return r.InterfaceID })),
		textColumn(name+".instance_uid", own(func(r *flowlog.Record) string { return r.InstanceID })),
		textColumn(name+".vpc_uid", own(func(r *flowlog.Record) string { return r.VPCID })),
		textColumn(name+".subnet_uid", own(func(r *flowlog.Record) string { return r.SubnetID })),
	}
}

// ocsfUnmapped is our own fields, and those of flow logs that OCSF does not know.
func ocsfUnmapped() (columns []ocsfColumn) {
	for i := range flowlog.Fields {
		f := &flowlog.Fields[i]
		switch {
		case f.Name == "action" || f.Name == "log-status":
		case f.Ours() && f.Name != "x-community-id":
		default:
			continue
		}
		c := flowColumn(f)
		c.path = "unmapped." + strings.TrimPrefix(c.path, "x_")
		columns = append(columns, c)
	}
	return columns
}

func ocsfConst(path string, kind physical, n int64) ocsfColumn {
	return intColumn(path, kind, func(*flowlog.Record) (int64, bool) { return n, true })
}

func ocsfWord(path, word string) ocsfColumn {
	return textColumn(path, func(*flowlog.Record) string { return word })
}

// ocsfTime is a time as OCSF has it: in milliseconds.
func ocsfTime(of func(*flowlog.Record) int64) recordInt {
	return func(r *flowlog.Record) (int64, bool) { return of(r) * ocsfMillisecond, true }
}

func ocsfIPVersion(r *flowlog.Record) (int64, bool) {
	a := packetAddr(r.PktSrcAddr, r.SrcAddr)
	if a.Is4() {
		return 4, true
	}
	return 6, a.IsValid()
}

// packetAddr is the packet's own address, or the interface's where the other is not known.
func packetAddr(own, primary netip.Addr) netip.Addr {
	if own.IsValid() {
		return own
	}
	return primary
}

// ocsfProtocols are IANA's names in lower case.
var ocsfProtocols = func() (names [256]string) {
	for i, name := range ipProtos {
		names[i] = strings.ToLower(name)
	}
	return names
}()

// clampInt64 is for counters: OCSF's integers are signed.
func clampInt64(n uint64) int64 { return int64(min(n, math.MaxInt64)) }
