package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"time"
)

// conversations generates mirrored TLS connections, each with its own name. Every connection has the same eight packets, so that
// the work per packet does not depend on the number of connections; only the distances in memory do.
type conversations struct {
	open        int // connections at the same time
	generations int // consecutive connections in the place of each
	flood       int // SYNs from forged addresses after each packet
	flooded     int
	turns       [][]phase
	buf         []byte
}

// packetsEach is the number of packets of a connection.
const packetsEach = 8

// phase is one packet of a connection.
type phase struct {
	fromServer bool
	flags      byte
	seq, ack   uint32
	payload    []byte
	name       int // offset of the name's number in the payload; 0 for none
}

// flows returns the number of flows, and packets the number of packets, both with the flood. ownPackets is without it.
func (c *conversations) flows() int      { return c.open*c.generations + c.packets() - c.ownPackets() }
func (c *conversations) packets() int    { return c.ownPackets() * (1 + c.flood) }
func (c *conversations) ownPackets() int { return c.open * c.generations * packetsEach }

// firstName is the template of all names: a connection's number replaces its digits.
const firstName = "host-0000000000.example.net"

const (
	finFlag = 0x01
	synFlag = 0x02
	pshFlag = 0x08
	ackFlag = 0x10
)

// newConversations returns conversations with a number of connections that are open at the same time.
func newConversations(open, generations int) (*conversations, error) {
	hello, answer, err := hellos(firstName)
	if err != nil {
		return nil, err
	}
	record := func(n int) []byte { // TLS application data
		return append([]byte{23, 3, 3, byte(n >> 8), byte(n)}, make([]byte, n)...)
	}
	c := &conversations{open: open, generations: generations, turns: [][]phase{
		{
			{flags: synFlag}, {fromServer: true, flags: synFlag | ackFlag},
			{flags: ackFlag | pshFlag, payload: hello, name: bytes.Index(hello, []byte(firstName)) + len("host-")},
			{fromServer: true, flags: ackFlag | pshFlag, payload: answer},
		},
		{{flags: ackFlag | pshFlag, payload: record(95)}},
		{{fromServer: true, flags: ackFlag | pshFlag, payload: record(495)}},
		{{flags: ackFlag | finFlag}, {fromServer: true, flags: ackFlag | finFlag}},
	}}
	next := map[bool]uint32{false: 1_000_000, true: 2_000_000}
	for _, turn := range c.turns {
		for i := range turn {
			p := &turn[i]
			p.seq, p.ack = next[p.fromServer], next[!p.fromServer]
			next[p.fromServer] += uint32(len(p.payload)) + uint32(p.flags&finFlag) + uint32(p.flags&synFlag)/synFlag
		}
	}
	return c, nil
}

// turnTime is the time in which each open connection has one turn. The pause between two turns of a connection is at most twice
// that, less than the shortest idle timeout of a flow.
const turnTime = 10 * time.Second

// primes give each turn another order: the j-th connection is j times a prime, modulo their number. In the order of creation flows
// would be better for caches than real traffic is.
var primes = [...]uint64{7_368_787, 2_860_486_313, 5_463_458_053, 4_093_082_899}

// turnsAtOnce is the number of connections whose turns are interleaved packet by packet.
const turnsAtOnce = 256

// write writes a capture of the conversations.
func (c *conversations) write(w io.Writer) error {
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
func (c *conversations) writeTurn(out io.Writer, turn, from, to int) error {
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
func (c *conversations) writePacket(out io.Writer, number uint64, p *phase, nanos int64) error {
	if _, err := out.Write(c.frame(number, endsOf(number), p, nanos)); err != nil {
		return err
	}
	for range c.flood {
		c.flooded++
		forged := uint64(c.flooded)
		if _, err := out.Write(c.frame(forged, forgedEnds(forged), &c.turns[0][0], nanos)); err != nil {
			return err
		}
	}
	return nil
}
