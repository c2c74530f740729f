package l7

import (
	"encoding/binary"
	"strconv"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// quicPacket is a protected packet with a long header (RFC 9000 section 17.2). Its slices alias the datagram.
type quicPacket struct {
	version uint32
	dcid    []byte // destination connection ID
	scid    []byte // source connection ID
	header  []byte // up to the packet number
	body    []byte // from the packet number on
	kind    quicKind
	cut     bool // the packet is longer than the rest of the datagram
	fixed   bool // it has the fixed bit
}

// quicKind is the type of a packet with a long header.
type quicKind uint8

// Kinds, with the numbers of version 1. Version 2 has other numbers (RFC 9369 section 3.2).
const (
	quicInitial quicKind = iota
	quicZeroRTT
	quicHandshake
	quicRetry
)

const (
	maxQUICConnectionID = 20 // bytes; RFC 9000 section 17.2
	quicLongHeader      = 0x80
	quicFixedBit        = 0x40 // RFC 9000 section 17.2; a client that knows the server may clear it (RFC 9287)
)

// nextQUICPacket reads the next coalesced packet of a datagram (RFC 9000 section 12.2). It is false if there is none with a
// long header and a known version.
func nextQUICPacket(r *wire.Cursor) (p quicPacket, ok bool) {
	start := r.Rest()
	first := r.U8()
	p.version = r.U32()
	d, ok := quicDialectOf(p.version)
	if !ok || first&quicLongHeader == 0 {
		return p, false
	}
	p.fixed = first&quicFixedBit != 0
	p.kind = quicKindOf(first, d.labels == &quicLabelsV2)
	p.dcid = r.Bytes(int(r.U8()))
	p.scid = r.Bytes(int(r.U8()))
	if len(p.dcid) > maxQUICConnectionID || len(p.scid) > maxQUICConnectionID {
		return p, false
	}
	if p.kind == quicRetry { // which is the rest of the datagram
		r.Skip(r.Len())
		return p, r.OK()
	}
	if p.kind == quicInitial {
		r.Skip(quicLength(r)) // token
	}
	size := quicLength(r)
	p.header = start[:len(start)-r.Len()]
	p.cut = size > r.Len()
	body := r.Upto(size)
	p.body = body.Rest()
	return p, r.OK() && size > quicTag
}

// quicVarint reads a variable-length integer (RFC 9000 section 16).
func quicVarint(c *wire.Cursor) uint64 {
	first := uint64(c.U8())
	v := first & 0x3f
	switch first >> 6 {
	case 1:
		v = v<<8 | uint64(c.U8())
	case 2:
		v = v<<24 | uint64(c.U24())
	case 3:
		v = v<<56 | uint64(c.U24())<<32 | uint64(c.U32())
	}
	return v
}

// quicLength reads an integer that counts bytes. Numbers above the size of a datagram are capped.
func quicLength(c *wire.Cursor) int { return int(min(quicVarint(c), 1<<20)) }

// Versions with names of their own; IANA's registry "QUIC Versions".
const (
	quicV1     = 1
	quicV2     = 0x6b3343cf
	quicDraft  = 0xff000000 // drafts: the lower byte is the draft's number
	quicForced = 0x0a0a0a0a // 0x?a?a?a?a, which asks for a version negotiation; RFC 9000 section 15
	quicMVFST  = 0xfaceb000 // Facebook's
	quicQ050   = 'Q'<<24 | '0'<<16 | '5'<<8 | '0'
	quicT050   = 'T'<<24 | '0'<<16 | '5'<<8 | '0'
	quicT051   = 'T'<<24 | '0'<<16 | '5'<<8 | '1'
)

// quicDialectOf returns the salt and labels of a version; it is false if the version is not known.
func quicDialectOf(version uint32) (d quicDialect, ok bool) {
	switch version {
	case quicV2:
		return quicDialect{quicSaltV2, &quicLabelsV2}, true
	case quicQ050:
		return quicDialect{quicSaltQ050, &quicLabelsV1}, true
	case quicT050:
		return quicDialect{quicSaltT050, &quicLabelsV1}, true
	case quicT051:
		return quicDialect{quicSaltT051, &quicLabelsV1}, true
	}
	draft := quicDraftOf(version)
	switch {
	case draft == 22:
		d.salt = quicSaltDraft22
	case draft >= 23 && draft <= 28:
		d.salt = quicSaltDraft23
	case draft >= 29 && draft <= 32:
		d.salt = quicSaltDraft29
	case draft >= 33:
		d.salt = quicSaltV1
	}
	d.labels = &quicLabelsV1
	return d, d.salt != ""
}

// quicDialects returns in how many dialects a version's packets may be. What a client uses in a version that asks for a negotiation is
// its own choice: that of version 1, or of the last drafts.
func quicDialects(version uint32) int {
	if version&0x0f0f0f0f == quicForced {
		return 2
	}
	return 1
}

// quicDialectAt returns one of the dialects of a known version.
func quicDialectAt(version uint32, i int) quicDialect {
	d, _ := quicDialectOf(version)
	if i > 0 {
		d.salt = quicSaltDraft29
	}
	return d
}

// isGoogleQUIC reports whether a version is one of Google's, which have letters.
func isGoogleQUIC(version uint32) bool { return version>>24 == 'Q' || version>>24 == 'T' }

// quicDraftOf returns the draft that a version is compatible with; 0 if that is not known. Version 1 is compatible with draft 34.
func quicDraftOf(version uint32) uint8 {
	switch {
	case version == quicV1, version&0x0f0f0f0f == quicForced:
		return 34
	case version&^0xff == quicDraft && version&0xff <= 34:
		return uint8(version)
	case version == quicMVFST+1:
		return 22
	case version == quicMVFST+3, version == quicMVFST+4:
		return 34
	case version&^0xff == quicMVFST:
		return 27
	}
	return 0
}

// printQUICVersion prints a version in Suricata's spelling: Google's versions by their names (Suricata has those without TLS
// only), the others in hex digits.
func printQUICVersion(h *Hint, version uint32) {
	start := len(h.scratch)
	if isGoogleQUIC(version) {
		h.scratch = binary.BigEndian.AppendUint32(h.scratch, version)
	} else {
		h.scratch = strconv.AppendUint(h.scratch, uint64(version), 16)
	}
	h.Str(keyVersion, h.since(start))
}
