package inspect

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// evaded is a connection whose client is about to say its hello.
type evaded struct {
	raws
	m      *receiver
	real   []byte
	fake   []byte
	client uint32 // the first byte of each side
	server uint32
}

func newEvaded(id uint32) *evaded {
	d := &evaded{raws: raws{id: id, nanos: 1e18}, client: 1000, server: 5000}
	d.real, d.fake = helloFor("real-name-ok", 1), helloFor("fake-name-no", 99)
	d.m = &receiver{distance: 9, stamp: 700000}
	d.add(&raw{seq: d.client - 1, flags: decap.SYN, window: 64240, ttl: 64, scale: 7, stamp: 700000})
	d.add(&raw{server: true, seq: d.server - 1, ack: d.client, flags: decap.SYN | decap.ACK, window: 64240, ttl: 50, scale: 7, stamp: 900000})
	d.add(d.segment(decap.ACK, 0, nil))
	return d
}

// segment returns a segment of the client at a distance from its first byte.
func (d *evaded) segment(flags uint8, off int, payload []byte) *raw {
	return &raw{seq: d.client + uint32(off), ack: d.server, flags: flags, window: 502, ttl: 64, scale: -1, stamp: 700001, payload: payload}
}

// acknowledge adds an acknowledgment of the server.
func (d *evaded) acknowledge(n int) {
	d.add(&raw{server: true, seq: d.server, ack: d.client + uint32(n), flags: decap.ACK, window: 502, ttl: 50, scale: -1, stamp: 900001})
}

// end returns the flows of the connection.
func (d *evaded) end(t *testing.T) []trialFlow {
	out, _ := inspect(t, Config{}, d.frames)
	return flowsByClient(out)[d.id]
}

// TestEvasions has what Ptacek and Newsham's insertions, and tools against censorship, send before or between the pieces of a hello. The
// flow has the name that the server read.
func TestEvasions(t *testing.T) {
	pieces := map[string][]int{"whole": nil, "first byte apart": {1}, "tiny": {3, 6, 9, 12, 15}, "in the name": {helloName + 5}}
	for i, l := range evasions {
		if l.name == "nothing wrong" {
			continue
		}
		for how, cuts := range pieces {
			for _, disorder := range []bool{false, true} {
				d := newEvaded(uint32(i))
				var sends []*raw
				at := 0
				for _, cut := range append(slices.Clone(cuts), len(d.real)) {
					fake := d.segment(decap.ACK|decap.PSH, at, d.fake[at:])
					l.apply(rand.New(rand.NewPCG(1, uint64(cut))), fake, d.m)
					sends = append(sends, fake, d.segment(decap.ACK, at, d.real[at:cut]))
					at = cut
				}
				if disorder {
					slices.Reverse(sends)
				}
				for _, g := range sends {
					d.add(g)
				}
				d.acknowledge(len(d.real))
				flows := d.end(t)
				require.Len(t, flows, 1, "%s %s", l.name, how)
				require.Equal(t, "real-name-ok", flows[0].name, "%s %s, disorder=%t", l.name, how, disorder)
				if l.certain {
					require.Equal(t, trialFlow{"real-name-ok", event.High, 0}, flows[0], l.name)
				}
			}
		}
	}
}

// TestConflictingCopies has other ways to mislead, each with the flows that it leads to.
func TestConflictingCopies(t *testing.T) {
	honest := []trialFlow{{"real-name-ok", event.High, 0}}
	overlap := []trialFlow{{"real-name-ok", event.Low, event.Overlap}}
	for name, c := range map[string]struct {
		evade func(d *evaded)
		want  []trialFlow
	}{
		"none": {func(d *evaded) { d.add(d.segment(decap.ACK, 0, d.real)) }, honest},
		"another copy after": {func(d *evaded) {
			d.add(d.segment(decap.ACK, 0, d.real))
			d.add(d.segment(decap.ACK, 0, d.fake))
		}, overlap},
		"the same copy after": {func(d *evaded) {
			d.add(d.segment(decap.ACK, 0, d.real))
			d.add(d.segment(decap.ACK, 0, d.real))
		}, honest},
		"FIN ahead": {func(d *evaded) {
			g := d.segment(decap.FIN|decap.ACK, 5000, nil)
			g.ttl = 3
			d.add(g)
			d.add(d.segment(decap.ACK, 0, d.real))
		}, honest},
		"FIN with payload ahead": {func(d *evaded) {
			d.add(d.segment(decap.FIN|decap.ACK|decap.PSH, 5000, d.fake))
			d.add(d.segment(decap.ACK, 0, d.real))
			d.add(d.segment(decap.FIN|decap.ACK, len(d.real), nil))
		}, honest},
		"FIN in its place": {func(d *evaded) {
			g := d.segment(decap.FIN|decap.ACK, 0, nil)
			g.ttl = 3
			d.add(g)
			d.add(d.segment(decap.ACK, 0, d.real))
		}, honest},
		"reset in the window": {func(d *evaded) {
			d.add(d.segment(decap.RST, 9, nil))
			d.add(d.segment(decap.ACK, 0, d.real))
		}, honest},
		"SYN with another number": {func(d *evaded) {
			d.add(&raw{seq: 1 << 30, flags: decap.SYN, window: 64240, ttl: 64, scale: 7})
			d.add(d.segment(decap.ACK, 0, d.real))
		}, honest},
		"SYN-ACK of the client": {func(d *evaded) {
			d.add(&raw{seq: 1 << 30, ack: 77, flags: decap.SYN | decap.ACK, window: 64240, ttl: 64, scale: 7})
			d.add(d.segment(decap.ACK, 0, d.real))
		}, honest},
		"padding": {func(d *evaded) {
			g := d.segment(decap.ACK, 0, make([]byte, 2))
			g.stamp = 0
			d.add(g)
			d.add(d.segment(decap.ACK, 0, d.real))
		}, honest},
		"padding behind timestamps": {func(d *evaded) {
			d.add(d.segment(decap.ACK, 0, make([]byte, 6)))
			d.add(d.segment(decap.ACK, 0, d.real))
		}, honest},
		"odd hop limit, but acknowledged": {func(d *evaded) {
			g := d.segment(decap.ACK, 0, d.real)
			g.ttl = 33
			d.add(g)
		}, honest},
	} {
		t.Run(name, func(t *testing.T) {
			d := newEvaded(1)
			c.evade(d)
			d.acknowledge(len(d.real))
			out, n := inspect(t, Config{}, d.frames)
			require.Equal(t, c.want, flowsByClient(out)[d.id])
			require.Zero(t, n.LostBytes)
		})
	}
}

// TestDataOfSYN: data of a SYN is read if the server acknowledges it, and dropped otherwise.
func TestDataOfSYN(t *testing.T) {
	for _, taken := range []bool{false, true} {
		d := newEvaded(2)
		d.frames = nil
		d.add(&raw{seq: d.client - 1, flags: decap.SYN, window: 64240, ttl: 64, scale: 7, payload: d.fake})
		ack, want := d.client, "real-name-ok"
		if taken {
			ack, want = d.client+uint32(len(d.fake)), "fake-name-no"
		}
		d.add(&raw{server: true, seq: d.server - 1, ack: ack, flags: decap.SYN | decap.ACK, window: 64240, ttl: 50, scale: 7})
		if !taken {
			d.add(d.segment(decap.ACK, 0, d.real))
		}
		d.acknowledge(len(d.real))
		require.Equal(t, []trialFlow{{want, event.High, 0}}, d.end(t))
	}
}

// TestAnswersBeforeSYNACK: a server that sends a FIN or a reset before its SYN-ACK closes nothing for good, and no bytes are missing.
func TestAnswersBeforeSYNACK(t *testing.T) {
	d := newEvaded(4)
	d.frames = nil
	d.add(&raw{seq: d.client - 1, flags: decap.SYN, window: 64240, ttl: 64, scale: 7})
	for _, flags := range []uint8{decap.RST | decap.ACK, decap.FIN | decap.ACK} {
		d.add(&raw{server: true, ack: d.client, flags: flags, window: 64240, ttl: 50, scale: -1})
	}
	d.add(&raw{server: true, seq: d.server - 1, ack: d.client, flags: decap.SYN | decap.ACK, window: 64240, ttl: 50, scale: 7})
	d.add(d.segment(decap.ACK, 0, d.real))
	d.acknowledge(len(d.real))
	out, n := inspect(t, Config{}, d.frames)
	require.Equal(t, []trialFlow{{"real-name-ok", event.High, 0}}, flowsByClient(out)[d.id])
	require.Contains(t, out.lines(event.Flow)[0], " established ")
	require.Zero(t, n.LostBytes)
	require.EqualValues(t, 1, n.Refused[event.OutOfWindow])
}

// TestOffloadedChecksums: a sender whose checksums are all wrong leaves them to its network card.
func TestOffloadedChecksums(t *testing.T) {
	d := newEvaded(3)
	d.frames = nil
	d.add(&raw{seq: d.client - 1, flags: decap.SYN, window: 64240, ttl: 64, scale: 7, badSum: true})
	d.add(&raw{server: true, seq: d.server - 1, ack: d.client, flags: decap.SYN | decap.ACK, window: 64240, ttl: 50, scale: 7})
	g := d.segment(decap.ACK, 0, d.real)
	g.badSum = true
	d.add(g)
	d.acknowledge(len(d.real))
	require.Equal(t, []trialFlow{{"real-name-ok", event.High, 0}}, d.end(t))
}

// TestReadableCopy: of two copies of a part of a hello the flow has the name of the one that can be read, with low confidence.
func TestReadableCopy(t *testing.T) {
	for cut := 31; cut <= 76; cut += 5 {
		for name, evade := range map[string]func(d *evaded, wrong []byte){
			"before the second half": func(d *evaded, wrong []byte) {
				d.add(d.segment(decap.ACK, cut-30, append(wrong, d.real[cut:]...)))
				d.add(d.segment(decap.ACK, 0, d.real[:cut]))
			},
			"behind the first half, which came second": func(d *evaded, wrong []byte) {
				d.add(d.segment(decap.ACK, cut-30, d.real[cut-30:]))
				d.add(d.segment(decap.ACK, 0, append(slices.Clone(d.real[:cut-30]), wrong...)))
			},
			"by itself, ahead": func(d *evaded, wrong []byte) {
				d.add(d.segment(decap.ACK, cut-30, wrong))
				d.add(d.segment(decap.ACK, 0, d.real))
			},
		} {
			d := newEvaded(1)
			evade(d, bytes.Repeat([]byte{0xff}, 30))
			d.acknowledge(len(d.real))
			require.Equal(t, []trialFlow{{"real-name-ok", event.Low, event.Overlap}}, d.end(t), "%s, cut at %d", name, cut)
		}
	}
}
