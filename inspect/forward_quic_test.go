package inspect

import (
	"strings"
	"testing"

	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// datagrams makes a flow of UDP payloads; those with a < in front are the server's.
func datagrams(payloads ...string) *conversation {
	c := newConversation()
	for _, text := range payloads {
		from, to := c.client, c.server
		text, answer := strings.CutPrefix(text, "<")
		if answer {
			from, to = to, from
		}
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: from.addr.AsSlice(), DstIP: to.addr.AsSlice()}
		c.nanos += millisecond
		c.add(ip, &layers.UDP{SrcPort: layers.UDPPort(from.port), DstPort: layers.UDPPort(to.port)}, []byte(text))
	}
	return c
}

// TestGoogleQUICIsBypassed: of Google's versions with a public header everything is bypassed except the handshake, which is
// in the clear.
func TestGoogleQUICIsBypassed(t *testing.T) {
	const (
		hash  = "0123456789ab"
		hello = "\xa0\x01\x28\x00CHLO\x01\x00\x00\x00SNI\x00\x0b\x00\x00\x00example.org" + "................"
	)
	opening := "\x0912345678Q039\x01" + hash + "\xa0\x01\x00\x2bCHLO\x01\x00\x00\x00SNI\x00\x0b\x00\x00\x00example.org" + strings.Repeat(".", 16)
	again := "\x0812345678\x03" + hash + strings.Repeat("ack", 8) + hello
	payloads := []string{
		"\x0812345678\x01secret", // before the hello nothing is known
		opening,
		"<\x00\x01" + hash + "\xa0\x01\x00\x10REJ\x00",
		again, // with what the server has given
		"<\x00\x02" + hash + "SHLO",
		"\x0812345678\x04secret", // bypassed
		"<\x00\x03secret",        // bypassed
		"<\x1c\x00\x00\x04secret",
		opening,                                // sent again
		"\x0a12345678PRST",                     // a reset
		"\xc3\x00\x00\x00\x01\x00\x00\x00\x00", // of another version
	}
	out, n := bypassed(t, datagrams(payloads[1:]...), "quic")
	require.Equal(t, 3, excluded(&n, event.BypassQUIC))
	require.Len(t, out.frames, len(payloads)-1-3)
	_, n = bypassed(t, datagrams(payloads[0], payloads[5]), "quic")
	require.Zero(t, excluded(&n, event.BypassQUIC))
}
