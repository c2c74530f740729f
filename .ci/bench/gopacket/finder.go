package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/reassembly"
)

// Timeouts in the capture's time.
const (
	gapTimeout    = 30 * time.Second // until missing segments of an idle connection are skipped
	idleTimeout   = 60 * time.Second // until an idle connection is closed
	flushInterval = 10 * time.Second
)

// event is a name and the connection that used it.
type event struct {
	Timestamp   time.Time `json:"timestamp"`
	Type        string    `json:"event_type"`
	Source      string    `json:"src"`
	SourcePort  string    `json:"src_port"`
	Destination string    `json:"dest"`
	DestPort    string    `json:"dest_port"`
	Name        string    `json:"name"`
}

// finder finds names in packets and writes events. It is the stream factory of its assembler.
type finder struct {
	assembler      *reassembly.Assembler
	out            *json.Encoder
	packets, names int
	flushed        time.Time
	err            error // the first error of writing
}

func newFinder(out io.Writer) *finder {
	f := &finder{out: json.NewEncoder(out)}
	f.assembler = reassembly.NewAssembler(reassembly.NewStreamPool(f))
	return f
}

// packet processes a packet. It uses the innermost addresses and ports.
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
				f.assembler.AssembleWithContext(network.NetworkFlow(), l, captureContext(p.Metadata().CaptureInfo))
			}
		case *layers.DNS:
			if network != nil && !l.QR && len(l.Questions) > 0 {
				f.write(at, "dns", network.NetworkFlow(), ports, string(l.Questions[0].Name))
			}
		}
	}
}

// expire flushes idle connections.
func (f *finder) expire(now time.Time) {
	if now.Sub(f.flushed) < flushInterval {
		return
	}
	if !f.flushed.IsZero() {
		f.assembler.FlushWithOptions(reassembly.FlushOptions{T: now.Add(-gapTimeout), TC: now.Add(-idleTimeout)})
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

// captureContext implements reassembly.AssemblerContext.
type captureContext gopacket.CaptureInfo

func (c captureContext) GetCaptureInfo() gopacket.CaptureInfo { return gopacket.CaptureInfo(c) }
