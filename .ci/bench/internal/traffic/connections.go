// Package traffic generates captures of mirrored TLS connections, of which any number is open at once, with or without a SYN flood.
package traffic

import (
	"bytes"
)

// Connections generates mirrored TLS connections, each with its own name. Every connection has the same eight packets, so that
// the work per packet does not depend on the number of connections; only the distances in memory do.
type Connections struct {
	open        int // connections at the same time
	generations int // consecutive connections in the place of each
	Flood       int // SYNs from forged addresses after each packet
	flooded     int
	turns       [][]phase
	buf         []byte
}

// PacketsEach is the number of packets of a connection.
const PacketsEach = 8

// phase is one packet of a connection.
type phase struct {
	fromServer bool
	flags      byte
	seq, ack   uint32
	payload    []byte
	name       int // offset of the name's number in the payload; 0 for none
}

// Flows returns the number of flows, and Packets the number of packets, both with the flood. ownPackets is without it.
func (c *Connections) Flows() int      { return c.open*c.generations + c.Packets() - c.ownPackets() }
func (c *Connections) Packets() int    { return c.ownPackets() * (1 + c.Flood) }
func (c *Connections) ownPackets() int { return c.open * c.generations * PacketsEach }

// firstName is the template of all names: a connection's number replaces its digits.
const firstName = "host-0000000000.example.net"

const (
	finFlag = 0x01
	synFlag = 0x02
	pshFlag = 0x08
	ackFlag = 0x10
)

// New returns connections, with a number of connections that are open at the same time.
func New(open, generations int) (*Connections, error) {
	hello, answer, err := hellos(firstName)
	if err != nil {
		return nil, err
	}
	record := func(n int) []byte { // TLS application data
		return append([]byte{23, 3, 3, byte(n >> 8), byte(n)}, make([]byte, n)...)
	}
	c := &Connections{open: open, generations: generations, turns: [][]phase{
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
