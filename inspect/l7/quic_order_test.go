package l7

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

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

// quicFragment is the part of a hello that one CRYPTO frame has.
type quicFragment struct{ off, end int }

// drawFragments cuts a hello anywhere, makes some fragments longer on both sides, repeats some, and shuffles them.
func drawFragments(t *rapid.T, size int) (fragments []quicFragment) {
	cuts := append(rapid.SliceOfN(rapid.IntRange(1, size-1), 0, 30).Draw(t, "cuts"), 0, size)
	slices.Sort(cuts)
	for i := range cuts[1:] {
		p := quicFragment{cuts[i], cuts[i+1]}
		if rapid.Bool().Draw(t, "overlaps") {
			p.off = max(0, p.off-rapid.IntRange(0, 40).Draw(t, "before"))
			p.end = min(size, p.end+rapid.IntRange(0, 40).Draw(t, "behind"))
		}
		for range rapid.IntRange(1, 2).Draw(t, "copies") {
			fragments = append(fragments, p)
		}
	}
	return rapid.Permutation(fragments).Draw(t, "order")
}

// drawDatagrams puts each fragment into a frame, frames with others between them into packets, and packets into datagrams.
func drawDatagrams(t *rapid.T, hello []byte, fragments []quicFragment) (datagrams [][]byte, content [][]quicFragment) {
	between := rapid.SampledFrom([]string{
		"", "\x00\x00\x00", "\x01", // nothing, PADDING, PING
		"\x02\x05\x10\x01\x02\x00\x01", "\x03\x40\x05\x10\x00\x02\x01\x01\x01", // ACK, ACK with ECN counts
		"\x1c\x00\x06\x02no", // CONNECTION_CLOSE
	})
	for number := uint32(0); len(fragments) > 0; {
		var datagram []byte
		var in []quicFragment
		for range rapid.IntRange(1, 4).Draw(t, "packets") {
			n := min(len(fragments), rapid.IntRange(0, 9).Draw(t, "frames"))
			var frames []byte
			for _, p := range fragments[:n] {
				frames = append(frames, between.Draw(t, "between")...)
				frames = append(frames, quicCrypto(p.off, hello[p.off:p.end])...)
			}
			in, fragments = append(in, fragments[:n]...), fragments[n:]
			datagram = append(datagram, quicSpec{version: quicV1, dcid: rfcID, number: number, frames: frames, size: 60}.seal(t)...)
			number++
		}
		if len(in) > 0 {
			datagrams, content = append(datagrams, datagram), append(content, in)
		}
	}
	return datagrams, content
}

// covers reports whether fragments make up all of a hello.
func covers(fragments []quicFragment, size int) bool {
	have := make([]bool, size)
	for _, p := range fragments {
		for i := p.off; i < p.end; i++ {
			have[i] = true
		}
	}
	return !slices.Contains(have, false)
}

// TestQUICAnyOrder: a hello in fragments of any size and order, repeated and overlapping, over frames, packets and datagrams
// says what it says in one fragment, as soon as its last byte is there; until then there is more to come.
func TestQUICAnyOrder(t *testing.T) {
	hellos := clientHellos(t)
	rapid.Check(t, func(t *rapid.T) {
		hello := rapid.SampledFrom(hellos).Draw(t, "hello")
		want := quicWhole(t, hello)
		require.Contains(t, want, "request")
		datagrams, content := drawDatagrams(t, hello, drawFragments(t, len(hello)))
		if len(datagrams) >= maxQUICDatagrams {
			t.Skip("more datagrams than are looked at")
		}
		var s State
		var seen []quicFragment
		for i, d := range datagrams {
			seen = append(seen, content[i]...)
			got := quicText(t, Input{Data: d, State: &s})
			require.LessOrEqual(t, s.Size(), stateSize+Window+(maxExtents+1)*extentSize)
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
