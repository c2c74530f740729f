package main

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/reassembly"
)

// maxStart bounds the buffered first bytes of a client: the largest TLS record has 16 KiB.
const maxStart = 16 << 10

// stream is one TCP connection.
type stream struct {
	f                *finder
	addresses, ports gopacket.Flow
	start            []byte // the first bytes of the client
	done             bool
}

// New implements reassembly.StreamFactory.
func (f *finder) New(addresses, ports gopacket.Flow, _ *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	return &stream{f: f, addresses: addresses, ports: ports}
}

// Accept accepts every segment, also of connections whose start was not captured.
func (s *stream) Accept(_ *layers.TCP, _ gopacket.CaptureInfo, _ reassembly.TCPFlowDirection, _ reassembly.Sequence, start *bool, _ reassembly.AssemblerContext) bool {
	*start = true
	return true
}

// ReassembledSG searches the first bytes of the client for a name.
func (s *stream) ReassembledSG(sg reassembly.ScatterGather, ac reassembly.AssemblerContext) {
	direction, _, _, _ := sg.Info()
	length, _ := sg.Lengths()
	if s.done || direction != reassembly.TCPDirClientToServer || length == 0 {
		return
	}
	s.start = append(s.start, sg.Fetch(length)...)
	kind, name, more := findName(s.start)
	if name != "" {
		s.f.write(ac.GetCaptureInfo().Timestamp, kind, s.addresses, s.ports, name)
	}
	if !more || len(s.start) >= maxStart {
		s.done, s.start = true, nil
	}
}

// ReassemblyComplete lets the assembler remove the connection.
func (s *stream) ReassemblyComplete(reassembly.AssemblerContext) bool { return true }
