package decap

import "encoding/binary"

// GRE, RFC 2784 and RFC 2890, and with version 1 PPTP's (RFC 2637 section 4.1):
//
//	|C|R|K|S|          |A|     |Ver|         protocol type         |
//
// then, each as its flag says: checksum and reserved (C), key or PPTP's length and call (K), sequence number (S),
// acknowledgment number (A, version 1 alone).
const (
	greLen        = 4
	greFieldLen   = 4
	greChecksum   = 0x8000
	greRouting    = 0x4000
	greKey        = 0x2000
	greSequence   = 0x1000
	greAck        = 0x0080
	greVersion    = 0x0007
	greProtoPPP   = 0x880b
	greProtoSpan2 = 0x88be // ERSPAN types I and II
	greProtoSpan3 = 0x22eb // ERSPAN type III
)

// gre decodes a GRE tunnel. A packet that it does not understand stays a GRE packet. Keys and calls may differ between the directions,
// and are no part of the flow's identity.
func (d decoder) gre(b []byte, missing int) Reason {
	if len(b) < greLen {
		return OK
	}
	flags, protocol := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	n := greHeaderLen(flags)
	if len(b) < n || flags&greRouting != 0 {
		return OK
	}
	b = b[n:]
	switch flags & greVersion {
	case 0:
		return d.greContent(protocol, flags&greSequence != 0, b, missing)
	case 1:
		if protocol == greProtoPPP && len(b) > 0 {
			return d.tunnel(greProtoPPP, 0, b, missing)
		}
	}
	return OK
}

func greHeaderLen(flags uint16) int {
	n := greLen
	for _, flag := range [...]uint16{greChecksum, greKey, greSequence} {
		if flags&flag != 0 {
			n += greFieldLen
		}
	}
	if flags&greVersion == 1 && flags&greAck != 0 {
		n += greFieldLen
	}
	return n
}

// greContent decodes the payload of version 0. ERSPAN type I has no sequence number and no header of its own.
func (d decoder) greContent(protocol uint16, sequence bool, b []byte, missing int) Reason {
	const span2Len, span3Len, span3SubLen = 8, 12, 8
	n := 0
	switch protocol {
	case EtherIPv4, EtherIPv6, EtherTEB, etherMPLS, etherMPLSMany:
		return d.tunnel(protocol, 0, b, missing)
	case greProtoSpan2:
		if sequence {
			n = span2Len
		}
	case greProtoSpan3:
		n = span3Len
		if len(b) >= span3Len && b[span3Len-1]&1 != 0 { // flag O: a platform specific subheader follows
			n += span3SubLen
		}
	default:
		return OK
	}
	if len(b) < n {
		return OK
	}
	return d.tunnel(EtherTEB, 0, b[n:], missing)
}
