package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"time"
)

// conversations are mirrored connections of TLS, so many open at once, each with a name of its own. Every connection has the same
// eight packets, so that a packet is the same work however many there are: what differs is how far apart in memory things lie.
type conversations struct {
	open        int // at the same time
	generations int // connections after each other in the place of each
	flood       int // SYNs from invented addresses after each of their packets
	flooded     int
	turns       [][]phase
	buf         []byte
}

// packetsEach is how many packets a connection has.
const packetsEach = 8

// phase is one packet of a connection.
type phase struct {
	fromServer bool
	flags      byte
	seq, ack   uint32
	payload    []byte
	name       int // where the name's number is in the payload; 0 for none
}

// flows is how many flows there are in all, and packets how many packets.
func (c *conversations) flows() int   { return c.open*c.generations + c.packets() - c.talked() }
func (c *conversations) packets() int { return c.talked() * (1 + c.flood) }
func (c *conversations) talked() int  { return c.open * c.generations * packetsEach }

// firstName is a name of the length that all have: its digits are replaced by a connection's number.
const firstName = "host-0000000000.example.net"

const (
	finFlag = 0x01
	synFlag = 0x02
	pshFlag = 0x08
	ackFlag = 0x10
)

// newConversations makes conversations of which open are open at the same time.
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

// turnTime is how long it takes until each of the open connections has had its turn. It comes within twice that after the one
// before, which is less than the shortest idle time of a flow.
const turnTime = 10 * time.Second

// primes give each turn another order: the j-th connection is j times a prime, modulo their number. Otherwise flows would be
// visited in the order in which their records were made, which is kinder to a cache than traffic is.
var primes = [...]uint64{7_368_787, 2_860_486_313, 5_463_458_053, 4_093_082_899}

// abreastMade is how many connections have their turn at the same time, packet by packet.
const abreastMade = 256

// write writes a capture of the conversations.
func (c *conversations) write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<20)
	header := [6]uint32{0xa1b23c4d, 2 | 4<<16, 0, 0, 1 << 16, 1} // nanoseconds, version 2.4, Ethernet
	if err := binary.Write(out, binary.LittleEndian, header); err != nil {
		return err
	}
	for turn := range (c.generations + 1) * len(c.turns) {
		for from := 0; from < c.open; from += abreastMade {
			if err := c.writeTurn(out, turn, from, min(from+abreastMade, c.open)); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// writeTurn writes the packets of a turn of those connections whose places in its order are in a range.
func (c *conversations) writeTurn(out io.Writer, turn, from, to int) error {
	open := uint64(c.open)
	nanos := int64(turn)*int64(turnTime) + int64(from)*(int64(turnTime)/int64(open))
	for packet := range c.turns[0] { // which has the most
		for j := from; j < to; j++ {
			place := uint64(j) * (primes[turn%len(primes)] % open) % open
			at := turn - int(place)%len(c.turns) // so that some begin and some end at any time
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

// writePacket writes a packet of a connection and its part of the flood.
func (c *conversations) writePacket(out io.Writer, number uint64, p *phase, nanos int64) error {
	if _, err := out.Write(c.frame(number, endsOf(number), p, nanos)); err != nil {
		return err
	}
	for range c.flood {
		c.flooded++
		forged := uint64(c.flooded)
		if _, err := out.Write(c.frame(forged, invented(forged), &c.turns[0][0], nanos)); err != nil {
			return err
		}
	}
	return nil
}
