package parquet

import (
	"math"
	"net/netip"
	"strings"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/export/ipproto"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// lakeSource is our name as a custom source of Security Lake, which allows 20 characters.
const lakeSource = "mirrorsink"

// Identifiers of OCSF: https://schema.ocsf.io/1.3.0/classes/network_activity.
const (
	ocsfVersion     = "1.3.0"
	ocsfCategory    = 4    // Network Activity
	ocsfClass       = 4001 // Network Activity
	ocsfTraffic     = 6    // the activity of a record that counts the traffic of a connection in an interval
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

// ocsfTable has the columns of OCSF's Network Activity. Fields that OCSF does not have are in its unmapped object. Records without
// packets are not an activity, and are left out.
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
		ocsfConst("activity_id", int32Type, ocsfTraffic),
		ocsfWord("activity_name", "Traffic"),
		ocsfConst("category_uid", int32Type, ocsfCategory),
		ocsfWord("category_name", "Network Activity"),
		ocsfConst("class_uid", int32Type, ocsfClass),
		ocsfWord("class_name", "Network Activity"),
		ocsfConst("type_uid", int64Type, ocsfClass*100+ocsfTraffic),
		ocsfWord("type_name", "Network Activity: Traffic"),
		ocsfConst("severity_id", int32Type, ocsfSeverity),
		ocsfWord("severity", "Informational"),
		intColumn("time", int64Type, ocsfTime(func(r *flowlog.Record) int64 { return r.Start })),
		intColumn("start_time", int64Type, ocsfTime(func(r *flowlog.Record) int64 { return r.Start })),
		intColumn("end_time", int64Type, ocsfTime(func(r *flowlog.Record) int64 { return r.End })),
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
		intColumn("connection_info.direction_id", int32Type, func(r *flowlog.Record) (int64, bool) {
			switch r.FlowDirection {
			case ingress:
				return ocsfInbound, true
			case egress:
				return ocsfOutbound, true
			}
			return ocsfUnknown, true
		}),
		intColumn("connection_info.protocol_num", int32Type, func(r *flowlog.Record) (int64, bool) { return int64(r.Protocol), true }),
		textColumn("connection_info.protocol_name", func(r *flowlog.Record) string { return ocsfProtocols[r.Protocol] }),
		intColumn("connection_info.protocol_ver_id", int32Type, ocsfIPVersion),
		intColumn("connection_info.tcp_flags", int32Type, func(r *flowlog.Record) (int64, bool) {
			return int64(r.TCPFlags), r.Protocol == decap.TCP
		}),
		textColumn("connection_info.community_uid", func(r *flowlog.Record) string { return r.CommunityID }),
	}
}

func ocsfTrafficCounts() []ocsfColumn {
	return []ocsfColumn{
		intColumn("traffic.bytes", int64Type, func(r *flowlog.Record) (int64, bool) { return clampInt64(r.Bytes), true }),
		intColumn("traffic.packets", int64Type, func(r *flowlog.Record) (int64, bool) { return clampInt64(r.Packets), true }),
	}
}

// Values of FlowDirection.
const ingress, egress = "ingress", "egress"

// ocsfEndpoint returns the columns of one end. self is its name in Initiator, foreign the direction in which this end is not the
// mirrored interface's. The server's end has the flow's name.
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
		intColumn(name+".port", int32Type, func(r *flowlog.Record) (int64, bool) {
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

// ocsfUnmapped returns the columns of our own fields, and of those of flow logs that OCSF does not have.
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

func ocsfConst(path string, typ physical, n int64) ocsfColumn {
	return intColumn(path, typ, func(*flowlog.Record) (int64, bool) { return n, true })
}

func ocsfWord(path, word string) ocsfColumn {
	return textColumn(path, func(*flowlog.Record) string { return word })
}

// ocsfTime converts seconds to OCSF's milliseconds.
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

// packetAddr returns the packet's own address, or the interface's if the former is not known.
func packetAddr(own, primary netip.Addr) netip.Addr {
	if own.IsValid() {
		return own
	}
	return primary
}

// ocsfProtocols are IANA's names in lower case.
var ocsfProtocols = func() (names [256]string) {
	for i := range names {
		names[i] = strings.ToLower(ipproto.Name(uint8(i)))
	}
	return names
}()

// clampInt64 limits a counter to OCSF's signed integers.
func clampInt64(n uint64) int64 { return int64(min(n, math.MaxInt64)) }
