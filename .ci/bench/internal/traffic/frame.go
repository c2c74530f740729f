package traffic

import (
	"encoding/binary"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/checksum"
)

// Offsets of the parts of a record in the capture.
const (
	recordHeader = 16 // of pcap
	outerIP      = recordHeader + 14
	outerUDP     = outerIP + 20
	vxlan        = outerUDP + 8
	inner        = vxlan + 8
	innerIP      = inner + 14
	innerTCP     = innerIP + 20
	innerData    = innerTCP + 20
)

// ends are the addresses and ports of a connection.
type ends struct {
	client, server uint32
	clientPort     uint16
}

// endsOf returns the ends of a connection: the lower 24 bits of its number are the client's address, the upper bits its port.
func endsOf(number uint64) ends {
	return ends{
		client: 0x0a000000 | uint32(number&0xffffff), clientPort: uint16(20_000 + number>>24),
		server: 0xc6120000 | uint32(number*0x9e3779b1>>16&0x1ffff),
	}
}

// forgedEnds returns the ends of a forged packet: 48 pseudo-random bits that do not repeat.
func forgedEnds(number uint64) ends {
	x := number * 0x9e3779b97f4a7c15
	return ends{client: uint32(x >> 16), clientPort: uint16(x), server: 0xcb007101}
}

// frame returns a packet of a connection as a record of the capture, valid until the next call.
func (c *Connections) frame(number uint64, e ends, p *phase, nanos int64) []byte {
	c.buf = append(append(c.buf[:0], make([]byte, innerData)...), p.payload...)
	f, be := c.buf, binary.BigEndian
	if p.name > 0 {
		digits := strconv.AppendUint(nil, number, 10)
		copy(f[innerData+p.name+10-len(digits):], digits)
	}
	const start = 1_700_000_000 // an arbitrary time
	length := len(f) - recordHeader
	binary.LittleEndian.PutUint32(f, uint32(start+nanos/1e9))
	binary.LittleEndian.PutUint32(f[4:], uint32(nanos%1e9))
	binary.LittleEndian.PutUint32(f[8:], uint32(length))
	binary.LittleEndian.PutUint32(f[12:], uint32(length))

	f[outerIP-2], f[innerIP-2] = 8, 8 // IPv4
	putIPv4(f[outerIP:], 17, 0x0ac80005, 0x0ac80109)
	be.PutUint16(f[outerUDP:], 49152)
	be.PutUint16(f[outerUDP+2:], 4789)
	be.PutUint16(f[outerUDP+4:], uint16(len(f)-outerUDP)) // without a checksum, as from AWS
	f[vxlan], f[vxlan+6] = 8, 1                           // VNI 1
	if p.fromServer {
		putIPv4(f[innerIP:], 6, e.server, e.client)
		putTCP(f[innerIP:], p, 443, e.clientPort)
		return f
	}
	putIPv4(f[innerIP:], 6, e.client, e.server)
	putTCP(f[innerIP:], p, e.clientPort, 443)
	return f
}

// putIPv4 writes the header of a packet that fills b.
func putIPv4(b []byte, proto byte, src, dst uint32) {
	b[0], b[8], b[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint32(b[12:], src)
	binary.BigEndian.PutUint32(b[16:], dst)
	binary.BigEndian.PutUint16(b[10:], ^checksum.Fold(checksum.Sum(b[:20])))
}

// putTCP writes the TCP header of an IPv4 packet.
func putTCP(ip []byte, p *phase, src, dst uint16) {
	tcp, be := ip[20:], binary.BigEndian
	be.PutUint16(tcp, src)
	be.PutUint16(tcp[2:], dst)
	be.PutUint32(tcp[4:], p.seq)
	if p.flags&ackFlag != 0 {
		be.PutUint32(tcp[8:], p.ack)
	}
	tcp[12], tcp[13] = 5<<4, p.flags
	be.PutUint16(tcp[14:], 0xffff)
	be.PutUint16(tcp[16:], ^checksum.Fold(checksum.Sum(ip[12:20])+6+uint64(len(tcp))+checksum.Sum(tcp)))
}
