package l7

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
)

// googleTags are a hello's tags and values in their order.
var googleTags = [][2]string{
	{"PAD\x00", "-----"}, {"SNI\x00", "www.example.org"}, {"VER\x00", "Q0xx"}, {"UAID", "Chrome/1.2.3"}, {"EMPT", ""},
}

func googleHello(tags [][2]string) []byte {
	b := binary.LittleEndian.AppendUint16([]byte(chloTag), uint16(len(tags)))
	b = append(b, 0, 0)
	var values []byte
	for _, t := range tags {
		values = append(values, t[1]...)
		b = binary.LittleEndian.AppendUint32(append(b, t[0]...), uint32(len(values)))
	}
	return append(b, values...)
}

// googleStream makes a STREAM frame on stream 1, with an offset of 0 in two bytes if there is one.
func googleStream(order binary.AppendByteOrder, offset bool, data []byte) []byte {
	b := []byte{0xa0, 1}
	if offset {
		b = []byte{0xa4, 1, 0, 0}
	}
	return append(order.AppendUint16(b, uint16(len(data))), data...)
}

// googlePackets are a client's first packet in each layout.
func googlePackets() map[string][]byte {
	hello := googleHello(googleTags)
	little, big := googleStream(binary.LittleEndian, false, hello), googleStream(binary.BigEndian, true, hello)
	hash := "0123456789ab"
	return map[string][]byte{
		"Q025": append([]byte("\x0d12345678Q025\x01"+hash+"\x00"), little...),
		"Q034": append([]byte("\x1912345678Q034\x01\x02"+hash), little...),
		"Q039": append([]byte("\x2912345678Q039\x00\x00\x00\x01"+hash), big...),
		"Q043": append([]byte("\x0912345678Q043\x01"+hash), big...),
		"Q044": append([]byte("\xffQ044\x5012345678\x00\x00\x00\x01"+hash), big...),
		"Q046": append([]byte("\xc1Q046\x5012345678\x00\x01"+hash), big...),
	}
}

// TestGoogleQUIC reads a hello in each layout, whole, and cut anywhere.
func TestGoogleQUIC(t *testing.T) {
	for version, packet := range googlePackets() {
		text := quicText(t, Input{Data: packet})
		assert.Contains(t, text, `> request quic_sni="www.example.org" stop`, version)
		assert.Contains(t, text, `version "`+version+`"`)
		assert.Contains(t, text, `ua "Chrome/1.2.3"`)
		assert.Contains(t, text, `string "`+version[2:]+`,PAD-SNI-VER-UAID-EMPT"`)

		value := bytes.Index(packet, []byte("www.")) + len("www.example.org")
		for n := range packet {
			text := quicText(t, Input{Data: packet[:n]})
			if n >= value {
				assert.Contains(t, text, "www.example.org", "%s, %d bytes", version, n)
			} else {
				assert.NotContains(t, text, "quic_sni", "%s, %d bytes", version, n)
			}
			assert.NotContains(t, text, "cyu", "a part of a hello has no fingerprint")
		}
	}
}

// TestGoogleQUICProtected reads a hello out of an Initial packet of Q050, which may take two.
func TestGoogleQUICProtected(t *testing.T) {
	hello := googleHello(googleTags)
	frame := func(off int, data []byte) []byte {
		return append([]byte{frameCryptoGoogle}, quicCrypto(off, data)[1:]...)
	}
	one := quicSpec{version: quicQ050, dcid: rfcID, frames: frame(0, hello), size: 1350}.seal(t)
	want := quicText(t, Input{Data: one})
	assert.Contains(t, want, `> request quic_sni="www.example.org" stop`)
	assert.Contains(t, want, `version "Q050"`)

	var s State
	first := quicSpec{version: quicQ050, dcid: rfcID, frames: frame(50, hello[50:]), size: 1350}
	second := quicSpec{version: quicQ050, dcid: rfcID, number: 1, frames: frame(0, hello[:50]), size: 1350}
	assert.Empty(t, quicText(t, Input{Data: first.seal(t), State: &s}))
	assert.Equal(t, want, quicText(t, Input{Data: second.seal(t), State: &s}))
}

// TestGoogleQUICOther has packets that are near to a client's first one.
func TestGoogleQUICOther(t *testing.T) {
	good := googlePackets()
	tag := bytes.Index(good["Q043"], []byte(chloTag))
	for name, c := range map[string]struct {
		version string
		at      int
		value   byte
	}{
		"no version":           {"Q043", 0, 0x08},
		"a reset":              {"Q043", 0, 0x0b},
		"no connection ID":     {"Q043", 0, 0x01},
		"another version":      {"Q043", 9, 'R'},
		"an older version":     {"Q043", 11, '1'},
		"no digit":             {"Q043", 12, 'x'},
		"no STREAM frame":      {"Q043", tag - 6, 0x24},
		"another stream":       {"Q043", tag - 5, 3},
		"another offset":       {"Q043", tag - 3, 1},
		"another message":      {"Q043", tag, 'S'},
		"too many tags":        {"Q043", tag + 5, 1},
		"no tags":              {"Q043", tag + 4, 0},
		"0-RTT":                {"Q046", 0, 0xd1},
		"other than a Initial": {"Q044", 0, 0xfe},
	} {
		packet := bytes.Clone(good[c.version])
		packet[c.at] = c.value
		assert.Equal(t, Reject, parseQUIC(new(Hint), nil, Input{Data: packet, State: new(State), Final: true}), name)
	}
}
