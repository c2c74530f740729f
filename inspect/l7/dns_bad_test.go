package l7

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const dnsQuestion = "\x03www\x07example\x03com\x00\x00\x01\x00\x01"

// dnsAnswerTo packs a response to dnsQuestion with resources.
func dnsAnswerTo(resources ...string) []byte {
	b := append([]byte("\x12\x34\x81\x80\x00\x01\x00"), byte(len(resources)))
	b = append(b, "\x00\x00\x00\x00"+dnsQuestion...)
	for _, rr := range resources {
		b = append(b, rr...)
	}
	return b
}

func dnsAddress(last byte) string {
	return "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02" + string([]byte{last})
}

// TestDNSBadResource: a resource that is impossible, at any place behind the question, hides none of the others.
func TestDNSBadResource(t *testing.T) {
	bad := map[string]string{
		"an address of three bytes":  "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x03\xc0\x00\x02",
		"an IPv6 address of four":    "\xc0\x0c\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01",
		"a class that is not in use": "\xc0\x0c\x00\x01\x12\x34\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01",
		"an owner that leads ahead":  "\xff\xff\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01",
		"an owner behind a label":    "\x01a\xff\xff\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01",
		"an alias that leads ahead":  "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xff\xff",
	}
	for what, rr := range bad {
		for place := range 3 {
			all := []string{dnsAddress(1), dnsAddress(2)}
			all = append(all[:place:place], append([]string{rr}, all[place:]...)...)
			var h Hint
			require.Equal(t, Done, parseDNS(&h, new(Conn), Input{Data: dnsAnswerTo(all...), Final: true}), what)
			require.Len(t, h.Answers, 2, "%s at %d", what, place)
			assert.Equal(t, byte(2), h.Answers[1].Addr.AsSlice()[3])
		}
	}
}

// TestDNSPorts: on DNS's port a class is any number, and on that of NetBIOS nothing is DNS.
func TestDNSPorts(t *testing.T) {
	query := func(class uint16) []byte {
		b := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01")
		return binary.BigEndian.AppendUint16(b, class)
	}
	stream := func(b []byte) []byte { return append([]byte{0, byte(len(b))}, b...) }
	for _, class := range []uint16{0, 2, 5, 1234, 65535} {
		for _, ports := range [][2]uint16{{40000, 53}, {53, 40000}, {53, 53}, {137, 53}} {
			assert.Equal(t, Done, parseDNS(new(Hint), new(Conn), Input{Data: query(class), Ports: ports, Final: true}), class)
			assert.Equal(t, Done, parseDNSStream(new(Hint), new(Conn), Input{Data: stream(query(class)), Ports: ports}), class)
		}
		assert.Equal(t, Reject, parseDNS(new(Hint), new(Conn), Input{Data: query(class), Ports: [2]uint16{40000, 5353}, Final: true}), class)
	}
	assert.Equal(t, Done, parseDNS(new(Hint), new(Conn), Input{Data: query(dnsIN), Ports: [2]uint16{40000, 5300}, Final: true}))
	for _, ports := range [][2]uint16{{137, 137}, {40000, 137}, {137, 40000}} {
		assert.Equal(t, Reject, parseDNS(new(Hint), new(Conn), Input{Data: query(dnsIN), Ports: ports, Final: true}))
	}
}

// TestDNSStreamGoesOn: neither stateful operations nor messages that cannot be DNS hide the messages behind them, until there are many.
func TestDNSStreamGoesOn(t *testing.T) {
	framed := func(b string) string { return string(binary.BigEndian.AppendUint16(nil, uint16(len(b)))) + b }
	good := framed("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + dnsQuestion)
	keepalive := framed("\x12\x34\x30\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x08\x00\x00\x3a\x98\x00\x00\x75\x30")
	answer := framed("\x12\x34\xb0\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	bad := []string{framed("short"), framed(""), framed("\x12\x34\x78\x00\x00\x01\x00\x00\x00\x00\x00\x00" + dnsQuestion),
		framed("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff")}
	rapid.Check(t, func(t *rapid.T) {
		text, want := "", 0
		if rapid.Bool().Draw(t, "begins with an operation") {
			text = keepalive
		}
		for range rapid.IntRange(1, 5).Draw(t, "rounds") {
			text += good
			want++
			for range rapid.IntRange(0, maxDNSBad).Draw(t, "bad") {
				text += rapid.SampledFrom(append(bad, keepalive, answer)).Draw(t, "message")
			}
		}
		var c Conn
		found := 0
		for len(text) > 0 {
			var h Hint
			data := text[:rapid.IntRange(1, len(text)).Draw(t, "segment")]
			v := parseDNSStream(&h, &c, Input{Data: []byte(data)})
			if v == More {
				v = parseDNSStream(&h, &c, Input{Data: []byte(text)})
			}
			require.Equal(t, Done, v)
			if h.Role == Request {
				found++
			}
			text = text[h.Next:]
		}
		require.Equal(t, want, found)
	})
	var c Conn
	require.Equal(t, Reject, parseDNSStream(new(Hint), &c, Input{Data: []byte(bad[0])}), "nothing before it was DNS")
	require.Equal(t, Done, parseDNSStream(new(Hint), &c, Input{Data: []byte(good)}))
	for range maxDNSBad {
		require.Equal(t, Done, parseDNSStream(new(Hint), &c, Input{Data: []byte(bad[0])}))
	}
	require.Equal(t, Reject, parseDNSStream(new(Hint), &c, Input{Data: []byte(bad[0])}))
}
