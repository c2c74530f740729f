package sim

import (
	"encoding/binary"

	"github.com/mirrorsink/mirrorsink/decap"
)

// AppendFrame appends a frame of a capture to dst as an Ethernet frame, since that is what is mirrored: what has another
// link layer gets an Ethernet header, with the addresses of no host. It reports whether the link layer was understood
// and whole; if not, dst is as it was.
func AppendFrame(dst []byte, d *decap.Datagram) ([]byte, bool) {
	b, etherType, ok := d.Data, uint16(0), true
	switch d.Link {
	case decap.LinkEthernet:
		return append(dst, b...), true
	case decap.LinkIP:
	case decap.LinkSLL:
		b, etherType, ok = cooked(b, 14, 16)
	case decap.LinkSLL2:
		b, etherType, ok = cooked(b, 0, 20)
	case decap.LinkNull:
		ok = len(b) >= 4
		b = b[min(4, len(b)):]
	default:
		ok = false
	}
	if etherType == 0 && ok {
		etherType, ok = versionType(b)
	}
	if !ok {
		return dst, false
	}
	dst = append(dst, 0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x01)
	return append(binary.BigEndian.AppendUint16(dst, etherType), b...), true
}

// cooked takes off a Linux cooked header of n bytes, whose EtherType is at an offset.
func cooked(b []byte, offset, n int) (rest []byte, etherType uint16, ok bool) {
	if len(b) < n {
		return nil, 0, false
	}
	return b[n:], binary.BigEndian.Uint16(b[offset:]), true
}

// versionType goes by the version in an IP header.
func versionType(b []byte) (etherType uint16, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	switch b[0] >> 4 {
	case 4:
		return decap.EtherIPv4, true
	case 6:
		return decap.EtherIPv6, true
	}
	return 0, false
}
