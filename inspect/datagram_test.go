package inspect

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

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
	require.Equal(t, []string{"stun", "stun", "dns", "stun"}, firstWords(out.lines(event.AppLayer)))
	flow := lastEvent(t, out)
	require.Equal(t, l7.DNS, flow.Proto)
	require.Equal(t, l7.STUN, flow.OrigProto)
}

// snmpGet is a request of SNMP's version 1.
const snmpGet = "\x30\x26\x02\x01\x00\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00"

// TestOtherProtocolsAreRead holds that a flow whose protocol is known is read on as any: each message is of its own protocol, and the
// flow has the first and the last one that was new.
func TestOtherProtocolsAreRead(t *testing.T) {
	for _, order := range [][2]string{{snmpGet, string(query())}, {string(query()), snmpGet}, {string(query()), stunBinding}} {
		c := newConversation()
		c.send(order[0])
		c.send("neither of them")
		c.send(order[1])
		c.send(order[0])
		out, _ := inspect(t, Config{}, c.frames)
		app := firstWords(out.lines(event.AppLayer))
		require.Len(t, app, 3)
		require.Equal(t, app[0], app[2])
		require.NotEqual(t, app[0], app[1])
		flow := lastEvent(t, out)
		require.Equal(t, app[0], flow.OrigProto.String())
		require.Equal(t, app[1], flow.Proto.String())
	}
}

// TestStraysAreFew holds that a flow of media beside a known protocol shows only its first datagrams to the parsers of others, and that
// what can begin a connection is still found among them.
func TestStraysAreFew(t *testing.T) {
	c := newConversation()
	media := "\x80\x60" + strings.Repeat("m", 50)
	for range 100 {
		c.send(stunBinding)
		c.send(media)
	}
	c.send(snmpGet)
	c.send("\x16\xfe\xfd" + strings.Repeat("\x00", 8) + "\x00\x36" + dtlsHello())
	out, _ := inspect(t, Config{}, c.frames)
	app := firstWords(out.lines(event.AppLayer))
	require.Len(t, app, 101)
	require.Equal(t, "dtls", app[100])
}

// dtlsHello is a ClientHello without extensions, as a message in one fragment.
func dtlsHello() string {
	body := "\xfe\xfd" + strings.Repeat("r", 32) + "\x00\x00\x00\x02\x13\x01\x01\x00"
	size := "\x00\x00" + string([]byte{byte(len(body))})
	return "\x01" + size + "\x00\x00\x00\x00\x00" + size + body
}

// play adds the datagrams of a recorded exchange.
func (c *conversation) play(t *testing.T, name string) {
	archive, err := txtar.ParseFile("../testdata/l7/" + name)
	require.NoError(t, err)
	text := strings.NewReplacer("\n>", "\n\n>", "\n<", "\n\n<").Replace(string(archive.Files[0].Data))
	for datagram := range strings.SplitSeq(text, "\n\n") {
		data, err := hex.DecodeString(strings.Join(strings.Fields(strings.TrimLeft(datagram, "<>")), ""))
		require.NoError(t, err)
		if strings.HasPrefix(datagram, ">") {
			c.send(string(data))
		} else {
			c.datagram(string(data))
		}
	}
}

// TestQUICIsReadOn holds that each QUIC connection of a flow has one event: behind any number of unknown datagrams, behind each other,
// and if a client sends its hello again.
func TestQUICIsReadOn(t *testing.T) {
	for _, unknown := range []int{0, 1, 63, 64, 65, 300} {
		c := newConversation()
		for range unknown {
			c.send("\x41 not a protocol")
		}
		c.play(t, "quic.txtar")
		c.play(t, "quic.txtar")
		c.play(t, "quic-large.txtar")
		c.play(t, "quic-large.txtar")
		c.play(t, "quic.txtar")
		c.play(t, "quic-2.txtar")
		out, _ := inspect(t, Config{}, c.frames)
		require.Equal(t, []string{"quic", "quic", "quic"}, firstWords(out.lines(event.AppLayer)), "%d", unknown)
		flow := lastEvent(t, out)
		require.Equal(t, l7.QUIC, flow.Proto)
		require.Equal(t, l7.None, flow.OrigProto)
		require.Equal(t, l7.QUICSNI, flow.NameSource)
		require.Zero(t, flow.Conflicts)
	}
}

// TestQUICBeginsAgain holds that a client that begins again on the server's demand has one event, though its second hello is another.
func TestQUICBeginsAgain(t *testing.T) {
	for _, demand := range []string{
		"\x80\x00\x00\x00\x00\x00\x08anything\x6b\x33\x43\xcf",             // Version Negotiation
		"\xf0\x00\x00\x00\x01\x00\x05newid" + "token" + "0123456789abcdef", // Retry
	} {
		c := newConversation()
		c.play(t, "quic.txtar")
		c.datagram(demand)
		c.play(t, "quic-2.txtar")
		out, _ := inspect(t, Config{}, c.frames)
		require.Equal(t, []string{"quic"}, firstWords(out.lines(event.AppLayer)))
	}
}

// TestLateDNS holds that on its port DNS is read behind any number of datagrams that are none.
func TestLateDNS(t *testing.T) {
	c := newConversation()
	c.server.port = 53
	for range 100 {
		c.send("\x41 not a protocol")
	}
	c.send(string(query()))
	out, _ := inspect(t, Config{}, c.frames)
	require.Equal(t, []string{"dns"}, firstWords(out.lines(event.AppLayer)))
}

// firstWords returns the protocols of events' lines.
func firstWords(lines []string) (words []string) {
	for _, line := range lines {
		word, _, _ := strings.Cut(line, " ")
		words = append(words, word)
	}
	return words
}

// lastEvent returns the last event, which is the flow's.
func lastEvent(t *testing.T, out *collected) event.Event {
	last := out.batches[len(out.batches)-1]
	flow := last.Events[len(last.Events)-1]
	require.Equal(t, event.Flow, flow.Kind)
	return flow
}
