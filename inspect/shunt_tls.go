package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// What is known of a side's TLS records.
const (
	recordsUnknown uint8 = iota // no hello was read
	recordsLost                 // the place of the next record was
	recordsWalked               // record is where the next one begins
	recordsSecret               // what begins at record or behind it is encrypted
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
	end := p.Seq + uint32(p.PayloadLen)
	switch {
	case len(p.Payload) == 0:
	case c.records[s] == recordsWalked:
		c.follow(s, p.Seq, p.Payload, end)
	case c.records[s] == recordsLost && l7.IsEncryptedTLSRecord(p.Payload):
		c.records[s], c.record[s] = recordsSecret, end
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
		case off < 0 || int(off) > len(data):
			c.records[s] = recordsLost
			return
		}
		switch size, encrypted, ok := l7.TLSRecord(data[off:]); {
		case !ok:
			c.records[s] = recordsLost
			return
		case encrypted:
			c.records[s], c.record[s] = recordsSecret, end
			return
		default:
			c.record[s] += uint32(size)
		}
	}
}

// ackStep is how many bytes of what is encrypted are acknowledged before it is told. It is less than any window, so that who reads the
// frames finds a FIN to be in the window, and sees soon that bytes are missing.
const ackStep = 16 << 10

// saysLittle reports whether a segment of a side without payload does nothing but acknowledge few more encrypted bytes.
func (c *course) saysLittle(s flow.Side, p *decap.Packet) bool {
	if !p.HasTCP || p.TCPFlags&(decap.SYN|decap.FIN|decap.RST|decap.ACK) != decap.ACK || c.flags&tlsGreeted == 0 || c.records[1-s] != recordsSecret {
		return false
	}
	if int32(p.Ack-c.record[1-s]) <= 0 {
		return false
	}
	if c.acked[s] == 0 || p.Ack-c.acked[s] >= ackStep {
		c.acked[s] = p.Ack
		return false
	}
	return true
}

// encrypted reports whether a segment lies in what is encrypted of its side.
func (c *course) encrypted(r *flow.Record, s flow.Side, p *decap.Packet) bool {
	if c.flags&tlsGreeted == 0 {
		return false
	}
	if c.records[s] != recordsSecret {
		if uint32(r.Payload[0]+r.Payload[1])-c.since < patienceTLS {
			return false
		}
		c.records[s] = recordsSecret
		c.record[s], _ = r.Next(s)
	}
	return isPast(&c.record[s], p.Seq)
}
