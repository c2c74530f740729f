package forward

import "github.com/mirrorsink/mirrorsink/inspect/l7"

// noteQUICHello notes that a client's hello was parsed. datagram is its last one.
func (f *flowState) noteQUICHello(datagram []byte) {
	f.flags |= quicHello
	if l7.HasPublicHeader(datagram) {
		f.flags |= quicPublic
	}
}

// isEncryptedQUIC reports whether a datagram begins with a packet that only the two ends can decrypt. Nothing counts as
// such before the client's hello.
func (f *flowState) isEncryptedQUIC(b []byte) bool {
	switch {
	case f.flags&quicHello == 0:
		return false
	case f.flags&quicPublic != 0:
		return l7.IsEncryptedPublicQUIC(b)
	default:
		return l7.IsEncryptedQUIC(b)
	}
}
