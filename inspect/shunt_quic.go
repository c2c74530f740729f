package inspect

import (
	"bytes"
	"encoding/binary"
)

// The first byte of a packet of QUIC (RFC 9000 section 17), and of one with the public header of Google's versions up to Q043.
const (
	quicFixed     = 0x40
	quicLong      = 0x80
	publicVersion = 0x01
	publicReset   = 0x02
)

// noteQUIC takes down that a client's hello was read, of which a datagram was the last.
func (c *course) noteQUIC(datagram []byte) {
	c.flags |= quicGreeted
	if len(datagram) > 0 && datagram[0]&quicLong == 0 {
		c.flags |= quicPublic
	}
}

// secretQUIC knows the datagrams that begin with a packet that only its two ends can read, of a flow whose client's hello was read.
func (c *course) secretQUIC(b []byte) bool {
	switch {
	case c.flags&quicGreeted == 0:
		return false
	case c.flags&quicPublic != 0:
		return isSecretPublic(b)
	default:
		return isSecretQUIC(b)
	}
}

// isSecretQUIC knows the packets of QUIC that only its two ends can read (RFC 9000 section 17, RFC 9369 section 3.2) from Initial and
// Retry, and from those of other protocols on the same ports (RFC 9443). Packets in one datagram come in the order in which their keys
// do, so that no Initial follows.
func isSecretQUIC(b []byte) bool {
	const version1, version2 = 1, 0x6b3343cf
	if len(b) < 5 || b[0]&quicFixed == 0 {
		return false
	}
	if b[0]&quicLong == 0 {
		return true
	}
	kind := b[0] >> 4 & 3
	switch binary.BigEndian.Uint32(b[1:]) {
	case version1:
		return kind == 1 || kind == 2
	case version2:
		return kind == 2 || kind == 3
	default:
		return false
	}
}

// publicHandshake are the tags with which the messages of Google's handshake begin, all of which are in the clear.
var publicHandshake = [...][]byte{[]byte("CHLO"), []byte("REJ\x00"), []byte("SREJ"), []byte("SHLO")}

// publicFront is within how many bytes of a packet a message of the handshake begins: behind the header, a hash, and what the sender
// acknowledges.
const publicFront = 128

// isSecretPublic knows the packets with a public header that are encrypted. What a message of the handshake has left over for packets
// that follow the one that it begins in is the server's configuration and its certificate, compressed, which is taken for encrypted.
func isSecretPublic(b []byte) bool {
	if len(b) == 0 || b[0]&(quicLong|quicFixed|publicVersion|publicReset) != 0 {
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
