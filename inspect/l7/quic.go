package l7

import (
	"encoding/binary"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// QUIC: versions 1 (RFC 9000, RFC 9001) and 2 (RFC 9369), the drafts from 22 on, the similar ones of Facebook and Google, and
// Google's own before (quic_google.go). A connection makes one event, for the ClientHello in the CRYPTO frames of the client's
// Initial packets. Their keys are derived from the destination connection ID of the client's first packet.
//
// A hello may be spread over frames, packets and datagrams in any order; Input.State has the part that came so far. Without a
// State, or at the end of the flow (a datagram without bytes), the parser reads as much as it can.

const (
	// A hello takes two or three datagrams, and there may be some of 0-RTT and of the server before it is complete. A flow without
	// a hello in this number of datagrams was picked up in the middle.
	maxQUICDatagrams = 32
	maxQUICPackets   = 16   // in one datagram: more than there are kinds, since some clients split their hello
	maxQUICDatagram  = 9000 // bytes of a datagram that are decrypted
)

// quicState is the state of a QUIC connection besides the bytes of its hello.
type quicState struct {
	keys      [2]quicKeys               // that decrypted a packet, the newer ones first: a Retry changes them
	version   uint32                    // of the packets with the hello; 0 if there are none
	datagrams uint8                     // that were read
	scid      [maxQUICConnectionID]byte // of the client
	scidLen   uint8
	client    uint8 // 1 + the side whose packets the client's keys decrypted; 0 if they did not decrypt any
	certain   bool  // a packet was complete
}

func parseQUIC(h *Hint, _ *Conn, in Input) Verdict {
	s := in.State
	if s == nil {
		s = new(State)
	}
	for {
		x := s.connection(in)
		if x == nil {
			return More
		}
		v := x.parseQUIC(h, in)
		if v == More {
			return More
		}
		h.Pending = s.remove(x)
		switch {
		case v == Done, !h.Pending:
			return v
		case len(in.Data) > 0:
			return More
		}
		h.Reset()
	}
}

func (s *State) parseQUIC(h *Hint, in Input) Verdict {
	if s.quic.datagrams == 0 {
		if v := parseGoogleQUIC(h, in.Data); v != More {
			return v
		}
	}
	if !s.readQUIC(h, in) && s.quic.datagrams == 0 || in.Late && s.quic.client == 0 {
		return Reject
	}
	over := in.State == nil || len(in.Data) == 0 || s.quic.datagrams >= maxQUICDatagrams
	if !over && !s.helloDone() {
		return More
	}
	return printQUIC(h, &s.quic, s.hello.Front())
}

// maxQUICConnections bounds the connections of one flow whose hellos are incomplete at one time.
const maxQUICConnections = 8

// connection returns the state of the connection that a datagram belongs to: a client that has several on one socket distinguishes them
// by its connection IDs, which stay the same after a Retry (RFC 9000 section 17.2.5.2). It is nil if there are too many.
func (s *State) connection(in Input) *State {
	r := wire.New(in.Data)
	p, ok := nextQUICPacket(&r)
	if !ok || p.kind != quicInitial || s.quic.client != 1+in.Side&1 {
		return s
	}
	last := s
	for n := 0; n < maxQUICConnections; n++ {
		q := &last.quic
		if q.client == 0 || q.version != p.version || string(q.scid[:q.scidLen]) == string(p.scid) {
			return last
		}
		if last.next == nil {
			last.next = new(State)
		}
		last = last.next
	}
	return nil
}

// remove removes the state of a connection, and reports whether there are others.
func (s *State) remove(x *State) bool {
	if x == s && s.next == nil {
		s.Reset()
		return false
	}
	if x == s {
		*s = *s.next
		return true
	}
	before := s
	for before.next != x {
		before = before.next
	}
	before.next = x.next
	return true
}

// readQUIC reads the packets of one datagram, and reports whether there are any. A packet without the fixed bit counts as one only if
// the keys of its connection ID decrypt it.
func (s *State) readQUIC(h *Hint, in Input) bool {
	q := &s.quic
	if q.client == 2-in.Side&1 {
		q.datagrams++ // of the server, whose packets are not read
		return true
	}
	data := in.Data[:min(len(in.Data), maxQUICDatagram)]
	r := wire.New(data)
	p, ok := nextQUICPacket(&r)
	if !ok {
		if q.datagrams > 0 {
			q.datagrams++
		}
		return false
	}
	first, fixed := q.datagrams == 0, p.fixed
	q.datagrams++
	work := h.Scratch(len(data) + quicWork)
	for n := 1; ok && n <= maxQUICPackets; n++ {
		q.certain = q.certain || !p.cut && p.fixed
		if p.kind == quicInitial && s.readInitial(work, &p) {
			q.client, q.certain = 1+in.Side&1, true
			q.scidLen = uint8(copy(q.scid[:], p.scid))
		}
		p, ok = nextQUICPacket(&r)
	}
	if first && !fixed && q.client == 0 {
		s.Reset()
		return false
	}
	return true
}

// readInitial decrypts an Initial packet and adds its fragments of the hello. It is false if the packet is not one of the client.
func (s *State) readInitial(work []byte, p *quicPacket) bool {
	frames, ok := s.quic.open(work, p)
	if !ok {
		return false
	}
	for off, data := frames.next(); data != nil; off, data = frames.next() {
		if s.quic.version != p.version { // after a version negotiation the client starts again
			s.hello.reset()
			s.quic.version = p.version
		}
		s.hello.Add(off, data)
	}
	return true
}

// helloDone reports whether the hello is complete, or has the maximum size.
func (s *State) helloDone() bool {
	front := s.hello.Front()
	if s.quic.version == quicQ050 {
		_, whole, ok := readCHLO(front)
		return whole && ok
	}
	return len(front) == Window || tlsWhole(front)
}

// printQUIC prints the available part of the hello. Without any, it still recognizes the flow if a packet was complete.
func printQUIC(h *Hint, q *quicState, front []byte) Verdict {
	h.Next = Stop
	front = append(h.Scratch(len(front))[:0], front...) // the hint must not alias the State
	if q.version == quicQ050 {
		if v := printCHLO(h, q.version, front); v == Done {
			h.Random = front // it has one, at no fixed place
			return Done
		}
	} else if hello, ok := readQUICHello(front); ok {
		hello.printQUIC(h, q.version)
		if hello.whole {
			h.IDs = [2][]byte{q.destination(h, q.keys[0].id[:q.keys[0].idLen]), q.destination(h, q.scid[:q.scidLen])}
		}
		return Done
	}
	if !q.certain {
		return Reject
	}
	h.Role = Interim
	return Done
}

// destination returns what QUICDestination does of packets to a connection ID.
func (q *quicState) destination(h *Hint, id []byte) []byte {
	b := binary.BigEndian.AppendUint32(h.Scratch(4 + 1 + len(id))[:0], q.version)
	return append(append(b, uint8(len(id))), id...)
}

// readQUICHello reads the available part of the first handshake message.
func readQUICHello(front []byte) (hello clientHello, ok bool) {
	m := wire.New(front)
	typ, size := m.U8(), int(m.U24())
	body := m.Upto(size)
	if !m.OK() || typ != tlsClientHello {
		return hello, false
	}
	return readClientHello(body, tlsWhole(front), false)
}

func (hello *clientHello) printQUIC(h *Hint, version uint32) {
	h.Role = Request
	printQUICVersion(h, version)
	h.Random = hello.random
	hello.name(h, QUICSNI)
	hello.printJA3(h)
	hello.printJA4(h, 'q')
	if ua := hello.exts.userAgent(); len(ua) > 0 {
		h.Str(keyUA, ua)
	}
	mark := len(h.Fields)
	hello.exts.printALPN(h, keyClientALPNs)
	if len(h.Fields) > mark {
		h.Fields[mark].Extra = true
	}
	hello.printECH(h)
}

// Extensions with transport parameters (RFC 9001 section 8.2), and the parameter with the user agent of Chrome.
const (
	extQUICParams      = 0x39
	extQUICParamsDraft = 0xffa5
	paramUserAgent     = 0x3129
)

// userAgent returns the user agent among a client's transport parameters (RFC 9000 section 18), nil if there is none. Drafts
// before 27 encoded parameters differently, which reads as none.
func (e *tlsExtensions) userAgent() []byte {
	for all := e.all; all.Len() >= 4; {
		typ, params := all.U16(), all.Upto(int(all.U16()))
		if typ != extQUICParams && typ != extQUICParamsDraft {
			continue
		}
		for !params.Empty() {
			id, value := quicVarint(&params), params.Bytes(quicLength(&params))
			if id == paramUserAgent && params.OK() {
				return value
			}
		}
	}
	return nil
}

// Keys of the fields.
var (
	keyCyu = KeyOf("cyu")
	keyUA  = KeyOf("ua")
)
