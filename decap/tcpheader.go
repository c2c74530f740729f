package decap

import (
	"encoding/binary"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// TCPHeader is what a TCP header has besides the fields of a Packet, as far as it was captured.
type TCPHeader struct {
	Valid        bool // the data offset is possible: a receiver drops a segment otherwise
	Known        bool // the bytes of the header are there, so that Window is valid
	Window       uint16
	Scale        uint8  // the shift of the window scale option, at most 14
	HasScale     bool   // the option is there
	Timestamp    uint32 // TSval of the timestamps option
	HasTimestamp bool
	Signed       bool // it has an MD5 signature (RFC 2385) or an authentication option (RFC 5925)
	IPOptions    bool // the IPv4 header around it has options
	Offloaded    bool // the checksum is wrong and looks unfinished: see offloaded
}

// TCP options (RFC 9293 section 3.2, RFC 7323, RFC 2385, RFC 5925).
const (
	optionEnd       = 0
	optionNone      = 1
	optionScale     = 3
	optionTimestamp = 8
	optionMD5       = 19
	optionAO        = 29
)

// maxScale is the largest shift of a window (RFC 7323 section 2.3).
const maxScale = 14

// stamped is how nearly all senders lay out their only option: two of padding, the timestamps option, its length.
const stamped = optionNone<<24 | optionNone<<16 | optionTimestamp<<8 | 10

// ReadTCPHeader decodes the rest of a TCP header into p.TCP. p must have HasTCP. Parse does not call it. It may be called after
// VerifyChecksums.
func (p *Packet) ReadTCPHeader() {
	p.TCP = TCPHeader{Valid: true, IPOptions: p.header > IPv4Len}
	if len(p.packet) < p.transport+TCPLen {
		return
	}
	p.TCP.decode(p.packet[p.transport:], p.Truncated)
	if p.BadChecksum {
		p.TCP.Offloaded = p.offloaded()
	}
}

// decode decodes a header with all of its fixed part.
func (h *TCPHeader) decode(b []byte, truncated bool) {
	n := int(b[12]>>4) * 4
	h.Known, h.Window = true, binary.BigEndian.Uint16(b[14:])
	h.Valid = n >= TCPLen && (n <= len(b) || truncated)
	if n <= TCPLen || !h.Valid {
		return
	}
	b = b[TCPLen:min(n, len(b))]
	if len(b) == 12 && binary.BigEndian.Uint32(b) == stamped {
		h.Timestamp, h.HasTimestamp = binary.BigEndian.Uint32(b[4:]), true
		return
	}
	h.options(wire.New(b))
}

// options decodes the options up to the first one that is malformed.
func (h *TCPHeader) options(c wire.Cursor) {
	for !c.Empty() {
		kind := c.U8()
		if kind == optionEnd {
			return
		}
		if kind == optionNone {
			continue
		}
		o := c.Sub(int(c.U8()) - 2)
		if !c.OK() {
			return
		}
		h.option(kind, o)
	}
}

// option takes one option's content.
func (h *TCPHeader) option(kind uint8, o wire.Cursor) {
	switch {
	case kind == optionScale && o.Len() == 1:
		h.Scale, h.HasScale = min(o.U8(), maxScale), true
	case kind == optionTimestamp && o.Len() == 8:
		h.Timestamp, h.HasTimestamp = o.U32(), true
	case kind == optionMD5, kind == optionAO:
		h.Signed = true
	}
}

// offloaded reports whether the checksums that are wrong, of a packet with all of its fixed TCP header, look unfinished: zero, or for TCP the
// sum of the pseudo header alone, which a kernel leaves to the network card. Copies that were taken before the card, or of segments that a
// kernel merged, look like this.
func (p *Packet) offloaded() bool {
	headerOK := p.headerOK()
	if !headerOK && binary.BigEndian.Uint16(p.packet[10:]) != 0 {
		return false
	}
	s := p.packet[p.transport:]
	switch have := binary.BigEndian.Uint16(s[16:]); have {
	case 0, fold16(p.pseudoHeader(len(s))), fold16(p.pseudoHeader(0)):
		return true
	}
	return !headerOK && p.segmentOK() // only the header's is wrong
}
