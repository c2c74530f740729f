package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// What is known of a side's TLS records (RFC 8446 section 5.1): a header of a type, a version and a length, and what it says.
const (
	recordsUnknown uint8 = iota // no hello was read, or the place of the next record was lost
	recordsWalked               // record is where the next one begins
	recordsSecret               // what begins at record or behind it is encrypted
)

// Types of records.
const (
	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22
	recordData             = 23
	recordHeartbeat        = 24
	recordHeader           = 5
)

// patienceTLS is how many bytes go by after both hellos, where the records were lost, until all is taken to be encrypted: more
// than what the two sides still say in the clear up to TLS 1.2, a client's certificate among it.
const patienceTLS = 16 << 10

// noteHello begins to follow the records of a side that sent a hello. data is what there is of them.
func (c *course) noteHello(s flow.Side, base uint32, data []byte) {
	c.records[s], c.record[s] = recordsWalked, base
	c.follow(s, base, data, base+uint32(len(data)))
}

// walk follows the records of a side into a segment.
func (c *course) walk(s flow.Side, p *decap.Packet) {
	if c.records[s] == recordsWalked && len(p.Payload) > 0 {
		c.follow(s, p.Seq, p.Payload, p.Seq+uint32(p.PayloadLen))
	}
}

// follow goes from record to record as far as the headers are there, up to the first one after which all is encrypted. The
// segment that it begins in, which ends at end, is not of the tail.
func (c *course) follow(s flow.Side, seq uint32, data []byte, end uint32) {
	for {
		off := int32(c.record[s] - seq)
		switch {
		case int(off) >= len(data) && int32(c.record[s]-end) >= 0:
			return
		case off < 0 || int(off)+recordHeader > len(data):
			c.records[s] = recordsUnknown
			return
		}
		head := data[off:]
		size := uint32(head[3])<<8 | uint32(head[4])
		switch typ := head[0]; {
		case head[1] != 3 || size == 0:
			c.records[s] = recordsUnknown
			return
		case typ == recordChangeCipherSpec || typ == recordData:
			c.records[s], c.record[s] = recordsSecret, end
			return
		case typ == recordAlert || typ == recordHandshake || typ == recordHeartbeat:
			c.record[s] += recordHeader + size
		default:
			c.records[s] = recordsUnknown
			return
		}
	}
}

// encrypted reports whether a segment lies in what is encrypted on both sides.
func (c *course) encrypted(r *flow.Record, s flow.Side, p *decap.Packet) bool {
	if c.flags&tlsGreeted == 0 {
		return false
	}
	for side := range c.records {
		if c.records[side] == recordsSecret {
			continue
		}
		if uint32(r.Payload[0]+r.Payload[1])-c.since < patienceTLS {
			return false
		}
		c.records[side] = recordsSecret
		c.record[side], _ = r.Next(flow.Side(side))
	}
	return isPast(&c.record[s], p.Seq)
}
