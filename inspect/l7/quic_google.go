package l7

import (
	"bytes"
	"strconv"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// Google's QUIC before that of the IETF: versions up to Q046, whose first packets are in the clear, and Q050, whose Initial
// packets are protected as those of the IETF. The client's hello (CHLO) is a map of tags in one packet.

// googlePacket is the layout of a client's packets in a version.
type googlePacket struct {
	version uint32
	number  int  // bytes of the packet number
	little  bool // numbers in frames are little-endian
	private bool // a byte of flags precedes the frames
}

// Versions at which the layout changed.
const (
	googleFirst      = 24 // the oldest that is known to be used
	googlePrivate    = 33 // the last with private flags
	googleLittle     = 38 // the last with little-endian frames
	googlePublic     = 43 // the last with a public header
	googleWithNumber = 46 // the first, and last, with the IETF's header, which has the packet number's length
)

// Flags of the public header.
const (
	publicVersion = 0x01
	publicReset   = 0x02
	publicID      = 0x08
)

const (
	googleIDSize   = 8
	googleHashSize = 12 // of the hash before the frames
)

// parseGoogleQUIC reads a client's hello in the clear. It returns More if the datagram has no header of Google's versions.
func parseGoogleQUIC(h *Hint, data []byte) Verdict {
	r := wire.New(data)
	p, ok := googleHeader(&r)
	if !ok {
		return More
	}
	r.Skip(p.number + googleHashSize)
	if p.private {
		r.U8()
	}
	chlo := p.stream(&r)
	h.Next = Stop
	return printCHLO(h, p.version, chlo.Rest())
}

// googleHeader reads a header up to the packet number.
func googleHeader(r *wire.Cursor) (p googlePacket, ok bool) {
	first := r.U8()
	if first&quicLongHeader != 0 {
		return googleLongHeader(r, first)
	}
	if !beginsPublicQUIC(first) {
		return p, false
	}
	r.Skip(googleIDSize)
	p.version = r.U32()
	n := googleNumber(p.version)
	p.number = [...]int{1, 2, 4, 6}[first>>4&3]
	p.little, p.private = n <= googleLittle, n <= googlePrivate
	return p, n >= googleFirst && n <= googlePublic
}

// beginsPublicQUIC reports whether a byte is the first of a public header with a version and a connection ID.
func beginsPublicQUIC(first uint8) bool {
	return first&(publicVersion|publicReset|publicID) == publicVersion|publicID
}

// googleLongHeader reads the header of Q044 and Q045, and of an Initial packet of Q046.
func googleLongHeader(r *wire.Cursor, first uint8) (p googlePacket, ok bool) {
	const initial = 0xff // in Q044 and Q045
	p.version = r.U32()
	n := googleNumber(p.version)
	lengths := r.U8()
	r.Skip(googleIDLength(lengths >> 4))
	r.Skip(googleIDLength(lengths & 15))
	p.number = 4
	if n == googleWithNumber {
		p.number = 1 + int(first&3)
		return p, first&^3 == quicLongHeader|quicFixedBit
	}
	return p, first == initial && n > googlePublic && n < googleWithNumber
}

func googleIDLength(nibble uint8) int {
	if nibble == 0 {
		return 0
	}
	return int(nibble) + 3
}

// googleNumber returns 43 for Q043, and 0 for versions of others.
func googleNumber(version uint32) int {
	tens, ones := version>>8&0xff-'0', version&0xff-'0'
	if version>>16 != 'Q'<<8|'0' || tens > 9 || ones > 9 {
		return 0
	}
	return int(tens*10 + ones)
}

// stream reads a STREAM frame, and returns the available part of its data. It fails if that is not the start of the handshake's
// stream.
func (p *googlePacket) stream(r *wire.Cursor) wire.Cursor {
	const (
		stream    = 0x80
		hasLength = 0x20
		handshake = 1 // the stream's number
	)
	typ := r.U8()
	id := p.uint(r, 1+int(typ&3))
	var offset uint64
	if n := int(typ >> 2 & 7); n > 0 {
		offset = p.uint(r, n+1)
	}
	size := r.Len()
	if typ&hasLength != 0 {
		size = int(p.uint(r, 2))
	}
	if typ&stream == 0 || id != handshake || offset != 0 {
		r.Fail()
	}
	return r.Upto(size)
}

// uint reads a number of n bytes, at most 8.
func (p *googlePacket) uint(r *wire.Cursor, n int) (v uint64) {
	for i, b := range r.Bytes(n) {
		if p.little {
			v |= uint64(b) << (8 * i)
		} else {
			v = v<<8 | uint64(b)
		}
	}
	return v
}

// chlo is the map in a client's hello: a count of 16 bits, then each tag with the end of its value, then the values.
type chlo struct {
	entries wire.Cursor // a tag and 32 bits of offset each; all numbers are little-endian
	values  []byte
}

const (
	chloTag      = "CHLO"
	chloEntry    = 8
	maxCHLOCount = 128 // the bound of Google's own code
)

// readCHLO reads the available part of a hello. ok is false if it is none. whole reports that it is complete.
func readCHLO(data []byte) (m chlo, whole, ok bool) {
	r := wire.New(data)
	tag := r.Bytes(len(chloTag))
	count := int(r.U16LE())
	r.U16() // padding
	size := count * chloEntry
	m.entries = r.Upto(size)
	m.values = r.Rest()
	end := 0
	for e := m.entries; e.Len() >= chloEntry; {
		e.U32()
		end = int(e.U32LE())
	}
	return m, m.entries.Len() == size && end <= len(m.values),
		string(tag) == chloTag && count > 0 && count <= maxCHLOCount && m.entries.Len() >= chloEntry
}

// value returns the value of a tag; nil if it is missing or incomplete.
func (m chlo) value(tag string) []byte {
	for start := 0; m.entries.Len() >= chloEntry; {
		name, end := m.entries.Bytes(len(tag)), int(m.entries.U32LE())
		if end < start || end > len(m.values) {
			return nil
		}
		if string(name) == tag {
			return m.values[start:end:end]
		}
		start = end
	}
	return nil
}

// printCHLO prints a hello. The hint aliases data.
func printCHLO(h *Hint, version uint32, data []byte) Verdict {
	m, whole, ok := readCHLO(data)
	if !ok {
		return Reject
	}
	h.Role = Request
	printQUICVersion(h, version)
	if name := m.value("SNI\x00"); len(name) > 0 {
		h.Str(keySNI, name)
		if isHostLike(name) {
			h.Name, h.NameSource = name, QUICSNI
		}
	}
	if ua := m.value("UAID"); len(ua) > 0 {
		h.Str(keyUA, ua)
	}
	if whole {
		m.printCYU(h, version)
	}
	return Done
}

// printCYU prints the fingerprint CYU (github.com/salesforce/GQUIC_Protocol_Analyzer): the version's number, and the tags
// in the order in which they were sent.
func (m chlo) printCYU(h *Hint, version uint32) {
	start := len(h.scratch)
	b := strconv.AppendInt(h.scratch, int64(googleNumber(version)), 10)
	for sep := byte(','); m.entries.Len() >= chloEntry; sep = '-' {
		b = append(append(b, sep), bytes.TrimRight(m.entries.Bytes(4), "\x00")...)
		m.entries.U32()
	}
	h.scratch = b
	text := h.since(start)
	h.Array(keyCyu)
	printMD5(h, element, text)
	h.End()
}
