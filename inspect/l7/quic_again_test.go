package l7

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestQUICGreased: a client may clear the fixed bit in any version (RFC 9287). What has neither the bit nor the right protection is not
// QUIC.
func TestQUICGreased(t *testing.T) {
	hello := clientHellos(t)[0]
	for _, version := range []uint32{quicV1, quicV2, quicDraft + 29, 0x1a2a3a4a} {
		spec := quicSpec{version: version, dcid: rfcID, frames: quicCrypto(0, hello), size: 1200}
		want := quicText(t, Input{Data: spec.seal(t), State: new(State)})
		require.Contains(t, want, "ja4")
		spec.greased, spec.token = true, "token"
		data := spec.seal(t)
		assert.Equal(t, want, quicText(t, Input{Data: data, State: new(State)}), "%x", version)
		data[len(data)-1] ^= 1
		assert.Equal(t, Reject, parseQUIC(new(Hint), nil, Input{Data: data, State: new(State), Final: true}), "%x", version)
	}
}

// TestQUICForcedVersions: packets of a version that asks for a negotiation have the protection of version 1 or of the last drafts.
func TestQUICForcedVersions(t *testing.T) {
	hello := clientHellos(t)[0]
	for _, version := range []uint32{0x0a0a0a0a, 0x1a2a3a4a, 0xfafafafa, 0xba9a8a7a} {
		for _, salt := range []string{quicSaltV1, quicSaltDraft29} {
			data := quicSpec{version: version, dcid: rfcID, salt: salt, frames: quicCrypto(0, hello), size: 1200}.seal(t)
			text := quicText(t, Input{Data: data})
			assert.Contains(t, text, fmt.Sprintf("version %q", fmt.Sprintf("%x", version)))
			assert.Contains(t, text, "ja4")
		}
	}
}

// TestQUICLate: in a flow that was read before, a datagram is the start of a connection only if the client's keys decrypt it.
func TestQUICLate(t *testing.T) {
	hello := clientHellos(t)[0]
	good := quicSpec{version: quicV1, dcid: rfcID, frames: quicCrypto(0, hello), size: 1200}.seal(t)
	bad := quicSpec{version: quicV1, dcid: rfcID, keysOf: "another", frames: quicCrypto(0, hello), size: 1200}.seal(t)
	var s State
	require.Equal(t, QUIC, BeginsDatagram(bad, false))
	require.Equal(t, Reject, parseQUIC(new(Hint), nil, Input{Data: bad, State: &s, Late: true, Final: true}))
	require.Equal(t, quicWhole(t, hello), quicText(t, Input{Data: good, State: &s, Late: true}))
}

// TestQUICConnectionsOnOneSocket: the hellos of clients that share addresses and ports are read apart, in whatever order their pieces come.
func TestQUICConnectionsOnOneSocket(t *testing.T) {
	all := clientHellos(t)
	rapid.Check(t, func(t *rapid.T) {
		type piece struct {
			connection int
			data       []byte
		}
		var pieces []piece
		var want []string
		n := rapid.IntRange(2, maxQUICConnections).Draw(t, "connections")
		for i := range n {
			hello := all[i%len(all)]
			want = append(want, quicWhole(t, hello))
			cut := rapid.IntRange(1, len(hello)-1).Draw(t, "cut")
			spec := quicSpec{version: quicV1, dcid: fmt.Sprintf("server-%d", i), scid: fmt.Sprintf("c%d", i), size: 1200}
			for number, frames := range [][]byte{quicCrypto(0, hello[:cut]), quicCrypto(cut, hello[cut:])} {
				spec.number, spec.frames = uint32(number), frames
				pieces = append(pieces, piece{i, spec.seal(t)})
			}
		}
		pieces = rapid.Permutation(pieces).Draw(t, "order")
		seen := map[int]int{}
		var s State
		for _, p := range pieces {
			var h Hint
			v := parseQUIC(&h, nil, Input{Data: p.data, State: &s, Final: true})
			if seen[p.connection]++; seen[p.connection] < 2 {
				require.Equal(t, More, v)
				continue
			}
			require.Equal(t, Done, v)
			require.Equal(t, want[p.connection], hintText(&h))
			waiting := 0
			for _, n := range seen {
				waiting += n % 2
			}
			require.Equal(t, waiting > 0, h.Pending)
		}
		require.Equal(t, stateSize+cap(s.hello.buf)+cap(s.hello.have)*extentSize, s.Size(), "nothing is left")
	})
}

// TestQUICConnectionsOver: when a flow ends, what came of each incomplete hello is reported.
func TestQUICConnectionsOver(t *testing.T) {
	hello := clientHellos(t)[0]
	var s State
	for i := range 3 {
		spec := quicSpec{version: quicV1, dcid: rfcID, scid: fmt.Sprint(i), frames: quicCrypto(0, hello[:len(hello)-1]), size: 1200}
		require.Empty(t, quicText(t, Input{Data: spec.seal(t), State: &s}))
	}
	for i := range 3 {
		var h Hint
		require.Equal(t, Done, parseQUIC(&h, nil, Input{State: &s, Final: true}))
		require.Equal(t, i < 2, h.Pending)
		require.Equal(t, Request, h.Role)
	}
}

// hintText returns a hint as the want sections have it.
func hintText(h *Hint) string {
	var text strings.Builder
	printMessage(&text, 0, h)
	return text.String()
}

// TestBeginsDatagram: what may begin a connection late in a flow is found by its first bytes, and nothing else is.
func TestBeginsDatagram(t *testing.T) {
	found := map[Proto]bool{}
	for _, x := range recordings(t) {
		if x.stream {
			continue
		}
		got := BeginsDatagram(x.segs[0].data, false)
		found[got] = true
		if got != None {
			assert.Equal(t, x.proto, got, x.path)
		}
		if got := BeginsDatagram(x.segs[0].data, true); x.proto == DNS {
			assert.Equal(t, DNS, got, x.path)
		}
	}
	for _, p := range []Proto{QUIC, DTLS, STUN, None} {
		assert.True(t, found[p], p)
	}
	assert.Equal(t, None, BeginsDatagram(nil, false))
}

// TestQUICIDs: a complete hello has the connection IDs of its packets, and an incomplete one has none.
func TestQUICIDs(t *testing.T) {
	hello := clientHellos(t)[0]
	spec := quicSpec{version: quicV1, dcid: rfcID, scid: "client", frames: quicCrypto(0, hello), size: 1200}
	sent := spec.seal(t)
	var h Hint
	require.Equal(t, Done, parseQUIC(&h, nil, Input{Data: sent, State: new(State), Final: true}))
	require.Equal(t, QUICDestination(sent), h.IDs[0])
	require.Equal(t, "\x00\x00\x00\x01\x06client", string(h.IDs[1]))
	require.Nil(t, QUICDestination(sent[:5+len(rfcID)]))
	spec.frames = quicCrypto(0, hello[:len(hello)-1])
	h.Reset()
	require.Equal(t, Done, parseQUIC(&h, nil, Input{Data: spec.seal(t), Final: true}))
	require.Equal(t, [2][]byte{}, h.IDs)
}
