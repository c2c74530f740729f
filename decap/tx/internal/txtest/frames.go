// Package txtest makes frames, logs and network namespaces for the tests of package tx and of the targets below it.
package txtest

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// Frame makes an Ethernet frame with a UDP packet of a flow, in one of the flow's two directions. Flow and seq are its last 8 bytes.
func Frame(flow, seq uint32, reply bool, size int) *tx.Frame {
	a, b := decap.Addr(netip.AddrFrom4([4]byte{10, 1, byte(flow >> 8), byte(flow)}).As16()), decap.Addr(netip.MustParseAddr("10.2.0.1").As16())
	sport, dport := uint16(40000+flow%1000), uint16(6000)
	if reply {
		a, b, sport, dport = b, a, dport, sport
	}
	frame := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0}
	frame = binary.BigEndian.AppendUint16(frame, uint16(20+8+size+8))
	frame = append(frame, 0, 0, 0, 0, 64, 17, 0, 0)
	frame = append(append(frame, a[12:]...), b[12:]...)
	frame = binary.BigEndian.AppendUint16(frame, sport)
	frame = binary.BigEndian.AppendUint16(frame, dport)
	frame = binary.BigEndian.AppendUint16(frame, uint16(8+size+8))
	frame = append(frame, 0, 0)
	frame = append(frame, bytes.Repeat([]byte{byte(seq)}, size)...)
	frame = binary.BigEndian.AppendUint32(frame, flow)
	frame = binary.BigEndian.AppendUint32(frame, seq)
	head := int(seq) % 20 // how much of it was rewritten
	return &tx.Frame{
		Head: frame[:head:head], Tail: frame[head:], WireLen: len(frame), Nanos: 1_790_000_000_000_000_000 + int64(seq)*1000,
		Hash: decap.SteerFlow(a, b, sport, dport), Outer: netip.AddrFrom4([4]byte{10, 9, 0, byte(flow % 3)}), VNI: 100 + flow%3,
	}
}

// Flow returns the flow of a frame that Frame made.
func Flow(frame []byte) uint32 { return binary.BigEndian.Uint32(frame[len(frame)-8:]) }

// Seq returns the sequence number of a frame that Frame made.
func Seq(frame []byte) uint32 { return binary.BigEndian.Uint32(frame[len(frame)-4:]) }

// Bytes returns a copy of a frame.
func Bytes(f *tx.Frame) []byte { return append(bytes.Clone(f.Head), f.Tail...) }

// TCPFrame makes an Ethernet frame with a TCP packet over IPv4.
func TCPFrame(t testing.TB, seq uint32, payload []byte) []byte {
	t.Helper()
	ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.IPv4(10, 0, 0, 1), DstIP: net.IPv4(10, 0, 0, 2)}
	tcp := &layers.TCP{SrcPort: 443, DstPort: 40000, Seq: seq, ACK: true, Window: 1000}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	b := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4},
		ip, tcp, gopacket.Payload(payload))
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Batch makes a batch of frames of one size and of many flows.
func Batch(size int) []tx.Frame {
	frames := make([]tx.Frame, decap.BatchSize)
	for i := range frames {
		frames[i] = tx.Frame{Tail: make([]byte, size), Hash: rand.Uint32(), VNI: uint32(i)}
	}
	return frames
}

// SendAll adds the frames and flushes.
func SendAll(o tx.Out, frames []tx.Frame) {
	for i := range frames {
		o.Add(&frames[i])
	}
	o.Flush()
}
