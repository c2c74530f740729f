package report

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// anyRow draws a row of any initiator and direction.
func anyRow(t *rapid.T) *row {
	addr := rapid.Custom(func(t *rapid.T) netip.Addr {
		return netip.MustParseAddr(rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", "203.0.113.1", "203.0.113.2", "fd00::1", "2001:db8::1"}).Draw(t, "address"))
	})
	return &row{Record: flowlog.Record{
		SrcAddr: addr.Draw(t, "src"), DstAddr: addr.Draw(t, "dst"), SrcPort: rapid.Uint16Range(0, 3).Draw(t, "srcport"), DstPort: rapid.Uint16Range(0, 3).Draw(t, "dstport"),
		Initiator:     rapid.SampledFrom([]string{"", "src", "dst"}).Draw(t, "initiator"),
		FlowDirection: rapid.SampledFrom([]string{"", "ingress", "egress"}).Draw(t, "direction"),
		InterfaceID:   rapid.SampledFrom([]string{"", "eni-1"}).Draw(t, "interface"), InstanceID: rapid.SampledFrom([]string{"", "i-1"}).Draw(t, "instance"),
	}}
}

// reversed returns the row of the packets in the other direction, at the same interface.
func reversed(r *row) *row {
	o := *r
	o.SrcAddr, o.DstAddr, o.SrcPort, o.DstPort = r.DstAddr, r.SrcAddr, r.DstPort, r.SrcPort
	o.Initiator = map[string]string{"": "", "src": "dst", "dst": "src"}[r.Initiator]
	o.FlowDirection = map[string]string{"": "", "ingress": "egress", "egress": "ingress"}[r.FlowDirection]
	return &o
}

// TestBothDirectionsAgree: the two records of a connection at one interface have the same server, client, remote address, role
// and owner.
func TestBothDirectionsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRow(t)
		if r.Initiator == "" && (r.SrcPort == r.DstPort || r.SrcPort == 0 || r.DstPort == 0) {
			t.Skip("ports do not decide which end is the server")
		}
		o := reversed(r)
		server, port := r.server()
		otherServer, otherPort := o.server()
		require.Equal(t, server, otherServer)
		require.Equal(t, port, otherPort)
		require.Equal(t, r.client(), o.client())
		require.Equal(t, r.remote(), o.remote())
		require.Equal(t, r.role(), o.role())
		require.Equal(t, r.owner(), o.owner())
	})
}

// TestClientAndServerAreTheEnds: the client is the end that is not the server, and the remote address is one of the two.
func TestClientAndServerAreTheEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRow(t)
		server, port := r.server()
		ends := []netip.Addr{r.SrcAddr, r.DstAddr}
		require.ElementsMatch(t, ends, []netip.Addr{r.client(), server})
		require.Contains(t, ends, r.remote())
		require.Contains(t, []uint16{r.SrcPort, r.DstPort}, port)
		if r.FlowDirection != "" {
			require.Equal(t, r.FlowDirection == "egress", r.isOutbound())
		}
	})
}

// TestPacketAddressesPrecede: the packet's addresses, where known, precede those of AWS's default format.
func TestPacketAddressesPrecede(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	r := &row{Record: flowlog.Record{SrcAddr: a, DstAddr: a}}
	assert.Equal(t, [2]netip.Addr{a, a}, [2]netip.Addr{r.src(), r.dst()})
	r.PktSrcAddr, r.PktDstAddr = b, b
	assert.Equal(t, [2]netip.Addr{b, b}, [2]netip.Addr{r.src(), r.dst()})
}

func TestRoles(t *testing.T) {
	for _, c := range []struct{ initiator, direction, want string }{
		{"src", "egress", "client"}, {"src", "ingress", "server"}, {"dst", "egress", "server"}, {"dst", "ingress", "client"},
		{"", "egress", ""}, {"src", "", ""}, {"", "", ""},
	} {
		r := &row{Record: flowlog.Record{Initiator: c.initiator, FlowDirection: c.direction}}
		assert.Equal(t, c.want, r.role().String(), "%+v", c)
	}
}
