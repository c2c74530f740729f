package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/reassembly"
)

// How long a connection may be silent before what is missing of it is given up, and before it is forgotten; and how often this is
// looked after, all in the capture's time.
const (
	patience = 30 * time.Second
	memory   = 60 * time.Second
	every    = 10 * time.Second
)

// event is a name and who used it.
type event struct {
	Timestamp   time.Time `json:"timestamp"`
	Type        string    `json:"event_type"`
	Source      string    `json:"src"`
	SourcePort  string    `json:"src_port"`
	Destination string    `json:"dest"`
	DestPort    string    `json:"dest_port"`
	Name        string    `json:"name"`
}

// finder takes packets and writes events. It makes the streams for the assembler that it feeds.
type finder struct {
	assembler      *reassembly.Assembler
	out            *json.Encoder
	packets, names int
	flushed        time.Time
	err            error // the first one of writing
}

func newFinder(out io.Writer) *finder {
	f := &finder{out: json.NewEncoder(out)}
	f.assembler = reassembly.NewAssembler(reassembly.NewStreamPool(f))
	return f
}

// packet looks into a packet. Its innermost addresses and ports are those that count.
func (f *finder) packet(p gopacket.Packet) {
	f.packets++
	at := p.Metadata().Timestamp
	f.expire(at)
	var network gopacket.NetworkLayer
	var ports gopacket.Flow
	for _, layer := range p.Layers() {
		switch l := layer.(type) {
		case *layers.IPv4:
			network = l
		case *layers.IPv6:
			network = l
		case *layers.UDP:
			ports = l.TransportFlow()
		case *layers.TCP:
			if ports = l.TransportFlow(); network != nil {
				f.assembler.AssembleWithContext(network.NetworkFlow(), l, seen(p.Metadata().CaptureInfo))
			}
		case *layers.DNS:
			if network != nil && !l.QR && len(l.Questions) > 0 {
				f.write(at, "dns", network.NetworkFlow(), ports, string(l.Questions[0].Name))
			}
		}
	}
}

// expire lets the assembler give up what has waited too long.
func (f *finder) expire(now time.Time) {
	if now.Sub(f.flushed) < every {
		return
	}
	if !f.flushed.IsZero() {
		f.assembler.FlushWithOptions(reassembly.FlushOptions{T: now.Add(-patience), TC: now.Add(-memory)})
	}
	f.flushed = now
}

func (f *finder) close() { f.assembler.FlushAll() }

func (f *finder) write(at time.Time, kind string, addresses, ports gopacket.Flow, name string) {
	f.names++
	err := f.out.Encode(event{at, kind, addresses.Src().String(), ports.Src().String(),
		addresses.Dst().String(), ports.Dst().String(), name})
	if f.err == nil {
		f.err = err
	}
}

// seen is what the assembler has to know of a packet's capture.
type seen gopacket.CaptureInfo

func (s seen) GetCaptureInfo() gopacket.CaptureInfo { return gopacket.CaptureInfo(s) }
