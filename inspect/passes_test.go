package inspect

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// passedOn returns a frame as a router with one interface sends it.
func passedOn(d decap.Datagram, nanos int64) decap.Datagram {
	d.Data = slices.Clone(d.Data)
	copy(d.Data[:6], []byte{2, 0, 0, 0, 0, 9})
	copy(d.Data[6:12], []byte{2, 0, 0, 0, 0, 2})
	ip := d.Data[14:34]
	ip[8]--
	sum := uint32(binary.BigEndian.Uint16(ip[10:])) + 0x0100
	binary.BigEndian.PutUint16(ip[10:], uint16(sum+sum>>16))
	d.Nanos = nanos
	return d
}

// TestPassedOnPacketsCountOnce: the two copies that a router's interface has of each packet count and are read once, however much later the
// second ones come. Retransmissions and repeated lookups count as they do at another interface.
func TestPassedOnPacketsCountOnce(t *testing.T) {
	for _, delay := range []int64{0, 1, 5, 40, 90} {
		c := newConversation()
		c.open()
		c.say(get("/x"))
		c.hear(ok("y"))
		c.say(get("/z"))
		c.hear(ok("y"))
		again := c.frames[len(c.frames)-2]
		again = passedOn(passedOn(again, again.Nanos), c.nanos+50*millisecond)
		again.Data = slices.Clone(again.Data)
		copy(again.Data, c.frames[0].Data[:12])
		again.Data[14+5]++ // another identification
		again.Data[14+8] += 2
		in := append(slices.Clone(c.frames), again)
		delay *= millisecond
		twice := slices.Clone(in)
		for _, d := range in {
			twice = append(twice, passedOn(d, d.Nanos+delay+1000))
		}
		slices.SortStableFunc(twice, func(a, b decap.Datagram) int { return int(a.Nanos - b.Nanos) })
		in, twice = mirrored(in, "10.0.0.1", 8), mirrored(twice, "10.0.0.1", 8)
		once, n := inspect(t, Config{}, in)
		require.Zero(t, n.SecondCopies)
		out, n := inspect(t, Config{}, twice)
		require.EqualValues(t, len(in), n.SecondCopies)
		require.Equal(t, once.lines(event.AppLayer), out.lines(event.AppLayer))
		require.Equal(t, once.lines(event.Flow), out.lines(event.Flow))
		for _, b := range out.batches {
			for i := range b.Events {
				require.Equal(t, b.Events[i].Kind == event.Flow, b.Events[i].Flow.Passes)
			}
		}
	}
}

// TestPassedOnAfterTheEnd: second copies that come after the last packet of a connection open no other one.
func TestPassedOnAfterTheEnd(t *testing.T) {
	for _, delay := range []int64{20, 60, 95} {
		c := newConversation()
		c.open()
		c.say(get("/x"))
		c.hear(ok("y"))
		c.close()
		in := slices.Clone(c.frames)
		for _, d := range c.frames {
			in = append(in, passedOn(d, d.Nanos+delay*millisecond))
		}
		slices.SortStableFunc(in, func(a, b decap.Datagram) int { return int(a.Nanos - b.Nanos) })
		out, n := inspect(t, Config{}, mirrored(in, "10.0.0.1", 8))
		require.EqualValues(t, len(c.frames), n.SecondCopies, "%d ms", delay)
		require.Len(t, out.lines(event.Flow), 1, "%d ms", delay)
		require.Contains(t, out.lines(event.Flow)[0], " closed ")
		require.Equal(t, []string{"/x 200"}, urls(out))
	}
}
