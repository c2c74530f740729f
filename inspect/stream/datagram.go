package stream

import (
	"hash/maphash"
	"math/bits"

	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Datagram shows one UDP payload to the parsers: to the flow's own, and if that rejects it to the others. The datagrams that all parsers
// see are few, so that a long flow of an unknown protocol, or media behind a known one, costs no more than a short one. After them, and
// after a parser that reads nothing more, a datagram is read if its first bytes are those of a message that can begin another
// connection on the same addresses and ports.
func (t *Table) Datagram(r *flow.Record, s flow.Side, payload []byte, nanos int64) {
	if len(payload) == 0 {
		return
	}
	m := Message{Side: s, Nanos: nanos, Data: payload}
	if r.Tries >= maxTries && r.Stream == 0 {
		t.datagramLate(r, nil, m)
		return
	}
	c := t.conns[r.Stream]
	own := r.Proto
	if c != nil {
		t.touch(r)
		own = c.proto
	}
	if own != l7.None && t.datagram(r, c, own, m, false) {
		return
	}
	switch {
	case r.Tries >= maxTries, own != l7.None && !r.Stray(maxTries):
		if t.datagramLate(r, c, m) {
			return
		}
	default:
		for protos := l7.MayBeginDatagram(payload[0]); protos != 0; protos &= protos - 1 {
			proto := l7.Proto(bits.TrailingZeros64(protos))
			if proto != own && t.datagram(r, c, proto, m, false) {
				return
			}
		}
	}
	if r.Tries < maxTries {
		r.Tries++
	}
}

// datagramLate shows a datagram to the parser whose first message it may be, if there is one. STUN goes on for as long as the media
// beside it, so it only names a flow that has no other name.
func (t *Table) datagramLate(r *flow.Record, c *conn, m Message) bool {
	proto := l7.BeginsDatagram(m.Data, r.Key.LoPort == dnsPort || r.Key.HiPort == dnsPort)
	switch {
	case proto == l7.None:
		if r.Proto == l7.QUIC && l7.StartsQUICAgain(m.Data) {
			r.StartAgain()
		}
		return false
	case c != nil && c.proto == proto, proto == l7.STUN && r.Proto != l7.None:
		return false
	case proto == l7.QUIC && c == nil:
		if known, read := connectionKnown(r, t.seed, m); known {
			return read
		}
	}
	return t.datagram(r, c, proto, m, true)
}

// connectionKnown reports whether a datagram of QUIC is one of the connection whose complete hello was the last one, and whether its client
// sent it, so that it has the same hello. There is nothing new in it, and its keys take long to find.
func connectionKnown(r *flow.Record, seed maphash.Seed, m Message) (known, read bool) {
	switch client, server := flow.Connection(r); connectionDigest(seed, m.Side, l7.QUICDestination(m.Data)) {
	case 0:
	case client:
		r.Tries = maxTries
		return true, true
	case server:
		return true, false
	}
	return false, false
}

// connectionDigest returns a digest of a side's destination connection ID; 0 if there is none.
func connectionDigest(seed maphash.Seed, s flow.Side, id []byte) uint32 {
	if len(id) == 0 {
		return 0
	}
	return max(uint32(maphash.Bytes(seed, id))^uint32(s), 1)
}

func ports(r *flow.Record) [2]uint16 { return [2]uint16{r.Key.LoPort, r.Key.HiPort} }

// dnsPort is the port at which a datagram is always tried as DNS.
const dnsPort = 53

// datagram shows a datagram to one parser, and reports whether that took it.
func (t *Table) datagram(r *flow.Record, c *conn, proto l7.Proto, m Message, late bool) bool {
	parse := l7.Table[proto].Datagram
	if parse == nil {
		return false
	}
	in := l7.Input{Data: m.Data, Side: m.Side, Final: true, Late: late, State: t.state, Ports: ports(r)}
	if c != nil {
		in.State = nil // the parser of another protocol uses it
		if c.proto == proto {
			in.State = c.state
		}
	}
	t.hint.Reset()
	t.scratch = l7.Conn{}
	switch parse(&t.hint, &t.scratch, in) {
	case l7.Done:
		t.datagramDone(r, proto, m)
		switch {
		case c == nil || c.proto != proto:
		case t.hint.Pending:
			t.resize(c)
		default:
			t.release(r, c)
		}
	case l7.More:
		t.datagramMore(r, c, proto, m.Side)
	case l7.Reject:
		return false
	}
	return true
}

// datagramDone reports a message that ended with this datagram, unless it is a hello that the flow had already: a client that gets no
// answer sends it again.
func (t *Table) datagramDone(r *flow.Record, proto l7.Proto, m Message) {
	r.Tries = 0
	if t.hint.Next == l7.Stop {
		r.Tries = maxTries
	}
	if len(t.hint.Random) > 0 {
		flow.SetConnection(r, connectionDigest(t.seed, m.Side, t.hint.IDs[0]), connectionDigest(t.seed, 1-m.Side, t.hint.IDs[1]))
	}
	if t.repeated(r) {
		return
	}
	before := r.Proto
	r.Proto = proto
	switch {
	case r.Original != l7.None:
	case before != l7.None && before != proto:
		r.Original = before
	case t.hint.Switch:
		r.Original = proto
	}
	t.report(r, nil, m, Segment{})
	if before != l7.None && proto == r.Original {
		r.Proto = before // what the flow began with goes on beside the protocol that came later, as STUN does
	}
}

// repeated reports whether the hint is of a hello that the flow had, and notes it. A client that begins again on the server's demand may
// do so with another hello, which has the same name.
func (t *Table) repeated(r *flow.Record) bool {
	h := &t.hint
	return len(h.Random) > 0 && r.Repeats(digest(h.Random, h.Name), digest(h.Name))
}

// digest returns a hash of texts that is not 0.
func digest(texts ...[]byte) uint32 {
	sum := uint32(fnvOffset)
	for _, text := range texts {
		for _, b := range text {
			sum = (sum ^ uint32(b)) * fnvPrime
		}
		sum = (sum ^ uint32(len(text))) * fnvPrime
	}
	return max(sum, 1)
}

// FNV-1a with 32 bits, without the allocation of hash/fnv.
const (
	fnvOffset = 2166136261
	fnvPrime  = 16777619
)

// datagramMore keeps what a message that spans datagrams has left so far.
func (t *Table) datagramMore(r *flow.Record, c *conn, proto l7.Proto, s flow.Side) {
	if c == nil {
		if r.Proto == l7.None {
			r.Proto = proto
		}
		c = t.add(r)
		c.proto, c.side, c.state, t.state = proto, s, t.state, new(l7.State)
	}
	t.resize(c)
	t.evict()
}

// resize counts the memory of a flow's state.
func (t *Table) resize(c *conn) {
	size := c.state.Size()
	t.held += size - c.stateSize
	c.stateSize = size
}

// flushDatagrams lets the parser make the best of messages the rest of whose datagrams never came.
func (t *Table) flushDatagrams(r *flow.Record, c *conn, nanos int64) {
	for more := true; more; {
		t.hint.Reset()
		t.scratch = l7.Conn{}
		in := l7.Input{Side: c.side, Final: true, State: c.state, Ports: ports(r)}
		if l7.Table[c.proto].Datagram(&t.hint, &t.scratch, in) != l7.Done {
			return
		}
		more = t.hint.Pending
		t.datagramDone(r, c.proto, Message{Side: c.side, Nanos: nanos, Partial: true})
	}
}
