package inspect

import (
	"testing"

	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// send adds a datagram of the client's.
func (c *conversation) send(payload string) {
	c.nanos += millisecond
	udp := &layers.UDP{SrcPort: layers.UDPPort(c.client.port), DstPort: layers.UDPPort(c.server.port)}
	c.add(ipv4(c.client, c.server, layers.IPProtocolUDP), udp, []byte(payload))
}

// stunBinding is a binding request without attributes.
const stunBinding = "\x00\x01\x00\x00\x21\x12\xa4\x42transactions"

// TestAnotherProtocolBehindSTUN holds that what begins with STUN may go on with anything, and ends as that.
func TestAnotherProtocolBehindSTUN(t *testing.T) {
	c := newConversation()
	c.send(stunBinding)
	c.send("neither of them")
	c.send(stunBinding)
	c.send(string(query()))
	c.send(stunBinding)
	out, _ := inspect(t, Config{}, c.frames)
	app := out.lines(event.AppLayer)
	require.Len(t, app, 3, "the last one is not asked for any more")
	require.Contains(t, app[1], "stun ")
	require.Contains(t, app[2], "dns ")
	last := out.batches[len(out.batches)-1]
	flow := last.Events[len(last.Events)-1]
	require.Equal(t, event.Flow, flow.Kind)
	require.Equal(t, l7.DNS, flow.Proto)
	require.Equal(t, l7.STUN, flow.OrigProto)
}

// TestOtherProtocolsStay holds that a flow's protocol, once known, is the only one that is asked for.
func TestOtherProtocolsStay(t *testing.T) {
	c := newConversation()
	c.send(string(query()))
	c.send(stunBinding)
	c.send(string(query()))
	out, _ := inspect(t, Config{}, c.frames)
	app := out.lines(event.AppLayer)
	require.Len(t, app, 2)
	require.Contains(t, app[0], "dns ")
	require.Contains(t, app[1], "dns ")
}
