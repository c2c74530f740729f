package inspect

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// twoSides makes the segments of one connection with their numbers.
type twoSides struct {
	raws
	next [2]uint32 // of the client and the server
}

func newTwoSides(r *rand.Rand) *twoSides {
	return &twoSides{raws: raws{id: 1, nanos: 1e18}, next: [2]uint32{r.Uint32(), r.Uint32()}}
}

// send adds a segment of a side, 0 being the client, that acknowledges all that the other side has sent.
func (x *twoSides) send(side int, flags uint8, payload []byte, edit func(*raw)) {
	g := &raw{server: side == 1, seq: x.next[side], ack: x.next[1-side], flags: flags, window: 64240, ttl: 64, scale: -1, payload: payload}
	if flags&decap.ACK == 0 {
		g.ack = 0
	}
	x.next[side] += uint32(len(payload))
	if flags&(decap.SYN|decap.FIN) != 0 {
		x.next[side]++
	}
	if edit != nil {
		edit(g)
	}
	x.add(g)
}

func (x *twoSides) open() {
	x.send(0, decap.SYN, nil, nil)
	x.send(1, decap.SYN|decap.ACK, nil, nil)
	x.send(0, decap.ACK, nil, nil)
}

func (x *twoSides) close() {
	x.send(0, decap.FIN|decap.ACK, nil, nil)
	x.send(1, decap.FIN|decap.ACK, nil, nil)
	x.send(0, decap.ACK, nil, nil)
}

// flow returns the one flow event.
func (x *twoSides) flow(t *testing.T) (event.Event, string) {
	t.Helper()
	out, _ := inspect(t, Config{}, x.frames)
	var found event.Event
	var name string
	n := 0
	for _, b := range out.batches {
		for i := range b.Events {
			if e := &b.Events[i]; e.Kind == event.Flow {
				found, name = *e, string(b.Text(e.Name))
				n++
			}
		}
	}
	require.Equal(t, 1, n, "flows")
	return found, name
}

// delayClient makes the client's segments come later, as by a slower way.
func (x *twoSides) delayClient(nanos int64) {
	for i := range x.frames {
		if x.frames[i].Data[26] == 10 {
			x.frames[i].Nanos += nanos
		}
	}
	slices.SortStableFunc(x.frames, func(a, b decap.Datagram) int { return cmp.Compare(a.Nanos, b.Nanos) })
}

// inPieces calls f with the parts of b, cut at random places.
func inPieces(r *rand.Rand, b []byte, f func([]byte)) {
	for len(b) > 0 {
		n := len(b)
		if r.IntN(2) == 0 {
			n = 1 + r.IntN(len(b))
		}
		f(b[:n])
		b = b[n:]
	}
}

// TestBytesOfEditedCaptures: the payload of captures is often made unrecognizable by hand, and the checksums of these segments are wrong
// while those of others are right. The bytes are read if the receiver acknowledged them and no other copy came.
func TestBytesOfEditedCaptures(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		x := newTwoSides(r)
		oneSided, open := r.IntN(4) == 0, r.IntN(4) == 0
		edit := func(g *raw) {
			switch r.IntN(3) {
			case 0:
				g.badSum = true
			case 1:
				g.badIPSum = true
			}
		}
		x.open()
		inPieces(r, helloFor("real-name-ok", byte(seed)), func(b []byte) {
			x.send(0, decap.ACK|decap.PSH, b, edit)
			if r.IntN(2) == 0 {
				x.send(1, decap.ACK, nil, nil)
			}
		})
		x.send(1, decap.ACK, nil, nil)
		if !open {
			x.close()
		}
		if r.IntN(4) == 0 && !oneSided {
			x.delayClient(int64(r.IntN(40)) * millisecond)
		}
		if oneSided {
			kept := x.frames[:0]
			for _, f := range x.frames {
				if f.Data[26] == 10 {
					kept = append(kept, f)
				}
			}
			x.frames = kept
		}
		e, name := x.flow(t)
		require.Equal(t, "real-name-ok", name, "seed %d, one direction: %v", seed, oneSided)
		require.Zero(t, e.Flow.Lost, "seed %d", seed)
		require.Zero(t, e.Conflicts&event.Overlap, "seed %d", seed)
	}
}

// TestWrongChecksumIsNoByte: bytes with a wrong checksum that the receiver did not acknowledge, or of which another copy came, are not
// read.
func TestWrongChecksumIsNoByte(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		x := newTwoSides(r)
		first := x.next[0] + 1
		fake := func() {
			g := &raw{seq: []uint32{first, x.next[0]}[r.IntN(2)], ack: x.next[1], flags: decap.ACK | decap.PSH, window: 64240, ttl: 64, scale: -1, payload: helloFor("fake-name-no", 1)}
			g.badSum = r.IntN(2) == 0
			g.badIPSum = !g.badSum
			if r.IntN(2) == 0 {
				g.payload = append(g.payload, make([]byte, r.IntN(600))...)
			}
			x.add(g)
		}
		x.open()
		fake()
		want := ""
		if r.IntN(2) == 0 {
			want = "real-name-ok"
			inPieces(r, helloFor(want, byte(seed)), func(b []byte) {
				x.send(0, decap.ACK|decap.PSH, b, func(g *raw) { g.ttl -= uint8(r.IntN(2)) })
				if r.IntN(2) == 0 {
					x.send(1, decap.ACK, nil, nil)
				}
				if r.IntN(4) == 0 {
					fake()
				}
			})
		}
		x.send(1, decap.ACK, nil, nil)
		if r.IntN(2) == 0 {
			x.nanos += 5e9
			x.send(1, decap.ACK, nil, nil)
		}
		x.close()
		if r.IntN(2) == 0 {
			x.delayClient(int64(r.IntN(40)) * millisecond)
		}
		e, name := x.flow(t)
		require.Equal(t, want, name, "seed %d", seed)
		require.Zero(t, e.Conflicts&event.Overlap, "seed %d", seed)
	}
}

// TestAnswerOfAnOlderConnection: a host that still has an older connection on the same ports answers a SYN with an acknowledgment of that one.
// The client resets it and sends its SYN again. What follows is read.
func TestAnswerOfAnOlderConnection(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		x := newTwoSides(r)
		x.send(0, decap.SYN, nil, nil)
		old := &raw{server: true, seq: r.Uint32(), ack: r.Uint32(), flags: decap.ACK, window: 251, ttl: 64, scale: -1}
		if r.IntN(3) == 0 {
			old.payload = []byte("the end of an older answer")
		}
		x.add(old)
		x.add(&raw{seq: old.ack, flags: decap.RST, ttl: 64, scale: -1})
		if e, _ := x.flow(t); old.payload == nil {
			require.NotEqual(t, event.StateEstablished, e.Flow.State, "seed %d", seed)
		}
		x.next[0]--
		x.nanos += 3e9
		x.open()
		x.send(0, decap.ACK|decap.PSH, []byte("GET / HTTP/1.1\r\nHost: real-name-ok\r\n\r\n"), nil)
		x.send(1, decap.ACK|decap.PSH, []byte("HTTP/1.1 204 No Content\r\n\r\n"), nil)
		x.close()
		out, _ := inspect(t, Config{}, x.frames)
		require.Len(t, out.lines(event.AppLayer), 1, "seed %d", seed)
		require.Contains(t, out.lines(event.AppLayer)[0], "204", "seed %d", seed)
		e, name := x.flow(t)
		require.Equal(t, "real-name-ok", name, "seed %d", seed)
		require.Equal(t, event.StateClosed, e.Flow.State, "seed %d", seed)
		require.Zero(t, e.Flow.Lost, "seed %d", seed)
	}
}

// TestHeaderLongerThanTheBuffer: a request whose header section is longer than what is kept names its flow all the same.
func TestHeaderLongerThanTheBuffer(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4))
		x := newTwoSides(r)
		x.open()
		request := append([]byte("GET / HTTP/1.1\r\nHost: real-name-ok\r\nX: "), make([]byte, 17000+r.IntN(20000))...)
		for i := range request {
			if request[i] == 0 {
				request[i] = 'x'
			}
		}
		request = append(request, "\r\n\r\n"...)
		for size := 500 + r.IntN(1000); len(request) > 0; {
			n := min(size, len(request))
			x.send(0, decap.ACK, request[:n], nil)
			request = request[n:]
			if r.IntN(3) == 0 {
				x.send(1, decap.ACK, nil, nil)
			}
		}
		x.send(1, decap.ACK|decap.PSH, []byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), nil)
		x.close()
		_, name := x.flow(t)
		require.Equal(t, "real-name-ok", name, "seed %d", seed)
	}
}
