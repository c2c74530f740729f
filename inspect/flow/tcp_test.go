package flow

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// seg is one segment of a test: the sender, flags, sequence and acknowledgment numbers, payload length.
type seg struct {
	s        Side
	flags    uint8
	seq, ack uint32
	n        int
}

func (g seg) packet() *decap.Packet {
	return &decap.Packet{Proto: decap.TCP, HasTCP: true, TCPFlags: g.flags, Seq: g.seq, Ack: g.ack, PayloadLen: g.n}
}

func play(r *Record, segs ...seg) {
	for i, g := range segs {
		p := g.packet()
		r.Count(g.s, p, 1, uint64(g.n+40), int64(i))
		r.Segment(g.s, p, nil)
	}
}

const (
	syn    = decap.SYN
	synack = decap.SYN | decap.ACK
	ack    = decap.ACK
	fin    = decap.FIN | decap.ACK
	rst    = decap.RST
)

var handshake = []seg{{0, syn, 99, 0, 0}, {1, synack, 499, 100, 0}, {0, ack, 100, 500, 0}}

func TestState(t *testing.T) {
	for name, c := range map[string]struct {
		segs []seg
		want event.TCPState
	}{
		"syn":             {handshake[:1], event.TCPSynSent},
		"syn-ack":         {handshake[:2], event.TCPSynRecv},
		"handshake":       {handshake, event.TCPEstablished},
		"picked up":       {[]seg{{1, ack, 1, 1, 10}}, event.TCPEstablished},
		"syn-ack lost":    {[]seg{handshake[0], {1, ack, 500, 100, 5}}, event.TCPEstablished},
		"refused":         {[]seg{handshake[0], {1, rst | decap.ACK, 0, 100, 0}}, event.TCPClosed},
		"reset":           {append(handshake[:3:3], seg{1, rst, 500, 0, 0}), event.TCPClosed},
		"half closed":     {append(handshake[:3:3], seg{0, fin, 100, 500, 0}), event.TCPFinWait1},
		"fin acked":       {append(handshake[:3:3], seg{0, fin, 100, 500, 0}, seg{1, ack, 500, 101, 0}), event.TCPFinWait2},
		"both fin":        {append(handshake[:3:3], seg{0, fin, 100, 500, 0}, seg{1, fin, 500, 101, 0}), event.TCPLastAck},
		"closed":          {append(handshake[:3:3], seg{0, fin, 100, 500, 0}, seg{1, fin, 500, 101, 0}, seg{0, ack, 101, 501, 0}), event.TCPClosed},
		"fin from server": {append(handshake[:3:3], seg{1, fin, 500, 100, 0}, seg{0, ack, 100, 501, 0}), event.TCPFinWait2},
		"fin, fin repeated, closed": {append(handshake[:3:3], seg{0, fin, 100, 500, 0}, seg{1, fin, 500, 101, 0}, seg{1, fin, 500, 101, 0},
			seg{0, ack, 101, 501, 0}), event.TCPClosed},
	} {
		t.Run(name, func(t *testing.T) {
			var r Record
			r.Key.Proto = decap.TCP
			play(&r, c.segs...)
			require.Equal(t, c.want.String(), r.TCPState.String())
		})
	}
}

// TestSequence holds what is counted as payload and what as missing, by side.
func TestSequence(t *testing.T) {
	for name, c := range map[string]struct {
		segs             []seg
		payload, missing [2]uint64
	}{
		"in order":               {[]seg{{0, ack, 100, 0, 10}, {0, ack, 110, 0, 20}}, [2]uint64{30}, [2]uint64{}},
		"repeated":               {[]seg{{0, ack, 100, 0, 10}, {0, ack, 100, 0, 10}}, [2]uint64{10}, [2]uint64{}},
		"repeated with more":     {[]seg{{0, ack, 100, 0, 10}, {0, ack, 100, 0, 25}}, [2]uint64{25}, [2]uint64{}},
		"keep-alive":             {[]seg{{0, ack, 100, 0, 10}, {0, ack, 109, 0, 1}}, [2]uint64{10}, [2]uint64{}},
		"keep-alive, empty":      {[]seg{{0, ack, 100, 0, 10}, {0, ack, 109, 0, 0}}, [2]uint64{10}, [2]uint64{}},
		"lost":                   {[]seg{{0, ack, 100, 0, 10}, {0, ack, 140, 0, 10}}, [2]uint64{20}, [2]uint64{30}},
		"late":                   {[]seg{{0, ack, 100, 0, 10}, {0, ack, 140, 0, 10}, {0, ack, 110, 0, 30}}, [2]uint64{50}, [2]uint64{}},
		"late, in part":          {[]seg{{0, ack, 100, 0, 10}, {0, ack, 140, 0, 10}, {0, ack, 120, 0, 20}}, [2]uint64{40}, [2]uint64{10}},
		"lost, other repeated":   {[]seg{{0, ack, 100, 0, 10}, {0, ack, 140, 0, 10}, {0, ack, 100, 0, 10}}, [2]uint64{20}, [2]uint64{30}},
		"lost, tail repeated":    {[]seg{{0, ack, 100, 0, 10}, {0, ack, 140, 0, 10}, {0, ack, 140, 0, 10}}, [2]uint64{20}, [2]uint64{30}},
		"acknowledged, no copy":  {[]seg{{0, ack, 100, 0, 10}, {1, ack, 500, 150, 0}}, [2]uint64{10}, [2]uint64{40}},
		"acknowledged, late":     {[]seg{{0, ack, 100, 0, 10}, {1, ack, 500, 150, 0}, {0, ack, 110, 0, 40}}, [2]uint64{50}, [2]uint64{}},
		"acknowledged, absurd":   {[]seg{{0, ack, 100, 0, 10}, {1, ack, 500, 100 + 1<<29, 0}}, [2]uint64{10}, [2]uint64{}},
		"one direction only":     {[]seg{{1, ack, 500, 5000, 7}}, [2]uint64{0, 7}, [2]uint64{}},
		"wraps":                  {[]seg{{0, ack, 0xfffffff0, 0, 16}, {0, ack, 0, 0, 10}, {0, ack, 20, 0, 10}}, [2]uint64{36}, [2]uint64{10}},
		"syn and fin count":      {append(handshake[:3:3], seg{0, ack, 100, 500, 5}, seg{0, fin, 105, 500, 0}, seg{1, ack, 500, 106, 0}), [2]uint64{5}, [2]uint64{}},
		"answer of an older one": {append([]seg{handshake[0], {1, ack, 77, 9999, 0}}, handshake[1:]...), [2]uint64{}, [2]uint64{}},
		"reset far away":         {append(handshake[:3:3], seg{1, rst, 123456, 0, 0}), [2]uint64{}, [2]uint64{}},
		"far away: starts anew":  {[]seg{{0, ack, 100, 0, 10}, {0, ack, 1<<31 + 100, 0, 10}}, [2]uint64{20}, [2]uint64{}},
	} {
		t.Run(name, func(t *testing.T) {
			var r Record
			r.Key.Proto = decap.TCP
			play(&r, c.segs...)
			require.Equal(t, c.payload, [2]uint64{r.Payload(0), r.Payload(1)}, "payload")
			require.Equal(t, c.missing, [2]uint64{uint64(r.Missing[0]), uint64(r.Missing[1])}, "missing")
		})
	}
}

// TestPayloadAndMissingCoverTheStream: whatever is lost, repeated or late, payload and missing bytes together are exactly
// the sequence space between the first and the last byte.
func TestPayloadAndMissingCoverTheStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Record
		isn := rapid.Uint32().Draw(t, "isn")
		play(&r, seg{0, syn, isn, 0, 0})
		end := uint32(0)
		for range rapid.IntRange(1, 40).Draw(t, "segments") {
			off := rapid.Uint32Range(0, 5000).Draw(t, "offset")
			n := rapid.Uint32Range(1, 1500).Draw(t, "length")
			play(&r, seg{0, ack, isn + 1 + off, 0, int(n)})
			end = max(end, off+n)
			if got := r.Payload(0) + uint64(r.Missing[0]); got != uint64(end) {
				t.Fatalf("payload %d + missing %d = %d, want %d", r.Payload(0), r.Missing[0], got, end)
			}
		}
	})
}

func TestAnotherConnection(t *testing.T) {
	for name, c := range map[string]struct {
		before []seg
		syn    seg
		want   bool
	}{
		"first":              {nil, seg{0, syn, 99, 0, 0}, false},
		"repeated":           {handshake[:1], seg{0, syn, 99, 0, 0}, false},
		"repeated late":      {append(handshake[:3:3], seg{0, ack, 100, 500, 50}), seg{0, syn, 99, 0, 0}, false},
		"another number":     {handshake, seg{0, syn, 7777, 0, 0}, true},
		"lower number":       {handshake, seg{0, syn, 5, 0, 0}, true},
		"after reset":        {append(handshake[:3:3], seg{1, rst, 500, 0, 0}), seg{0, syn, 7777, 0, 0}, true},
		"after pick-up":      {[]seg{{0, ack, 100, 1, 10}}, seg{0, syn, 7777, 0, 0}, true},
		"syn-ack of its syn": {handshake, seg{1, synack, 7777, 100, 0}, false},
		"syn-ack of another": {handshake, seg{1, synack, 7777, 4242, 0}, true},
		"syn-ack repeated":   {handshake, seg{1, synack, 499, 100, 0}, false},
		"message elsewhere":  {handshake, seg{0, ack, 1 << 30, 1 << 31, 9}, true},
		"message ahead":      {handshake, seg{0, ack, 1 << 30, 500, 9}, false},
		"message, next":      {handshake, seg{0, ack, 100, 500, 9}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var r Record
			r.Key.Proto = decap.TCP
			play(&r, c.before...)
			got := r.Arrival(c.syn.s, c.syn.packet()).Place(1e18, func([]byte) bool { return true })
			require.Equal(t, c.want, got == Another)
		})
	}
}
