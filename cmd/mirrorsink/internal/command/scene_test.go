package command

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
)

// scene is a made-up capture.
type scene struct {
	t      *testing.T
	frames []sceneFrame
	ports  uint16
	// wrap makes the mirrored copies of a frame; a nil one leaves it plain.
	wrap func(src netip.Addr, frame []byte) [][]byte
	// again makes each segment with payload come twice.
	again bool
	// segmentSize is how much payload a segment has at most.
	segmentSize int
}

type sceneFrame struct {
	at   time.Duration
	data []byte
}

// Addresses of scenes.
var (
	sceneHost     = netip.MustParseAddr("10.0.0.1")
	sceneResolver = netip.MustParseAddr("10.0.0.2")
	sceneServer   = netip.MustParseAddr("203.0.113.7")
)

func newScene(t *testing.T) *scene { return &scene{t: t, ports: 20000, segmentSize: 1400} }

// serialize returns the bytes of layers.
func serialize(t *testing.T, all ...gopacket.SerializableLayer) []byte {
	buf := gopacket.NewSerializeBuffer()
	require.NoError(t, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...))
	return buf.Bytes()
}

// sceneIP returns the layers below a transport, which gets its checksum from them.
func sceneIP(src, dst netip.Addr, transport gopacket.SerializableLayer) []gopacket.SerializableLayer {
	proto := layers.IPProtocolUDP
	if _, ok := transport.(*layers.TCP); ok {
		proto = layers.IPProtocolTCP
	}
	eth := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	var network gopacket.NetworkLayer
	if src.Is4() {
		network = &layers.IPv4{Version: 4, TTL: 64, SrcIP: src.AsSlice(), DstIP: dst.AsSlice(), Protocol: proto}
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		network = &layers.IPv6{Version: 6, HopLimit: 64, SrcIP: src.AsSlice(), DstIP: dst.AsSlice(), NextHeader: proto}
	}
	switch l := transport.(type) {
	case *layers.UDP:
		_ = l.SetNetworkLayerForChecksum(network)
	case *layers.TCP:
		_ = l.SetNetworkLayerForChecksum(network)
	}
	return []gopacket.SerializableLayer{eth, network.(gopacket.SerializableLayer), transport}
}

// send adds a packet.
func (s *scene) send(at time.Duration, src, dst netip.Addr, transport gopacket.SerializableLayer, payload []byte) {
	frame := serialize(s.t, append(sceneIP(src, dst, transport), gopacket.Payload(payload))...)
	copies := [][]byte{frame}
	if s.wrap != nil {
		copies = s.wrap(src, frame)
	}
	for _, data := range copies {
		s.frames = append(s.frames, sceneFrame{at, data})
	}
}

// mirrored wraps a frame as the session of an interface with an address does.
func mirrored(t *testing.T, eni netip.Addr, vni uint32, frame []byte) []byte {
	all := append(sceneIP(eni, netip.MustParseAddr("10.9.9.9"), &layers.UDP{SrcPort: 50000, DstPort: 4789}),
		&layers.VXLAN{ValidIDFlag: true, VNI: vni}, gopacket.Payload(frame))
	return serialize(t, all...)
}

// lookup adds a query of the host and, if there is an address, its answer.
func (s *scene) lookup(at time.Duration, resolver netip.Addr, name string, addr netip.Addr) {
	s.ports++
	question := layers.DNSQuestion{Name: []byte(name), Type: layers.DNSTypeA, Class: layers.DNSClassIN}
	dns := &layers.DNS{ID: s.ports, RD: true, Questions: []layers.DNSQuestion{question}}
	s.send(at, sceneHost, resolver, &layers.UDP{SrcPort: layers.UDPPort(s.ports), DstPort: 53}, serialize(s.t, dns))
	if !addr.IsValid() {
		return
	}
	dns.QR, dns.RA = true, true
	dns.Answers = []layers.DNSResourceRecord{{Name: []byte(name), Type: question.Type, Class: question.Class, TTL: 3600, IP: addr.AsSlice()}}
	s.send(at+time.Millisecond, resolver, sceneHost, &layers.UDP{SrcPort: 53, DstPort: layers.UDPPort(s.ports)}, serialize(s.t, dns))
}

// A sceneFlow is a TCP connection of the host.
type sceneFlow struct {
	*scene
	server   netip.Addr
	port     uint16
	client   uint16
	seq, ack uint32
}

// connect adds a handshake.
func (s *scene) connect(at time.Duration, server netip.Addr, port uint16) *sceneFlow {
	s.ports++
	f := &sceneFlow{scene: s, server: server, port: port, client: s.ports, seq: 1001, ack: 5001}
	f.segment(at, true, &layers.TCP{Seq: 1000, SYN: true}, nil)
	f.segment(at+time.Millisecond, false, &layers.TCP{Seq: 5000, Ack: 1001, SYN: true, ACK: true}, nil)
	f.segment(at+2*time.Millisecond, true, &layers.TCP{Seq: 1001, Ack: 5001, ACK: true}, nil)
	return f
}

// pickUp returns a connection whose handshake was not seen.
func (s *scene) pickUp(server netip.Addr, port uint16) *sceneFlow {
	s.ports++
	return &sceneFlow{scene: s, server: server, port: port, client: s.ports, seq: 1001, ack: 5001}
}

func (f *sceneFlow) segment(at time.Duration, out bool, tcp *layers.TCP, payload []byte) {
	src, dst := sceneHost, f.server
	tcp.SrcPort, tcp.DstPort, tcp.Window = layers.TCPPort(f.client), layers.TCPPort(f.port), 65535
	if !out {
		src, dst, tcp.SrcPort, tcp.DstPort = dst, src, tcp.DstPort, tcp.SrcPort
	}
	f.send(at, src, dst, tcp, payload)
}

// say adds what the host sends, in segments that the server acknowledges.
func (f *sceneFlow) say(at time.Duration, data []byte) {
	for part := range slices.Chunk(data, f.segmentSize) {
		times := 1
		if f.again {
			times = 2
		}
		for range times {
			f.segment(at, true, &layers.TCP{Seq: f.seq, Ack: f.ack, ACK: true, PSH: true}, part)
		}
		f.seq += uint32(len(part))
		f.segment(at, false, &layers.TCP{Seq: f.ack, Ack: f.seq, ACK: true}, nil)
	}
}

// answer adds what the server sends, in one segment that the host acknowledges.
func (f *sceneFlow) answer(at time.Duration, data []byte) {
	f.segment(at, false, tcpData(f.ack, f.seq), data)
	f.ack += uint32(len(data))
	f.segment(at+time.Millisecond, true, &layers.TCP{Seq: f.seq, Ack: f.ack, ACK: true}, nil)
}

// upload adds a connection on which the host sends a number of bytes at once.
func (s *scene) upload(at time.Duration, server netip.Addr, port uint16, n int) {
	s.connect(at, server, port).say(at+3*time.Millisecond, bytes.Repeat([]byte{0xfe}, n))
}

// file writes the capture.
func (s *scene) file() string {
	slices.SortStableFunc(s.frames, func(a, b sceneFrame) int { return int(a.at - b.at) })
	out := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	out = append(out, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0)
	for _, f := range s.frames {
		at := time.Duration(1_790_000_000)*time.Second + f.at
		for _, v := range []int{int(at / time.Second), int(at % time.Second / time.Microsecond), len(f.data), len(f.data)} {
			out = binary.LittleEndian.AppendUint32(out, uint32(v))
		}
		out = append(out, f.data...)
	}
	file := filepath.Join(s.t.TempDir(), "scene.pcap")
	require.NoError(s.t, os.WriteFile(file, out, 0o600))
	return file
}

// tcpData returns the header of a segment with data.
func tcpData(seq, ack uint32) *layers.TCP {
	return &layers.TCP{Seq: seq, Ack: ack, ACK: true, PSH: true}
}
