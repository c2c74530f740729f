package l7

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap/wire"
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

// clientHellos returns the ClientHello of each exchange of TLS and of QUIC.
func clientHellos(tb testing.TB) (hellos [][]byte) {
	for _, x := range recordings(tb) {
		first := x.segs[0]
		switch {
		case x.proto == TLS && first.side == 0:
			var all []byte
			for _, s := range x.segs {
				if s.side == 0 {
					all = append(all, s.data...)
				}
			}
			messages := tlsMessages{h: new(Hint), records: wire.New(all)}
			if msg, _ := messages.next(); tlsWhole(msg) {
				hellos = append(hellos, msg)
			}
		case x.proto == QUIC:
			var s State
			for _, seg := range x.segs {
				s.readQUIC(new(Hint), Input{Data: seg.data, Side: seg.side, State: &s})
			}
			require.True(tb, s.helloDone(), x.path)
			front := bytes.Clone(s.hello.Front())
			hellos = append(hellos, front[:tlsMessageSize(front)])
		}
	}
	require.NotEmpty(tb, hellos)
	return hellos
}

// quicWhole returns what a hello says if it comes in one frame, of whatever size.
func quicWhole(tb require.TestingT, hello []byte) string {
	return quicText(tb, Input{Data: quicSpec{version: quicV1, dcid: rfcID, frames: quicCrypto(0, hello)}.seal(tb)})
}

// quicPiece is the part of a hello that one CRYPTO frame has.
type quicPiece struct{ off, end int }

// drawPieces cuts a hello anywhere, makes some pieces longer on both sides, repeats some, and shuffles them.
func drawPieces(t *rapid.T, size int) (pieces []quicPiece) {
	cuts := append(rapid.SliceOfN(rapid.IntRange(1, size-1), 0, 30).Draw(t, "cuts"), 0, size)
	slices.Sort(cuts)
	for i := range cuts[1:] {
		p := quicPiece{cuts[i], cuts[i+1]}
		if rapid.Bool().Draw(t, "overlaps") {
			p.off = max(0, p.off-rapid.IntRange(0, 40).Draw(t, "before"))
			p.end = min(size, p.end+rapid.IntRange(0, 40).Draw(t, "behind"))
		}
		for range rapid.IntRange(1, 2).Draw(t, "copies") {
			pieces = append(pieces, p)
		}
	}
	return rapid.Permutation(pieces).Draw(t, "order")
}

// drawDatagrams puts each piece into a frame, frames with others between them into packets, and packets into datagrams.
func drawDatagrams(t *rapid.T, hello []byte, pieces []quicPiece) (datagrams [][]byte, content [][]quicPiece) {
	between := rapid.SampledFrom([]string{
		"", "\x00\x00\x00", "\x01", // nothing, PADDING, PING
		"\x02\x05\x10\x01\x02\x00\x01", "\x03\x40\x05\x10\x00\x02\x01\x01\x01", // ACK, ACK with ECN counts
		"\x1c\x00\x06\x02no", // CONNECTION_CLOSE
	})
	for number := uint32(0); len(pieces) > 0; {
		var datagram []byte
		var in []quicPiece
		for range rapid.IntRange(1, 4).Draw(t, "packets") {
			n := min(len(pieces), rapid.IntRange(0, 9).Draw(t, "frames"))
			var frames []byte
			for _, p := range pieces[:n] {
				frames = append(frames, between.Draw(t, "between")...)
				frames = append(frames, quicCrypto(p.off, hello[p.off:p.end])...)
			}
			in, pieces = append(in, pieces[:n]...), pieces[n:]
			datagram = append(datagram, quicSpec{version: quicV1, dcid: rfcID, number: number, frames: frames, size: 60}.seal(t)...)
			number++
		}
		if len(in) > 0 {
			datagrams, content = append(datagrams, datagram), append(content, in)
		}
	}
	return datagrams, content
}

// covers reports whether pieces make up all of a hello.
func covers(pieces []quicPiece, size int) bool {
	have := make([]bool, size)
	for _, p := range pieces {
		for i := p.off; i < p.end; i++ {
			have[i] = true
		}
	}
	return !slices.Contains(have, false)
}

// TestQUICAnyOrder: a hello in pieces of any size and order, repeated and overlapping, over frames, packets and datagrams
// says what it says in one piece, as soon as its last byte is there; until then there is more to come.
func TestQUICAnyOrder(t *testing.T) {
	hellos := clientHellos(t)
	rapid.Check(t, func(t *rapid.T) {
		hello := rapid.SampledFrom(hellos).Draw(t, "hello")
		want := quicWhole(t, hello)
		require.Contains(t, want, "request")
		datagrams, content := drawDatagrams(t, hello, drawPieces(t, len(hello)))
		if len(datagrams) >= maxQUICDatagrams {
			t.Skip("more datagrams than are looked at")
		}
		var s State
		var seen []quicPiece
		for i, d := range datagrams {
			seen = append(seen, content[i]...)
			got := quicText(t, Input{Data: d, State: &s})
			require.LessOrEqual(t, s.Size(), stateSize+Window+(maxStretches+1)*stretchSize)
			if !covers(seen, len(hello)) {
				require.Empty(t, got)
				continue
			}
			require.Equal(t, want, got)
			return
		}
		require.Fail(t, "the hello was not found")
	})
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

// TestQUICCut has a mirror cut the client's packet anywhere. What is there is decrypted: the name is found as soon as it is
// whole, and nothing else is ever taken for it.
func TestQUICCut(t *testing.T) {
	for _, hello := range clientHellos(t) {
		packet := quicSpec{version: quicV1, dcid: rfcID, frames: quicCrypto(0, hello), size: 1300}.seal(t)
		named := 0
		for n := 0; n < len(packet); n += 3 {
			text := quicText(t, Input{Data: packet[:n]})
			if strings.Contains(text, "quic_sni") {
				named++
				assert.Contains(t, quicWhole(t, hello), strings.SplitN(text, "\n", 2)[0])
			}
		}
		if strings.Contains(quicWhole(t, hello), "quic_sni") {
			assert.Greater(t, named, quicTag)
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

func TestQUICAllocations(t *testing.T) {
	again := quicAgain(t)
	again()
	assert.LessOrEqual(t, testing.AllocsPerRun(100, again), 16.0)
}

// BenchmarkQUICHello measures a client's first datagram in all: its Initial packet, the hello in it, and fingerprints.
func BenchmarkQUICHello(b *testing.B) {
	again := quicAgain(b)
	b.ReportAllocs()
	for b.Loop() {
		again()
	}
}

// BenchmarkQUICInitial measures an Initial packet alone: its keys, its decryption, and the pieces of the hello in it.
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
			require.LessOrEqual(t, s.Size(), stateSize+Window+(maxStretches+1)*stretchSize)
		}
		require.True(t, over, "an end without a verdict")
	})
}
