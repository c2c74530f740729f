package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// QUIC: versions 1 (RFC 9000, RFC 9001) and 2 (RFC 9369), the drafts from 22 on, those of Facebook and Google that are like
// them, and Google's own before (quic_google.go). A connection makes one event: its ClientHello, which stands in CRYPTO
// frames of the client's Initial packets. Their keys follow from the destination connection ID of the client's first one.
//
// A hello may be spread over frames, packets and datagrams in any order; Input.State has what came so far. Without a State,
// or when the flow is over (a datagram without bytes), the best is made of what there is.

const (
	// A hello takes two or three datagrams, and before it is whole there may be some of 0-RTT and of the server. Of a flow
	// that shows no hello in so many, none will come: it was picked up in the middle.
	maxQUICDatagrams = 32
	maxQUICPackets   = 16   // in one datagram: more than there are kinds, for the sake of clients that split their hello
	maxQUICDatagram  = 9000 // bytes of a datagram that are decrypted
)

// quicState is what State keeps of a QUIC connection besides the bytes of its hello.
type quicState struct {
	keys      [2]quicKeys // that have opened a packet, the newer ones first: a Retry changes them
	version   uint32      // of the packets that the hello's bytes are from; 0 if there are none
	datagrams uint8       // that were read
	client    uint8       // 1 + the side whose packets opened with the client's keys; 0 if none did
	certain   bool        // a packet was whole, from its header to its end
}

func parseQUIC(h *Hint, _ *Conn, in Input) Verdict {
	s := in.State
	if s == nil {
		s = new(State)
	}
	v := s.parseQUIC(h, in)
	if v != More {
		s.Reset()
	}
	return v
}

func (s *State) parseQUIC(h *Hint, in Input) Verdict {
	if s.quic.datagrams == 0 {
		if v := parseGoogleQUIC(h, in.Data); v != More {
			return v
		}
	}
	if !s.readQUIC(h, in) && s.quic.datagrams == 0 {
		return Reject
	}
	over := in.State == nil || len(in.Data) == 0 || s.quic.datagrams >= maxQUICDatagrams
	if !over && !s.helloDone() {
		return More
	}
	return printQUIC(h, &s.quic, s.hello.Front())
}

// readQUIC reads the packets of one datagram, and reports whether there are any.
func (s *State) readQUIC(h *Hint, in Input) bool {
	q := &s.quic
	if q.client == 2-in.Side&1 {
		q.datagrams++ // of the server, whose packets say nothing that is read here
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
	q.datagrams++
	work := h.Scratch(len(data) + quicWork)
	for n := 1; ok && n <= maxQUICPackets; n++ {
		q.certain = q.certain || !p.cut
		if p.kind == quicInitial && s.readInitial(work, &p) {
			q.client = 1 + in.Side&1
		}
		p, ok = nextQUICPacket(&r)
	}
	return true
}

// readInitial opens an Initial packet and takes the pieces of the hello out of it. It is false if the packet is not the
// client's.
func (s *State) readInitial(work []byte, p *quicPacket) bool {
	frames, ok := s.quic.open(work, p)
	if !ok {
		return false
	}
	for off, data := frames.next(); data != nil; off, data = frames.next() {
		if s.quic.version != p.version { // after a version negotiation the client begins again
			s.hello.reset()
			s.quic.version = p.version
		}
		s.hello.Add(off, data)
	}
	return true
}

// helloDone reports whether the hello is whole, or as large as one may be.
func (s *State) helloDone() bool {
	front := s.hello.Front()
	if s.quic.version == quicQ050 {
		_, whole, ok := readCHLO(front)
		return whole && ok
	}
	return len(front) == Window || tlsWhole(front)
}

// printQUIC ends the reading of a connection with what there is of its hello. Without any, the flow is still named if a
// packet left no doubt.
func printQUIC(h *Hint, q *quicState, front []byte) Verdict {
	h.Next = Stop
	front = append(h.Scratch(len(front))[:0], front...) // what the hint aliases must not be the State's
	if q.version == quicQ050 {
		if v := printCHLO(h, q.version, front); v == Done {
			return Done
		}
	} else if hello, ok := readQUICHello(front); ok {
		hello.printQUIC(h, q.version)
		return Done
	}
	if !q.certain {
		return Reject
	}
	h.Role = Interim
	return Done
}

// readQUICHello reads the first handshake message as far as it is there.
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

// Extensions with transport parameters (RFC 9001 section 8.2), and the parameter in which Chrome names itself.
const (
	extQUICParams      = 0x39
	extQUICParamsDraft = 0xffa5
	paramUserAgent     = 0x3129
)

// userAgent returns the user agent that a client put among its transport parameters (RFC 9000 section 18), nil if there is
// none. The drafts before 27 wrote parameters in another way, which reads as none.
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
