package parallel

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// traffic makes frames of a few hosts, mirrored at one end, at both or at none, so that as much as can be depends on other flows.
type traffic struct {
	nanos  int64
	ipID   uint16
	frames []decap.Datagram
}

// The first hosts may be mirrored; the others have names.
const mirroredHosts = 4

func addressOf(host int) netip.Addr {
	if host < mirroredHosts {
		return netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + host)})
	}
	return netip.AddrFrom4([4]byte{203, 0, 113, byte(host)})
}

func nameOf(n int) string { return fmt.Sprintf("name%d.example.com", n) }

// serialize returns layers as they are on the wire.
func serialize(l ...gopacket.SerializableLayer) []byte {
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func ethernet() *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
}

// trip is a packet's way: between two hosts, in pieces of so many bytes if that is not 0, copied at the interfaces of some hosts.
type trip struct {
	from, to int
	piece    int
	mirrored []int
}

// send adds a packet.
func (tr *traffic) send(way trip, transport gopacket.SerializableLayer, payload []byte) {
	tr.ipID++
	ip := &layers.IPv4{Version: 4, TTL: 64, Id: tr.ipID, SrcIP: addressOf(way.from).AsSlice(), DstIP: addressOf(way.to).AsSlice()}
	switch l := transport.(type) {
	case *layers.UDP:
		ip.Protocol = layers.IPProtocolUDP
		_ = l.SetNetworkLayerForChecksum(ip)
	case *layers.TCP:
		ip.Protocol = layers.IPProtocolTCP
		_ = l.SetNetworkLayerForChecksum(ip)
	}
	whole := serialize(transport, gopacket.Payload(payload))
	if way.piece == 0 {
		way.piece = len(whole)
	}
	for start := 0; start < len(whole); start += way.piece {
		end := min(len(whole), start+way.piece)
		ip.FragOffset, ip.Flags = uint16(start/8), 0
		if end < len(whole) {
			ip.Flags = layers.IPv4MoreFragments
		}
		tr.copies(serialize(ethernet(), ip, gopacket.Payload(whole[start:end])), way.mirrored)
	}
}

// copies adds the mirrored copies of a frame, or the frame itself if it was not mirrored.
func (tr *traffic) copies(frame []byte, mirrored []int) {
	if len(mirrored) == 0 {
		tr.frames = append(tr.frames, decap.Datagram{Data: frame, WireLen: len(frame), Nanos: tr.nanos})
	}
	for _, host := range mirrored {
		tr.nanos += 1000
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: addressOf(host).AsSlice(), DstIP: []byte{10, 9, 9, 9}}
		udp := &layers.UDP{SrcPort: 50000, DstPort: decap.PortVXLAN}
		_ = udp.SetNetworkLayerForChecksum(ip)
		data := serialize(ethernet(), ip, udp, &layers.VXLAN{ValidIDFlag: true, VNI: uint32(7 + host)}, gopacket.Payload(frame))
		tr.frames = append(tr.frames, decap.Datagram{Data: data, WireLen: len(data), Nanos: tr.nanos})
	}
}

// answer adds a response of DNS: name n has the address of a host.
func (tr *traffic) answer(way trip, n, host int, ttl uint32) {
	name := []byte(nameOf(n))
	dns := &layers.DNS{
		ID: tr.ipID, QR: true, RD: true, RA: true,
		Questions: []layers.DNSQuestion{{Name: name, Type: layers.DNSTypeA, Class: layers.DNSClassIN}},
		Answers: []layers.DNSResourceRecord{
			{Name: name, Type: layers.DNSTypeA, Class: layers.DNSClassIN, TTL: ttl, IP: addressOf(host).AsSlice()},
		},
	}
	tr.send(way, &layers.UDP{SrcPort: 53, DstPort: layers.UDPPort(40000 + n)}, serialize(dns))
}

// pauses are around the timeouts of flows, fragments, copies and windows; some go back.
var pauses = []int64{0, 1e3, 1e6, 1e6, 1e6, 1e9, 29e9, 30e9, 31e9, 61e9, 301e9, 603e9, -5e6, -2e9}

// made makes traffic at random.
func made(t *rapid.T) frames {
	tr := &traffic{nanos: rapid.SampledFrom([]int64{60e9, 1_700_000_000_000_000_000}).Draw(t, "start")}
	host, port := rapid.IntRange(0, 7), rapid.IntRange(1000, 1003)
	for range rapid.IntRange(1, 200).Draw(t, "packets") {
		tr.nanos = max(0, tr.nanos+rapid.SampledFrom(pauses).Draw(t, "pause"))
		way := trip{from: host.Draw(t, "from"), to: host.Draw(t, "to")}
		for _, end := range []int{way.from, way.to} {
			if end < mirroredHosts && rapid.Bool().Draw(t, "mirrored") {
				way.mirrored = append(way.mirrored, end)
			}
		}
		tr.step(t, way, port.Draw(t, "port"))
	}
	return tr.frames
}

// step adds one packet of some kind, or loses one.
func (tr *traffic) step(t *rapid.T, way trip, port int) {
	tcp := &layers.TCP{SrcPort: layers.TCPPort(port), DstPort: 80, Seq: uint32(len(tr.frames)), ACK: true}
	switch rapid.IntRange(0, 7).Draw(t, "what") {
	case 0:
		host := rapid.IntRange(mirroredHosts, 7).Draw(t, "host")
		way.from = 9
		tr.answer(way, rapid.IntRange(0, 3).Draw(t, "name"), host, rapid.SampledFrom([]uint32{1, 60, 3600}).Draw(t, "ttl"))
	case 1:
		way.piece = rapid.SampledFrom([]int{0, 16, 24}).Draw(t, "piece")
		tr.send(way, &layers.UDP{SrcPort: layers.UDPPort(port), DstPort: 2000}, make([]byte, 60))
	case 2:
		tr.send(way, &layers.UDP{SrcPort: 2000, DstPort: layers.UDPPort(port)}, make([]byte, 10))
	case 3:
		tcp.SYN, tcp.ACK = true, false
		tr.send(way, tcp, nil)
	case 4, 5:
		tr.send(way, tcp, []byte("GET / HTTP/1.1\r\nHost: "+nameOf(port%4)+"\r\n\r\n"))
	case 6:
		tcp.RST = true
		tr.send(way, tcp, nil)
	case 7:
		tr.frames = tr.frames[:max(0, len(tr.frames)-1)]
	}
}

// TestSameEventsOfAnyTraffic: what depends on the packets of another worker is the same as with one.
func TestSameEventsOfAnyTraffic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := made(t)
		cfg := inspect.Config{Memory: inspect.Share(16 << 20), Interval: time.Duration(rapid.SampledFrom([]int{0, 1, 60}).Draw(t, "window")) * time.Second}
		cfg.Activity = rapid.Bool().Draw(t, "activity")
		cfg.Judged = cfg.Activity
		in := slices.Clone(all)
		var alone collected
		w := inspect.New(cfg, &in, &alone)
		require.NoError(t, w.Run())
		want, counted := alone.printed(), w.Counters()
		numbers := rapid.Permutation([]int{1, 2, 3, 8}).Draw(t, "workers")[:testform.Pick(1, 4)]
		for _, n := range numbers {
			in, out := slices.Clone(all), new(collected)
			c, err := New(cfg, n, &in, out)
			require.NoError(t, err)
			require.NoError(t, c.Run())
			got := out.printed()
			for i := range min(len(want), len(got)) {
				if want[i] != got[i] {
					require.Equal(t, want[i], got[i], "%d workers", n)
				}
			}
			require.Len(t, got, len(want))
			require.Equal(t, counted, c.Counters(), "%d workers", n)
			require.Equal(t, alone.activity(), out.activity(), "%d workers", n)
		}
	})
}

// activity prints the events that alerts are made from, in their order: Activity events and lookups. Consecutive Activity events, which are
// of one second, are sorted.
func (c *collected) activity() (lines []string) {
	run := 0
	for _, b := range c.batches {
		for i := range b.Events {
			e := &b.Events[i]
			if e.Kind != event.Activity && (e.Kind != event.AppLayer || e.Proto != l7.DNS) {
				continue
			}
			lines = append(lines, printed(b, e))
			if e.Kind == event.Activity {
				slices.Sort(lines[run:])
			} else {
				run = len(lines)
			}
		}
	}
	return lines
}

// TestActivity: the Activity events of a flow add up to what it sent, the first one says so, and no packet waits for longer than for the
// first one of a later second.
func TestActivity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, out := made(t), new(collected)
		require.NoError(t, inspect.New(inspect.Config{Memory: inspect.Share(16 << 20), Activity: true}, &in, out).Run())
		sums, flows := map[uint64]uint64{}, 0
		for _, b := range out.batches {
			for i := range b.Events {
				e := &b.Events[i]
				switch e.Kind {
				case event.Activity:
					_, known := sums[e.FlowID]
					require.Equal(t, !known, e.Window.Begins)
					sums[e.FlowID] += e.Window.Payload[0]
				case event.Flow:
					if e.Direction != event.Ingress {
						require.Contains(t, sums, e.FlowID)
						require.Equal(t, e.Flow.Payload[0], sums[e.FlowID])
						flows++
					}
					delete(sums, e.FlowID)
				default:
				}
			}
		}
		require.Empty(t, sums)
	})
}
