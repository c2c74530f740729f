package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// IsEncryptedQUIC reports whether a datagram begins with a packet of QUIC (RFC 9000 section 17, RFC 9369 section 3.2) that only
// its two ends can read: one with a short header, or of versions 1 and 2 one of the handshake or of early data. It is false for
// Initial and Retry packets and for other protocols on the same ports (RFC 9443). Packets in one datagram come in the order of
// their keys, so no Initial packet follows.
func IsEncryptedQUIC(b []byte) bool {
	r := wire.New(b)
	first, version := r.U8(), r.U32()
	if !r.OK() || first&quicFixedBit == 0 {
		return false
	}
	if first&quicLongHeader == 0 {
		return true
	}
	if version != quicV1 && version != quicV2 {
		return false
	}
	kind := quicKindOf(first, version == quicV2)
	return kind == quicZeroRTT || kind == quicHandshake
}

// quicKindOf returns the type of a packet with a long header from its first byte.
func quicKindOf(first uint8, v2 bool) quicKind {
	kind := quicKind(first >> 4 & 3)
	if v2 {
		kind = (kind + 3) & 3
	}
	return kind
}

// HasPublicHeader reports whether a QUIC datagram has the public header of Google's versions up to Q043.
func HasPublicHeader(b []byte) bool {
	r := wire.New(b)
	first := r.U8()
	return r.OK() && first&quicLongHeader == 0
}

// publicHandshake are the tags with which the messages of Google's handshake begin. All of them are in the clear.
var publicHandshake = [...][]byte{[]byte(chloTag), []byte("REJ\x00"), []byte("SREJ"), []byte("SHLO")}

// publicFront bounds the offset in a packet at which a message of the handshake begins: after the header, a hash, and the
// acknowledgments.
const publicFront = 128

// IsEncryptedPublicQUIC reports whether a datagram with a public header is encrypted: it has neither a version nor the start of a
// handshake message. The rest of a handshake message in later packets is the server's configuration and compressed
// certificate; it counts as encrypted.
func IsEncryptedPublicQUIC(b []byte) bool {
	r := wire.New(b)
	first := r.U8()
	if !r.OK() || first&(quicLongHeader|quicFixedBit|publicVersion|publicReset) != 0 {
		return false
	}
	front := b[:min(len(b), publicFront)]
	for _, tag := range publicHandshake {
		if bytes.Contains(front, tag) {
			return false
		}
	}
	return true
}
