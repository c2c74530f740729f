package iface

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/mmsg"
)

// packetPort is a packet socket. It does not set PACKET_QDISC_BYPASS: with that, programs that read the interface itself, such as a
// dummy one, would not see the frames.
type packetPort struct {
	fd      int
	to      unix.RawSockaddrLinklayer
	headers [decap.BatchSize]mmsg.Header
}

// packetBuffer is how many bytes may wait in the queues of an interface with a wire. At 10 Gbit/s they drain within milliseconds. The
// kernel accounts half of the buffer to its own headers.
const packetBuffer = 4 << 20

func openPacketPort() (port, error) {
	fd, err := packetSocket()
	if err != nil {
		return nil, err
	}
	_ = mmsg.SetSendBuffer(fd, packetBuffer) // with a smaller one it is only full sooner
	p := &packetPort{fd: fd, to: unix.RawSockaddrLinklayer{Family: unix.AF_PACKET}}
	for i := range p.headers {
		h := &p.headers[i].Msghdr
		h.Name = (*byte)(unsafe.Pointer(&p.to))
		h.Namelen = unix.SizeofSockaddrLinklayer
	}
	return p, nil
}

func (p *packetPort) attach(d *device) error {
	p.to.Ifindex = int32(d.index)
	return nil
}

func (p *packetPort) close() error { return unix.Close(p.fd) }

func (p *packetPort) send(q *queue, first int) (int, error) {
	headers := p.headers[first:q.n]
	for i := range headers {
		h := &headers[i].Msghdr
		h.Iov = &q.parts[first+i][0]
		h.SetIovlen(q.count(first + i))
	}
	return mmsg.Send(p.fd, headers, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}
