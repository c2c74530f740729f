package traffic

import (
	"bufio"
	"encoding/binary"
	"io"
	"time"
)

// turnTime is the time in which each open connection has one turn. The pause between two turns of a connection is at most twice
// that, less than the shortest idle timeout of a flow.
const turnTime = 10 * time.Second

// primes give each turn another order: the j-th connection is j times a prime, modulo their number. In the order of creation flows
// would be better for caches than real traffic is.
var primes = [...]uint64{7_368_787, 2_860_486_313, 5_463_458_053, 4_093_082_899}

// turnsAtOnce is the number of connections whose turns are interleaved packet by packet.
const turnsAtOnce = 256

// Write writes a capture of the connections.
func (c *Connections) Write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<20)
	header := [6]uint32{0xa1b23c4d, 2 | 4<<16, 0, 0, 1 << 16, 1} // nanoseconds, version 2.4, Ethernet
	if err := binary.Write(out, binary.LittleEndian, header); err != nil {
		return err
	}
	for turn := range (c.generations + 1) * len(c.turns) {
		for from := 0; from < c.open; from += turnsAtOnce {
			if err := c.writeTurn(out, turn, from, min(from+turnsAtOnce, c.open)); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// writeTurn writes the packets of a turn, of the connections in a range of its order.
func (c *Connections) writeTurn(out io.Writer, turn, from, to int) error {
	open := uint64(c.open)
	nanos := int64(turn)*int64(turnTime) + int64(from)*(int64(turnTime)/int64(open))
	for packet := range c.turns[0] { // the turn with the most packets
		for j := from; j < to; j++ {
			place := uint64(j) * (primes[turn%len(primes)] % open) % open
			at := turn - int(place)%len(c.turns) // connections begin and end at all times
			if at < 0 || at >= c.generations*len(c.turns) {
				continue
			}
			if phases := c.turns[at%len(c.turns)]; packet < len(phases) {
				number := uint64(at/len(c.turns))*open + place
				if err := c.writePacket(out, number, &phases[packet], nanos); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writePacket writes a packet of a connection, and the SYNs of the flood after it.
func (c *Connections) writePacket(out io.Writer, number uint64, p *phase, nanos int64) error {
	if _, err := out.Write(c.frame(number, endsOf(number), p, nanos)); err != nil {
		return err
	}
	for range c.Flood {
		c.flooded++
		forged := uint64(c.flooded)
		if _, err := out.Write(c.frame(forged, forgedEnds(forged), &c.turns[0][0], nanos)); err != nil {
			return err
		}
	}
	return nil
}
