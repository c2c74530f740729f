package decap

import "encoding/binary"

// Of MPLS: the lengths of a label and of a pseudowire's control word, and how many labels any network has.
const (
	labelLen       = 4
	controlWordLen = 4
	maxLabels      = 10
)

// mpls skips a label stack (RFC 3032) and guesses the payload, which no label states: an IP packet by its first four bits, otherwise an
// Ethernet pseudowire (RFC 4448) with or without a control word.
//
//	|                label                  | TC  |S|      TTL      |
func (d decoder) mpls(b []byte, missing int) Reason {
	for bottom := false; !bottom; b = b[labelLen:] {
		if len(b) < labelLen {
			return ShortFrame
		}
		bottom = b[2]&1 != 0
	}
	if t := ipType(b); t != 0 {
		return d.etherType(t, b, missing)
	}
	if missing > 0 && len(b) < controlWordLen+EthernetLen {
		return ShortFrame
	}
	if len(b) > controlWordLen && b[0]>>4 == 0 && likelyEthernet(b[controlWordLen:]) {
		b = b[controlWordLen:]
	} else if !likelyEthernet(b) {
		return NotIP
	}
	return d.nested(0, b, missing)
}

// ipType guesses whether b is an IP packet, and returns its EtherType or 0. Mirroring may have truncated the packet anywhere, so its
// length is no evidence.
func ipType(b []byte) uint16 {
	if len(b) < 4 {
		return 0
	}
	switch b[0] >> 4 {
	case 4:
		header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
		if header >= IPv4Len && (total == 0 || total >= header) {
			return EtherIPv4
		}
	case 6:
		return EtherIPv6
	}
	return 0
}

// likelyEthernet guesses whether b is an Ethernet frame: its EtherType is one that is common in pseudowires.
func likelyEthernet(b []byte) bool {
	if len(b) < EthernetLen {
		return false
	}
	switch binary.BigEndian.Uint16(b[12:]) {
	case EtherIPv4, EtherIPv6, EtherVLAN, EtherQinQ, etherMPLS, etherPPPoE:
		return true
	default:
		return false
	}
}
