package capture

import (
	"fmt"

	"github.com/mirrorsink/mirrorsink/decap"
)

// linkOf returns how to decode frames of a link type (the registry is at tcpdump.org/linktypes.html). In a pcap header
// the bits above the lower 16 are about frame check sequences, which follow the IP packet and do not matter.
func linkOf(linkType uint16) decap.Link {
	switch linkType {
	case 1:
		return decap.LinkEthernet
	case 12, 14, 101, 228, 229: // raw IP as BSD, OpenBSD and everyone else number it; IPv4 alone; IPv6 alone
		return decap.LinkIP
	case 0, 108:
		return decap.LinkNull
	case 113:
		return decap.LinkSLL
	case 276:
		return decap.LinkSLL2
	case 9, 50: // PPP, and PPP in HDLC framing
		return decap.LinkPPP
	case 166, 204: // of pppd, and with a direction
		return decap.LinkPPPDirection
	case 51:
		return decap.LinkPPPoE
	case 104:
		return decap.LinkCHDLC
	case 205:
		return decap.LinkCHDLCDirection
	case 239:
		return decap.LinkNFLOG
	}
	return decap.LinkUnsupported
}

// A LinkTypeError is for a capture of which no frame can be decoded.
type LinkTypeError struct {
	Name     string
	LinkType uint16 // as in the registry at tcpdump.org/linktypes.html
}

func (e *LinkTypeError) Error() string {
	return fmt.Sprintf("%s: link type %d is not supported; supported are Ethernet (1), raw IP (101), Linux cooked (113, 276), "+
		"loopback (0, 108), PPP (9, 50, 51), Cisco HDLC (104), and NFLOG (239)", e.Name, e.LinkType)
}
