package main

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/reassembly"
)

// longestStart is how much of a client's first bytes is kept while no name is in it: a TLS record, the largest of which is 16 KiB.
const longestStart = 16 << 10

// stream is one TCP connection.
type stream struct {
	f                *finder
	addresses, ports gopacket.Flow
	start            []byte // of what the client sends
	done             bool
}

// New begins a connection, as reassembly.StreamFactory wants it.
func (f *finder) New(addresses, ports gopacket.Flow, _ *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	return &stream{f: f, addresses: addresses, ports: ports}
}

// Accept takes every segment, also of a connection whose start was not captured.
func (s *stream) Accept(_ *layers.TCP, _ gopacket.CaptureInfo, _ reassembly.TCPFlowDirection, _ reassembly.Sequence, start *bool, _ reassembly.AssemblerContext) bool {
	*start = true
	return true
}

// ReassembledSG looks for a name at the start of what the client sends.
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
	if !more || len(s.start) >= longestStart {
		s.done, s.start = true, nil
	}
}

// ReassemblyComplete lets the assembler forget the connection.
func (s *stream) ReassemblyComplete(reassembly.AssemblerContext) bool { return true }
