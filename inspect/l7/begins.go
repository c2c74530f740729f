package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// BeginsDatagram returns the protocol that a datagram's first bytes belong to, if it may be the first message of a connection: an Initial
// packet of QUIC, a ClientHello of DTLS, a STUN message; on DNS's port everything else may be DNS. It is None for all others. It costs a
// few comparisons, so it is for flows of any length.
func BeginsDatagram(b []byte, dnsPort bool) Proto {
	r := wire.New(b)
	switch first := r.U8(); {
	case first >= quicLongHeader:
		if version, size := r.U32(), r.U8(); size >= minQUICConnectionID && beginsQUIC(first, version) {
			return QUIC
		}
	case first == tlsHandshake:
		version := r.U16()
		r.Skip(8 + 2) // the number and the length of the record
		if dtlsHelloVersion(version) && r.U8() == tlsClientHello {
			return DTLS
		}
	case first < 4:
		r.Skip(3)
		if r.U32() == stunCookie && r.OK() {
			return STUN
		}
	}
	if dnsPort {
		return DNS
	}
	return None
}

// minQUICConnectionID is the shortest destination connection ID of a client's first packet; RFC 9000 section 7.2. Most packets that a
// server sends have a shorter one.
const minQUICConnectionID = 8

// QUICDestination returns the version and the destination connection ID, with its length, of a packet with a long header.
func QUICDestination(b []byte) []byte {
	r := wire.New(b)
	r.Skip(1)
	id := r
	id.Skip(4)
	return r.Bytes(4 + 1 + int(id.U8()))
}

// beginsQUIC reports whether a long header is that of an Initial packet in a known version.
func beginsQUIC(first uint8, version uint32) bool {
	d, ok := quicDialectOf(version)
	return ok && quicKindOf(first, d.labels == &quicLabelsV2) == quicInitial
}

// StartsQUICAgain reports whether a server's datagram makes a client of QUIC begin again: with a token (Retry, RFC 9000 section 17.2.5) or
// in another version (Version Negotiation, section 17.2.1).
func StartsQUICAgain(b []byte) bool {
	r := wire.New(b)
	first, version := r.U8(), r.U32()
	if !r.OK() || first&quicLongHeader == 0 {
		return false
	}
	d, ok := quicDialectOf(version)
	return version == 0 || ok && quicKindOf(first, d.labels == &quicLabelsV2) == quicRetry
}
