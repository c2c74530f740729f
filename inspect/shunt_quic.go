package inspect

import "github.com/mirrorsink/mirrorsink/inspect/l7"

// noteQUIC takes down that a client's hello was read, of which a datagram was the last.
func (c *course) noteQUIC(datagram []byte) {
	c.flags |= quicGreeted
	if l7.HasPublicHeader(datagram) {
		c.flags |= quicPublic
	}
}

// secretQUIC knows the datagrams that begin with a packet that only its two ends can read, of a flow whose client's hello was read.
func (c *course) secretQUIC(b []byte) bool {
	switch {
	case c.flags&quicGreeted == 0:
		return false
	case c.flags&quicPublic != 0:
		return l7.IsEncryptedPublicQUIC(b)
	default:
		return l7.IsEncryptedQUIC(b)
	}
}
