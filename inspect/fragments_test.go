package inspect

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// pieces cuts a UDP datagram of a DNS server with a right checksum into fragments of IPv4 or IPv6.
func pieces(t require.TestingT, six bool, payload []byte, size int) (frames []decap.Datagram) {
	client, server := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("192.0.2.53")
	if six {
		client, server = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::53")
	}
	udp := &layers.UDP{SrcPort: 53, DstPort: 5353}
	network := gopacket.NetworkLayer(&layers.IPv4{Protocol: layers.IPProtocolUDP, SrcIP: server.AsSlice(), DstIP: client.AsSlice()})
	if six {
		network = &layers.IPv6{NextHeader: layers.IPProtocolUDP, SrcIP: server.AsSlice(), DstIP: client.AsSlice()}
	}
	require.NoError(t, udp.SetNetworkLayerForChecksum(network))
	whole := serialized(t, udp, gopacket.Payload(payload))
	for off := 0; off < len(whole); off += size {
		part := whole[off:min(off+size, len(whole))]
		more := off+size < len(whole)
		eth := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
		var frame []byte
		if six {
			at := uint16(off)
			if more {
				at |= 1
			}
			header := append(binary.BigEndian.AppendUint16([]byte{17, 0}, at), 0, 0, 0, 99)
			eth.EthernetType = layers.EthernetTypeIPv6
			ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolIPv6Fragment, SrcIP: server.AsSlice(), DstIP: client.AsSlice()}
			frame = serialized(t, eth, ip, gopacket.Payload(append(header, part...)))
		} else {
			ip := &layers.IPv4{
				Version: 4, TTL: 64, Id: 99, FragOffset: uint16(off / 8), Protocol: layers.IPProtocolUDP, SrcIP: server.AsSlice(), DstIP: client.AsSlice(),
			}
			if more {
				ip.Flags = layers.IPv4MoreFragments
			}
			frame = serialized(t, eth, ip, gopacket.Payload(part))
		}
		frames = append(frames, decap.Datagram{Data: frame, WireLen: len(frame), Nanos: int64(time.Hour)})
	}
	return frames
}

func serialized(t require.TestingT, l ...gopacket.SerializableLayer) []byte {
	buf := gopacket.NewSerializeBuffer()
	require.NoError(t, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...))
	return slices.Clone(buf.Bytes())
}

// answers is a DNS response with many addresses of www.example.com.
func answers(n int) []byte {
	b := []byte{0x12, 0x34, 0x81, 0x80, 0, 1, 0, byte(n), 0, 0, 0, 0}
	b = append(b, "\x03www\x07example\x03com\x00\x00\x01\x00\x01"...)
	for i := range n {
		b = append(b, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, byte(i))
	}
	return b
}

// TestFragmentsThatCome has the ways in which the fragments of a response come: what is read, and what counts in which flows.
func TestFragmentsThatCome(t *testing.T) {
	const late, none = int64(time.Second), "none"
	for name, c := range map[string]struct {
		order   []int // of the three fragments
		pause   int   // before which of them there is a pause; 0 for none
		change  func(f []decap.Datagram)
		read    string // the last address that is read, or none
		packets string
		ports   bool
	}{
		"in order":            {order: []int{0, 1, 2}, read: "198.51.100.59", packets: "[0 3]", ports: true},
		"reversed":            {order: []int{2, 1, 0}, read: "198.51.100.59", packets: "[0 3]", ports: true},
		"each twice":          {order: []int{0, 0, 1, 1, 2, 2}, read: "198.51.100.59", packets: "[0 3]", ports: true},
		"all twice":           {order: []int{0, 1, 2, 0, 1, 2}, read: "198.51.100.59", packets: "[0 3]", ports: true},
		"again later":         {order: []int{0, 1, 2, 2, 0}, pause: 3, read: "198.51.100.59", packets: "[0 3]", ports: true},
		"first alone":         {order: []int{0}, read: "198.51.100.21", packets: "[0 1]", ports: true},
		"first and second":    {order: []int{0, 1}, read: "198.51.100.46", packets: "[0 2]", ports: true},
		"first and last":      {order: []int{0, 2}, read: "198.51.100.21", packets: "[0 2]", ports: true},
		"the rest later":      {order: []int{0, 1, 2, 2}, pause: 1, read: "198.51.100.21", packets: "[0 3]", ports: true},
		"the first later":     {order: []int{1, 2, 0}, pause: 2, read: "198.51.100.59", packets: "[0 3]", ports: true},
		"without the first":   {order: []int{1, 2, 2}, read: none, packets: "[2 0]"},
		"another byte":        {order: []int{0, 1, 2}, change: func(f []decap.Datagram) { last(f[1].Data)[0]++ }, read: none, packets: "[0 3]", ports: true},
		"changed addresses":   {order: []int{0, 1, 2}, change: changeSource, read: "198.51.100.59", packets: "[0 3]", ports: true},
		"contradicting twice": {order: []int{0, 1, 1, 2}, change: func(f []decap.Datagram) { last(f[2].Data)[0]++ }, read: none, packets: "[0 4]", ports: true},
	} {
		for _, six := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, %v", name, six), func(t *testing.T) {
				fragments := pieces(t, six, answers(60), 400)
				require.Len(t, fragments, 3)
				var in []decap.Datagram
				nanos := fragments[0].Nanos
				for i, n := range c.order {
					d := fragments[n]
					d.Data = slices.Clone(d.Data)
					if i == c.pause && i > 0 {
						nanos += late
					}
					d.Nanos = nanos + int64(i)*millisecond
					in = append(in, d)
				}
				if c.change != nil {
					c.change(in)
				}
				for _, vxlan := range []bool{false, true} {
					sent := in
					if vxlan {
						sent = mirrored(in, "10.0.0.1", 8)
					}
					out, n := inspect(t, Config{}, sent)
					requireFragments(t, out.lines(event.Flow), c.packets, c.ports)
					messages := out.lines(event.AppLayer)
					if c.read == none {
						require.Empty(t, messages)
					} else {
						require.Len(t, messages, 1)
						require.Contains(t, messages[0], `rdata="`+c.read+`"`)
						var n int
						_, err := fmt.Sscanf(c.read, "198.51.100.%d", &n)
						require.NoError(t, err)
						require.NotContains(t, messages[0], fmt.Sprintf(`rdata="198.51.100.%d"`, n+1))
					}
					require.Equal(t, uint64(len(sent)), n.FragmentsHeld)
					require.Equal(t, n.FragmentsHeld, n.FragmentsDuplicate+n.FragmentsIncomplete+n.FragmentsEvicted+3*n.Reassembled)
					require.Equal(t, name == "another byte", n.ReassembledBad == 1)
					require.Equal(t, name == "contradicting twice", n.FragmentsOverlapping > 0)
				}
			})
		}
	}
}

func requireFragments(t *testing.T, flows []string, packets string, ports bool) {
	require.Len(t, flows, 1)
	require.Contains(t, flows[0], "packets="+packets)
	require.Equal(t, ports, strings.Contains(flows[0], ":5353 > "), flows[0])
}

// last returns the last byte of a frame.
// changeSource changes the source of IPv4 packets, and no checksum, as was done to captures that are published.
func changeSource(f []decap.Datagram) {
	const source = 14 + 12
	for _, d := range f {
		if d.Data[14]>>4 == 4 {
			d.Data[source+3]++
		}
	}
}

func last(b []byte) []byte { return b[len(b)-1:] }
