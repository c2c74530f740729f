package report_test

import (
	"fmt"
	"math"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report"
	"github.com/mirrorsink/mirrorsink/inspect/report/inputtest"
)

// insideFlow is the record of a flow of an instance, before translation.
func insideFlow(instance, server int, port uint16, bytes uint64, start int64) flowlog.Record {
	return flowlog.Record{
		InterfaceID: fmt.Sprintf("eni-%d", instance), InstanceID: fmt.Sprintf("i-%d", instance), FlowDirection: "egress",
		SrcAddr: netip.AddrFrom4([4]byte{10, 0, 1, byte(instance)}), DstAddr: netip.AddrFrom4([4]byte{203, 0, 113, byte(server)}),
		SrcPort: port, DstPort: 443, Protocol: 6, Packets: 2, Bytes: bytes, Start: start, End: start + 10,
		Action: flowlog.Accept, LogStatus: flowlog.OK, Initiator: "src", Name: fmt.Sprintf("server%d.example.com", server), Completeness: math.NaN(),
	}
}

// gatewayFlow is the record of the same flow behind the gateway, which has another source address and port.
func gatewayFlow(r flowlog.Record, port uint16) flowlog.Record {
	own := netip.MustParseAddr("10.0.0.220")
	return flowlog.Record{
		InterfaceID: "eni-nat", SrcAddr: own, DstAddr: r.DstAddr, PktSrcAddr: own, PktDstAddr: r.DstAddr, SrcPort: port, DstPort: r.DstPort,
		Protocol: r.Protocol, Packets: r.Packets, Bytes: r.Bytes, Start: r.Start, End: r.End, Action: flowlog.Accept, LogStatus: flowlog.OK, Completeness: math.NaN(),
	}
}

func runNAT(t *rapid.T, dir string, gateway, inside []flowlog.Record) *report.Answer {
	nat := inputtest.File(t, dir, inputtest.Lines(gateway))
	flows := inputtest.File(t, dir, inputtest.Lines(inside))
	return run(t, report.NAT([]string{nat}, 0), 1<<20, flows)
}

// natRow returns the columns of a row of the answer by name.
func natRow(a *report.Answer, row []report.Cell) map[string]report.Cell {
	cells := map[string]report.Cell{}
	for i, c := range a.Table.Columns {
		cells[c.Name] = row[i]
	}
	return cells
}

// TestNATFindsInstances: if the flows to one server differ in bytes, each mirrored instance is found by its bytes, with the
// flow's name and address. A flow of an instance that is not mirrored has no match, unless another instance used the server.
func TestNATFindsInstances(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var gateway, inside []flowlog.Record
		instances := map[string]string{} // by the gateway's port; "" if the instance is not mirrored
		users := map[int]int{}           // mirrored flows by server
		servers := map[string]int{}
		for i := range rapid.IntRange(1, 20).Draw(t, "flows") {
			instance, server := rapid.IntRange(1, 4).Draw(t, "instance"), rapid.IntRange(1, 3).Draw(t, "server")
			r := insideFlow(instance, server, uint16(40000+i), uint64(1000+i), 1764057600)
			outPort := uint16(2000 + i)
			gateway = append(gateway, gatewayFlow(r, outPort))
			servers[port(outPort)] = server
			if instance == 4 { // not mirrored
				instances[port(outPort)] = ""
				continue
			}
			inside = append(inside, r)
			instances[port(outPort)] = r.InstanceID
			users[server]++
		}
		a := runNAT(t, dir, gateway, inside)
		require.Len(t, a.Table.Rows, len(gateway))
		for _, row := range a.Table.Rows {
			cells := natRow(a, row)
			outPort := cells["srcport"].Text
			switch want := instances[outPort]; {
			case want != "":
				require.Equal(t, "unique bytes "+want, cells["match"].Text+" "+cells["evidence"].Text+" "+cells["instance"].Text)
				require.Equal(t, fmt.Sprintf("server%d.example.com", servers[outPort]), cells["name"].Text)
				require.Equal(t, "10.0.1."+want[2:], cells["client"].Text)
			case users[servers[outPort]] == 0:
				require.Equal(t, "none", cells["match"].Text)
				require.Empty(t, cells["instance"].Text)
			default:
				require.NotEqual(t, "bytes", cells["evidence"].Text)
			}
		}
	})
}

// TestNATNamesAllCandidates: if instances sent flows of equal bytes to one server, the answer is several and names them all.
func TestNATNamesAllCandidates(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 5).Draw(t, "instances")
		var inside []flowlog.Record
		want := ""
		for i := range n {
			inside = append(inside, insideFlow(i+1, 1, 40000, 1000, 1764057600))
			want += fmt.Sprintf(", i-%d", i+1)
		}
		a := runNAT(t, dir, []flowlog.Record{gatewayFlow(inside[0], 2000)}, inside)
		cells := natRow(a, a.Table.Rows[0])
		require.Equal(t, "several", cells["match"].Text)
		require.Equal(t, want[2:], cells["instance"].Text)
		require.Equal(t, int64(n), cells["candidates"].Num)
		require.Empty(t, cells["name"].Text, "the name may be another candidate's")
	})
}

// TestNATSplitsAtPauses: records of one port are one flow unless more than 350 seconds lie between them.
func TestNATSplitsAtPauses(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var gateway []flowlog.Record
		start, flows := int64(1764057600), 1
		for i := range rapid.IntRange(1, 10).Draw(t, "records") {
			if i > 0 {
				pause := rapid.SampledFrom([]int64{0, 60, 350, 351, 7200}).Draw(t, "pause")
				start += 10 + pause // a record takes 10 seconds
				if pause > 350 {
					flows++
				}
			}
			gateway = append(gateway, gatewayFlow(insideFlow(1, 1, 40000, 100, start), 2000))
		}
		a := runNAT(t, dir, gateway, nil)
		require.Len(t, a.Table.Rows, flows)
		var bytes int64
		for _, row := range a.Table.Rows {
			bytes += natRow(a, row)["bytes"].Num
		}
		require.Equal(t, int64(100*len(gateway)), bytes)
	})
}

// TestNATMemoryIsBounded: flows that exceed the bound are counted in a note.
func TestNATMemoryIsBounded(t *testing.T) {
	var gateway []flowlog.Record
	for i := range 100 {
		gateway = append(gateway, gatewayFlow(insideFlow(1, i, 40000, 100, 1764057600), uint16(2000+i)))
	}
	nat := inputtest.File(t, t.TempDir(), inputtest.Lines(gateway))
	a := run(t, report.NAT([]string{nat}, 0), 400*60, inputtest.File(t, t.TempDir(), inputtest.Lines(nil)))
	require.Len(t, a.Table.Rows, 60)
	require.Contains(t, a.Table.Notes, "40 flows left out: --memory is used up")
}
