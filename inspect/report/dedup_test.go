package report_test

import (
	"fmt"
	"math"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report/inputtest"
)

// clientRecord returns one direction of a connection, as recorded at the client's interface.
func clientRecord(i int, answer bool) flowlog.Record {
	r := flowlog.Record{
		InterfaceID: "eni-client", FlowDirection: "egress", SrcAddr: netip.AddrFrom4([4]byte{10, 0, 0, 1}), DstAddr: netip.AddrFrom4([4]byte{10, 0, 0, 2}),
		SrcPort: uint16(1024 + i), DstPort: 443, Protocol: 6, Packets: 3, Bytes: uint64(100 + i), Start: 1764057600 + int64(i), End: 1764057610 + int64(i),
		LogStatus: flowlog.OK, Initiator: "src", Name: fmt.Sprintf("n%d.example.com", i%3), Completeness: math.NaN(),
	}
	if answer {
		r.SrcAddr, r.DstAddr, r.SrcPort, r.DstPort, r.FlowDirection, r.Initiator = r.DstAddr, r.SrcAddr, r.DstPort, r.SrcPort, "ingress", "dst"
	}
	return r
}

// atServer returns the same packets as recorded at the server's interface.
func atServer(r flowlog.Record) flowlog.Record {
	r.InterfaceID, r.Name = "eni-server", ""
	r.FlowDirection = map[string]string{"egress": "ingress", "ingress": "egress"}[r.FlowDirection]
	return r
}

// requireSameTop requires that top has the same answer over want and over got in any order.
func requireSameTop(t *rapid.T, dir string, want, got []flowlog.Record) {
	one := run(t, top(t, "bytes", 0, "name"), 1<<20, inputtest.File(t, dir, inputtest.Lines(want)))
	memory := rapid.SampledFrom([]int64{100_000, 1 << 20}).Draw(t, "memory")
	two := run(t, top(t, "bytes", 0, "name"), memory, inputtest.File(t, dir, inputtest.Lines(rapid.Permutation(got).Draw(t, "order"))))
	require.Equal(t, one.Table.Rows, two.Table.Rows)
	require.Equal(t, one.Table.Total, two.Table.Total)
}

// TestDuplicatesCountOnce: a second record from the other end changes neither total nor groups, in any order; the names are
// those of the client's end.
func TestDuplicatesCountOnce(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var single, both []flowlog.Record
		for i := range rapid.IntRange(1, 40).Draw(t, "flows") {
			r := clientRecord(i, rapid.Bool().Draw(t, "answer"))
			single, both = append(single, r), append(both, r)
			if rapid.Bool().Draw(t, "duplicate") {
				both = append(both, atServer(r))
			}
		}
		requireSameTop(t, dir, single, both)
	})
}

// TestPairedRecordsCountOnce: a record that names its other end is a duplicate of that end's record only: among networks with
// equal addresses, with public addresses, and with equal ports in the same minute.
func TestPairedRecordsCountOnce(t *testing.T) {
	dir := t.TempDir()
	mark := map[bool]func(network, vni int, end string) string{
		true:  func(network, _ int, end string) string { return fmt.Sprintf("eni-%s-%d", end, network) },
		false: func(network, vni int, _ string) string { return fmt.Sprintf("%d/10.0.0.%d", vni, network) },
	}
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.Bool().Draw(t, "inventory")
		var single, both []flowlog.Record
		for i := range rapid.IntRange(1, 20).Draw(t, "flows") {
			network := rapid.IntRange(1, 3).Draw(t, "network")
			c := clientRecord(i%4, rapid.Bool().Draw(t, "answer"))
			if rapid.Bool().Draw(t, "public") {
				c.DstAddr = netip.AddrFrom4([4]byte{203, 0, 113, 2})
			}
			c.Name, c.Mirrored, c.Start, c.End = fmt.Sprintf("network%d.example.com", network), true, 1764057600, 1764057610
			s := atServer(c)
			c.VNI, s.VNI = uint32(network), uint32(network+10)
			c.InterfaceID, s.InterfaceID = "", ""
			if known {
				c.InterfaceID, s.InterfaceID = fmt.Sprintf("eni-client-%d", network), fmt.Sprintf("eni-server-%d", network)
			}
			c.Paired, s.Paired = mark[known](network, int(s.VNI), "server"), mark[known](network, int(c.VNI), "client")
			single, both = append(single, c), append(both, c, s)
			if rapid.Bool().Draw(t, "unpaired") { // a server in a network whose client is not mirrored
				s.Paired, s.VNI = "", 99
				if known {
					s.InterfaceID = "eni-unpaired"
				}
				single, both = append(single, s), append(both, s)
			}
		}
		requireSameTop(t, dir, single, both)
	})
}
