package l7

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// quicText returns what a datagram says, as the want sections have it; empty if it is not QUIC, or more has to come.
func quicText(tb require.TestingT, in Input) string {
	var h Hint
	in.Final = true
	if parseQUIC(&h, nil, in) != Done {
		return ""
	}
	checkHint(tb, &h)
	var text strings.Builder
	printMessage(&text, in.Side, &h)
	return text.String()
}

// TestQUICConnectionIDs follows a client that changes the connection ID in the middle of its hello: after a Retry its keys
// change as well, after the server's first answer they do not.
func TestQUICConnectionIDs(t *testing.T) {
	hello := clientHellos(t)[0]
	want := quicWhole(t, hello)
	first, second := quicCrypto(0, hello[:100]), quicCrypto(100, hello[100:])
	server := []byte("\xf0\x00\x00\x00\x01\x00\x05newid" + "token" + "0123456789abcdef") // a Retry
	for name, packets := range map[string][]quicSpec{
		"the server's, same keys":            {{dcid: rfcID, frames: first}, {dcid: "newid", keysOf: rfcID, frames: second}},
		"the Retry's, new keys":              {{dcid: rfcID, frames: first}, {dcid: "newid", frames: second, token: "token"}},
		"the Retry's, all again":             {{dcid: rfcID, frames: second}, {dcid: "newid", frames: quicCrypto(0, hello), token: "token"}},
		"the server's after the Retry's":     {{dcid: rfcID}, {dcid: "newid", frames: second}, {dcid: "last", keysOf: "newid", frames: first}},
		"the first one's behind the Retry's": {{dcid: "newid", frames: second}, {dcid: rfcID}, {dcid: "last", keysOf: "newid", frames: first}},
	} {
		var s State
		got := ""
		for i, p := range packets {
			require.Empty(t, got, name)
			if i > 0 {
				require.Empty(t, quicText(t, Input{Data: server, Side: 1, State: &s}), name)
			}
			p.version, p.number, p.size = quicV1, uint32(i), 1200
			got = quicText(t, Input{Data: p.seal(t), State: &s})
		}
		assert.Equal(t, want, got, name)
	}
}

// TestQUICVersionNegotiation has a client begin again in another version, with another hello.
func TestQUICVersionNegotiation(t *testing.T) {
	hello := clientHellos(t)[0]
	var s State
	old := quicSpec{version: 0x1a2a3a4a, dcid: rfcID, frames: quicCrypto(0, bytes.Repeat([]byte{tlsClientHello}, 200)), size: 1200}
	assert.Empty(t, quicText(t, Input{Data: old.seal(t), State: &s}))
	assert.Empty(t, quicText(t, Input{Data: []byte("\x80\x00\x00\x00\x00\x00\x08" + rfcID + "\x00\x00\x00\x01"), Side: 1, State: &s}))
	again := quicSpec{version: quicV1, dcid: "another", frames: quicCrypto(0, hello), size: 1200}
	assert.Equal(t, quicWhole(t, hello), quicText(t, Input{Data: again.seal(t), State: &s}))
}

// TestQUICOtherPackets has packets around the hello's that are not opened: of 0-RTT, of the handshake, with short headers,
// and an Initial packet whose protection is not right.
func TestQUICOtherPackets(t *testing.T) {
	hello := clientHellos(t)[0]
	good := quicSpec{version: quicV1, dcid: rfcID, frames: quicCrypto(0, hello)}.seal(t)
	long := func(first byte) []byte {
		return append([]byte{first, 0, 0, 0, 1, 8}, rfcID+"\x00\x20"+strings.Repeat("x", 0x20)...)
	}
	bad := bytes.Clone(good)
	bad[len(bad)-1] ^= 1
	short := append([]byte{0x40}, rfcID+"protected"...)
	for name, datagram := range map[string][]byte{
		"0-RTT":        join(good, long(0xd0)),
		"0-RTT before": join(long(0xd0), good),
		"handshake":    join(long(0xe0), good),
		"short":        join(good, short),
		"bad before":   join(bad, good),
	} {
		assert.Equal(t, quicWhole(t, hello), quicText(t, Input{Data: datagram}), name)
		var s State
		for _, other := range [][]byte{long(0xd0), short, bad} {
			require.Empty(t, quicText(t, Input{Data: other, State: &s}), name)
		}
		assert.Equal(t, quicWhole(t, hello), quicText(t, Input{Data: datagram, State: &s}), name)
	}
	const unreadable = "> interim stop\n"
	assert.Equal(t, unreadable, quicText(t, Input{Data: bad}))
	assert.Equal(t, unreadable, quicText(t, Input{Data: long(0xd0)}))
	for name, datagram := range map[string][]byte{
		"empty":               nil,
		"short header":        short,
		"no fixed bit":        long(0x90),
		"version negotiation": []byte("\xc0\x00\x00\x00\x00\x08" + rfcID + "\x00\x00\x00\x00\x01"),
		"long connection ID":  []byte("\xc0\x00\x00\x00\x01\x15" + strings.Repeat("x", 0x15) + "\x00\x00\x20" + strings.Repeat("x", 0x20)),
		"unknown version":     []byte("\xc0\x00\x00\x00\x02\x08" + rfcID + "\x00\x00\x20" + strings.Repeat("x", 0x20)),
	} {
		var s State
		assert.Equal(t, Reject, parseQUIC(new(Hint), nil, Input{Data: datagram, State: &s, Final: true}), name)
	}
}

// TestQUICCut: a client's packet that was cut anywhere is decrypted up to the cut. The name is found as soon as it is complete, and
// no other bytes are taken for it.
func TestQUICCut(t *testing.T) {
	for _, hello := range clientHellos(t) {
		packet := quicSpec{version: quicV1, dcid: rfcID, frames: quicCrypto(0, hello), size: 1300}.seal(t)
		named := 0
		for n := len(packet) % stride(3); n < len(packet); n += stride(3) {
			text := quicText(t, Input{Data: packet[:n]})
			if strings.Contains(text, "quic_sni") {
				named++
				assert.Contains(t, quicWhole(t, hello), strings.SplitN(text, "\n", 2)[0])
			}
		}
		if strings.Contains(quicWhole(t, hello), "quic_sni") {
			assert.Positive(t, named)
			assert.True(t, !testform.Long || named > quicTag, "%d of the cuts have a name", named)
		}
	}
}

// TestQUICOver has flows end, or go on, without the rest of the hello.
func TestQUICOver(t *testing.T) {
	hello := clientHellos(t)[0]
	half := quicSpec{version: quicV1, dcid: rfcID, frames: quicCrypto(0, hello[:len(hello)-1])}.seal(t)
	var s State
	require.Empty(t, quicText(t, Input{Data: half, State: &s}))
	text := quicText(t, Input{State: &s})
	assert.Contains(t, text, "> request quic_sni=")
	assert.NotContains(t, text, "ja4", "a part of a hello has no fingerprint")

	require.Empty(t, quicText(t, Input{State: &s}), "the state is that of a new flow again")
	for range maxQUICDatagrams - 1 {
		require.Empty(t, quicText(t, Input{Data: half, State: &s}))
	}
	assert.Equal(t, text, quicText(t, Input{Data: half, State: &s}))
}

// TestQUICUserAgent has a client name itself among its transport parameters, of the RFC and of the drafts, and has ECH.
func TestQUICUserAgent(t *testing.T) {
	const agent = "\x71\x29\x0cChrome/1.2.3"
	for params, want := range map[string]string{
		agent:                          "Chrome/1.2.3",
		"\x01\x02\x40\x64" + agent:     "Chrome/1.2.3", // max_idle_timeout before it
		agent + "\x00\x00":             "Chrome/1.2.3",
		"\x01\x02\x40\x64":             "",
		agent[:len(agent)-1]:           "",
		"\x40\x71\x29\x04" + agent[3:]: "", // another parameter's value that looks like it
	} {
		for _, ext := range []uint16{extQUICParams, extQUICParamsDraft} {
			hello := tlsHello(tlsClientHello, tls12, nil, suite,
				join(tlsExt(ext, params), tlsExt(extECH, "\x00\x00\x01\x00\x01\x07\x00\x00\x00\x01x")))
			text := quicWhole(t, hello)
			assert.Equal(t, want != "", strings.Contains(text, `  ua "`+want+`"`), "%x", params)
			assert.Contains(t, text, `+ech "present"`)
			assert.NotContains(t, text, "quic_sni")
		}
	}
}

// TestQUICNoHello has a client's first message be none that begins a connection.
func TestQUICNoHello(t *testing.T) {
	hello := clientHellos(t)[0]
	server := append([]byte{tlsServerHello}, hello[1:]...)
	assert.Equal(t, "> interim stop\n", quicWhole(t, server))
	cut := quicSpec{version: quicV1, dcid: rfcID, frames: quicCrypto(0, server), size: 1300}.seal(t)[:1000]
	assert.Empty(t, quicText(t, Input{Data: cut}), "nothing is proved by a packet that was cut")
}

// quicInitialDatagram returns a datagram with the whole hello of a real client.
func quicInitialDatagram(tb testing.TB) []byte {
	x := readRecording(tb, "../../testdata/l7/quic.txtar")
	return x.segs[0].data
}

// quicAgain returns a function that reads a client's datagram as a worker does, which keeps the hint and the state.
func quicAgain(tb testing.TB) func() {
	in := Input{Data: quicInitialDatagram(tb), Final: true, State: new(State)}
	var h Hint
	return func() {
		h.Reset()
		if parseQUIC(&h, nil, in) != Done {
			panic("not read")
		}
	}
}

// TestQUICAllocations: deriving keys allocates nothing. What is left are the ciphers of a key, which the standard library makes
// anew: AES twice, and GCM.
func TestQUICAllocations(t *testing.T) {
	again := quicAgain(t)
	again()
	assert.LessOrEqual(t, testing.AllocsPerRun(100, again), 3.0)
	v1, _ := quicDialectOf(1)
	assert.Zero(t, testing.AllocsPerRun(100, func() { newQUICKeys(v1, 1, []byte("\x83\x94\xc8\xf0\x3e\x51\x57\x08")) }))
}

// BenchmarkQUICHello measures a client's first datagram in all: its Initial packet, the hello in it, and fingerprints.
func BenchmarkQUICHello(b *testing.B) {
	again := quicAgain(b)
	b.ReportAllocs()
	for b.Loop() {
		again()
	}
}

// BenchmarkQUICInitial measures an Initial packet alone: its keys, its decryption, and the fragments of the hello in it.
func BenchmarkQUICInitial(b *testing.B) {
	in := Input{Data: quicInitialDatagram(b)}
	var h Hint
	var s State
	b.ReportAllocs()
	for b.Loop() {
		h.Reset()
		s.Reset()
		s.readQUIC(&h, in)
		if !s.helloDone() {
			b.Fatal("not read")
		}
	}
}

// FuzzQUIC protects any frames, cut in two packets, and gives any other datagrams before and behind them.
func FuzzQUIC(f *testing.F) {
	for _, hello := range clientHellos(f) {
		f.Add(quicCrypto(0, hello), uint16(100), quicInitialDatagram(f), uint8(0))
	}
	f.Fuzz(func(t *testing.T, frames []byte, cut uint16, other []byte, side uint8) {
		frames = frames[:min(len(frames), 4000)]
		n := min(int(cut), len(frames))
		var s State
		over := false
		for _, d := range [][]byte{
			quicSpec{version: quicV1, dcid: rfcID, frames: frames[:n], size: 60}.seal(t),
			other,
			quicSpec{version: quicQ050, dcid: rfcID, frames: frames[n:], size: 60}.seal(t),
			nil,
		} {
			if !over {
				over = quicText(t, Input{Data: d, Side: side & 1, State: &s}) != ""
			}
			require.LessOrEqual(t, s.Size(), stateSize+Window+(maxExtents+1)*extentSize)
		}
		require.True(t, over, "an end without a verdict")
	})
}
