package forward

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// tlsRecords is the position in the TLS records of a flow, by side.
type tlsRecords struct {
	walk     [2]recordWalk
	record   [2]uint32 // the sequence number of the next record, or of the encrypted part
	acked    [2]uint32 // the last acknowledgment of encrypted bytes that was forwarded
	helloSum uint32    // the payload of both sides when both hellos were parsed
}

// recordWalk is how much is known of a side's records.
type recordWalk uint8

const (
	walkNotStarted recordWalk = iota // no hello was parsed
	walkLost                         // the position of the next record is unknown
	walkInStep                       // the next record begins at record
	walkEncrypted                    // everything from record on is encrypted
)

// maxUnseenHandshake is how many bytes after both hellos may be in the clear: more than what is left of a handshake up to
// TLS 1.2, including a client's certificate. Where the records were lost everything after that counts as encrypted.
const maxUnseenHandshake = 16 << 10

// noteTLSHello starts the walk over the records of a side that sent a hello. data is the records so far.
func (f *flowState) noteTLSHello(side flow.Side, seq uint32, data []byte) {
	f.walk[side], f.record[side] = walkInStep, seq
	f.walkRecords(side, seq, data, seq+uint32(len(data)))
}

// noteTLSHellos notes that both hellos were parsed.
func (f *flowState) noteTLSHellos(r *flow.Record) {
	f.flags |= tlsHellos
	f.helloSum = uint32(r.Payload(0) + r.Payload(1))
}

// walkSegment continues the walk over a side's records into a segment.
func (f *flowState) walkSegment(p *Packet) {
	side, end := p.Side, p.Seq+uint32(p.PayloadLen)
	switch {
	case len(p.Payload) == 0:
	case f.walk[side] == walkInStep:
		f.walkRecords(side, p.Seq, p.Payload, end)
	case f.walk[side] == walkLost && l7.IsEncryptedTLSRecord(p.Payload):
		f.walk[side], f.record[side] = walkEncrypted, end
	}
}

// walkRecords walks from record to record while their headers are in data, up to the first one after which everything is
// encrypted. The segment in which that record begins, which ends at end, does not count as encrypted.
func (f *flowState) walkRecords(side flow.Side, seq uint32, data []byte, end uint32) {
	for {
		off := int32(f.record[side] - seq)
		switch {
		case int(off) >= len(data) && int32(f.record[side]-end) >= 0:
			return
		case off < 0 || int(off) > len(data):
			f.walk[side] = walkLost
			return
		}
		switch size, encrypted, ok := l7.TLSRecord(data[off:]); {
		case !ok:
			f.walk[side] = walkLost
			return
		case encrypted:
			f.walk[side], f.record[side] = walkEncrypted, end
			return
		default:
			f.record[side] += uint32(size)
		}
	}
}

// ackStep is how many encrypted bytes one forwarded acknowledgment covers. It is less than any window, so that a sensor
// accepts a FIN as in the window, and notices early that bytes are missing.
const ackStep = 16 << 10

// isRedundantACK reports whether a segment without payload does nothing but acknowledge a few more encrypted bytes.
func (f *flowState) isRedundantACK(p *Packet) bool {
	side := p.Side
	if !p.HasTCP || p.TCPFlags&(decap.SYN|decap.FIN|decap.RST|decap.ACK) != decap.ACK {
		return false
	}
	if f.flags&tlsHellos == 0 || f.walk[1-side] != walkEncrypted || int32(p.Ack-f.record[1-side]) <= 0 {
		return false
	}
	if f.acked[side] == 0 || p.Ack-f.acked[side] >= ackStep {
		f.acked[side] = p.Ack
		return false
	}
	return true
}

// isEncryptedTLS reports whether a segment lies in the encrypted part of its direction.
func (f *flowState) isEncryptedTLS(r *flow.Record, p *Packet) bool {
	if f.flags&tlsHellos == 0 {
		return false
	}
	side := p.Side
	if f.walk[side] != walkEncrypted {
		if uint32(r.Payload(0)+r.Payload(1))-f.helloSum < maxUnseenHandshake {
			return false
		}
		f.walk[side] = walkEncrypted
		f.record[side], _ = r.Next(side)
	}
	return isPast(&f.record[side], p.Seq)
}
