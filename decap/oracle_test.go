package decap_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// seen is what we and gopacket must agree on for a packet.
type seen struct {
	src, dst     netip.Addr
	proto        uint8
	ipLen        int
	sport, dport uint16
	flags        uint8
	seq, ack     uint32
	payload      int
	fragment     bool
	impossible   bool // what gopacket takes for an IP header is none
}

// ours is what our decoder saw.
func ours(p *decap.Packet, r decap.Reason) seen {
	s := seen{
		src: p.Src.Netip(), dst: p.Dst.Netip(), proto: p.Proto, ipLen: p.IPLen, sport: p.SrcPort, dport: p.DstPort,
		flags: p.TCPFlags, seq: p.Seq, ack: p.Ack, payload: len(p.Payload), fragment: r == decap.Fragment,
	}
	if s.fragment {
		s.sport, s.dport = 0, 0 // gopacket does not look into first fragments
	}
	return s
}

// theirs is what gopacket saw: every IP packet of the frame with its transport, the outermost first.
func theirs(pkt gopacket.Packet) []seen {
	var all []seen
	for _, l := range pkt.Layers() {
		switch l := l.(type) {
		case *layers.IPv4:
			src, _ := netip.AddrFromSlice(l.SrcIP)
			dst, _ := netip.AddrFromSlice(l.DstIP)
			frag := l.FragOffset != 0 || l.Flags&layers.IPv4MoreFragments != 0
			all = append(all, seen{
				src: src, dst: dst, proto: uint8(l.Protocol), ipLen: int(l.Length), payload: len(l.Payload), fragment: frag,
				impossible: !src.IsValid() || l.Version != 4 || l.IHL < 5 || l.Length < uint16(l.IHL)*4,
			})
		case *layers.IPv6:
			src, _ := netip.AddrFromSlice(l.SrcIP)
			dst, _ := netip.AddrFromSlice(l.DstIP)
			all = append(all, seen{
				src: src.Unmap(), dst: dst.Unmap(), proto: uint8(l.NextHeader), ipLen: 40 + int(l.Length), payload: len(l.Payload),
				impossible: !src.IsValid() || l.Version != 6,
			})
		default:
			if len(all) > 0 {
				all[len(all)-1].add(l)
			}
		}
	}
	return all
}

// add notes a layer of the packet behind its IP header.
func (s *seen) add(l gopacket.Layer) {
	extension := func(next layers.IPProtocol) { s.proto, s.payload = uint8(next), len(l.LayerPayload()) }
	switch l := l.(type) {
	case *layers.IPv6HopByHop:
		extension(l.NextHeader)
	case *layers.IPv6Routing:
		extension(l.NextHeader)
	case *layers.IPv6Destination:
		extension(l.NextHeader)
	case *layers.IPSecAH:
		extension(l.NextHeader)
	case *layers.IPv6Fragment:
		extension(l.NextHeader)
		s.fragment = l.FragmentOffset != 0 || l.MoreFragments
	case *layers.TCP:
		s.sport, s.dport, s.payload = uint16(l.SrcPort), uint16(l.DstPort), len(l.Payload)
		s.flags, s.seq, s.ack = tcpFlags(l), l.Seq, l.Ack
	case *layers.UDP:
		s.sport, s.dport, s.payload = uint16(l.SrcPort), uint16(l.DstPort), len(l.Payload)
	case *layers.SCTP:
		s.sport, s.dport, s.payload = uint16(l.SrcPort), uint16(l.DstPort), len(l.Payload)
	case *layers.ICMPv4:
		s.payload = len(l.Payload)
	case *layers.ICMPv6:
		s.payload = len(l.Contents) + len(l.Payload) - 8
	}
}

func tcpFlags(l *layers.TCP) uint8 {
	var flags uint8
	for i, set := range []bool{l.FIN, l.SYN, l.RST, l.PSH, l.ACK, l.URG, l.ECE, l.CWR} {
		if set {
			flags |= 1 << i
		}
	}
	return flags
}

// firstLayer is gopacket's name for a link.
func firstLayer(d *decap.Datagram) (gopacket.LayerType, bool) {
	switch d.Link {
	case decap.LinkEthernet:
		return layers.LayerTypeEthernet, true
	case decap.LinkSLL:
		return layers.LayerTypeLinuxSLL, true
	case decap.LinkNull:
		return layers.LayerTypeLoopback, true
	case decap.LinkIP:
		if len(d.Data) > 0 && d.Data[0]>>4 == 6 {
			return layers.LayerTypeIPv6, true
		}
		return layers.LayerTypeIPv4, true
	default:
		return 0, false // gopacket 1.1 does not know cooked captures of version 2
	}
}

// A compared frame is one that we and gopacket decoded.
type compared struct {
	p      decap.Packet
	r      decap.Reason
	ours   seen
	theirs []seen
	pkt    gopacket.Packet
}

// found reports whether we found an IP packet.
func (c *compared) found() bool { return c.r <= decap.Fragment }

// innermost is the last IP packet that gopacket found.
func (c *compared) innermost() seen {
	if len(c.theirs) == 0 {
		return seen{}
	}
	return c.theirs[len(c.theirs)-1]
}

// sameIP reports whether the two found the same innermost IP header.
func (c *compared) sameIP() bool {
	a, b := c.ours, c.innermost()
	return c.found() && a.src == b.src && a.dst == b.dst && a.ipLen == b.ipLen
}

func (c *compared) has(t gopacket.LayerType) bool { return c.pkt.Layer(t) != nil }

// differences are the classes of frames about which we and gopacket 1.1 do not agree, each with its reason, in the order
// in which they are tried.
var differences = []struct {
	reason string
	is     func(c *compared) bool
}{
	{"gopacket takes any bytes for an IP header: another version, a length below the header's, a header that is cut", func(c *compared) bool {
		i := slices.IndexFunc(c.theirs, func(s seen) bool { return s.impossible })
		return i == 0 && !c.found() || i > 0 && c.ours == c.theirs[i-1]
	}},
	{"gopacket gives up at a transport header that is cut or contradicts itself, and at headers it does not know; so its ports are 0", func(c *compared) bool {
		return c.pkt.ErrorLayer() != nil && c.sameIP()
	}},
	{"gopacket takes every IPv6 fragment header for a fragment; with offset 0 and nothing to follow the packet is whole (RFC 6946)", func(c *compared) bool {
		return c.has(layers.LayerTypeIPv6Fragment) && c.sameIP() && !c.ours.fragment && !c.innermost().fragment
	}},
	{"gopacket keeps the length of BIG TCP and jumbograms in 16 bits", func(c *compared) bool {
		in := c.innermost()
		return c.ours.src == in.src && c.ours.dst == in.dst && (c.ours.ipLen > 65535 || in.ipLen == 40)
	}},
	{"gopacket does not know the tunnel, or the pseudowire's control word: GTP-U's extensions, Teredo, PPTP, VXLAN-GPE, other ports", func(c *compared) bool {
		depth := int(c.p.Depth)
		if c.p.Mirrored {
			depth++
		}
		return c.found() && depth >= len(c.theirs)
	}},
	{"gopacket's innermost IP packet is the mirror's envelope, since there is no whole one in the mirrored frame", func(c *compared) bool {
		return c.p.Mirrored && (c.r == decap.NotIP || c.r == decap.ShortFrame) && c.p.Outer.Addr() == c.innermost().src
	}},
	{"gopacket cuts an IP packet where PPPoE's length ends it; we believe the IP header", func(c *compared) bool {
		return c.has(layers.LayerTypePPPoE) && c.sameIP() && c.ours.payload > c.innermost().payload
	}},
	{"ERSPAN straight in Ethernet is nobody's standard", func(c *compared) bool {
		return c.r == decap.NotIP && c.has(layers.LayerTypeERSPANII) && !c.has(layers.LayerTypeGRE)
	}},
}

// compareCapture decodes each frame of a capture twice, and counts those that differ by the index of their class.
func compareCapture(t *testing.T, file string, counts []int) (frames int) {
	src, err := capture.Open(file)
	if err != nil {
		return 0 // a file that is no capture; rx tests that
	}
	defer src.Close()
	var b decap.Batch
	for err == nil {
		err = src.Read(&b)
		for i := range b.N {
			first, ok := firstLayer(&b.D[i])
			if !ok {
				continue
			}
			frames++
			compareFrame(t, filepath.Base(file), frames, &b.D[i], first, counts)
		}
	}
	return frames
}

func compareFrame(t *testing.T, file string, number int, d *decap.Datagram, first gopacket.LayerType, counts []int) {
	var c compared
	c.r = new(decap.Decoder).Parse(&c.p, d)
	requireSameUnwrapped(t, &c.p, *d)
	c.pkt = gopacket.NewPacket(d.Data, first, gopacket.DecodeOptions{NoCopy: true})
	c.theirs = theirs(c.pkt)
	if c.found() {
		c.ours = ours(&c.p, c.r)
	}
	if c.ours == c.innermost() {
		return
	}
	for i := range differences {
		if differences[i].is(&c) {
			counts[i]++
			return
		}
	}
	t.Errorf("%s, frame with a known link %d: %v\nours   %+v\ntheirs %+v\n%v", file, number, c.r, c.ours, c.theirs, c.pkt)
}

// requireSameUnwrapped checks that Parse finds the same packet after Unwrap.
func requireSameUnwrapped(t *testing.T, want *decap.Packet, d decap.Datagram) {
	var g decap.FastKey
	if new(decap.Decoder).FastKey(&g, &d) {
		g.Unwrap(&d)
		var rest decap.Packet
		require.Equal(t, decap.OK, new(decap.Decoder).Parse(&rest, &d))
		require.Equal(t, *want, rest)
	}
}

// TestOracle compares with gopacket on every frame of the captures in testdata, and of the public ones where they are.
func TestOracle(t *testing.T) {
	root := moduleRoot(t)
	for _, dir := range []string{"testdata", "../shared/corpus/dev/pcaps"} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var files []string
			err := filepath.WalkDir(filepath.Join(root, dir), func(path string, e fs.DirEntry, err error) error {
				if err == nil && strings.Contains(filepath.Ext(path), "cap") {
					files = append(files, path)
				}
				return err
			})
			if errors.Is(err, fs.ErrNotExist) || err == nil && len(files) == 0 {
				t.Skipf("no captures in %s", dir)
			}
			require.NoError(t, err)
			counts, frames := make([]int, len(differences)), 0
			for _, f := range testform.Some(files) {
				frames += compareCapture(t, f, counts)
			}
			t.Logf("%d frames of %d captures", frames, len(files))
			for i, n := range counts {
				t.Logf("%6d: %s", n, differences[i].reason)
			}
		})
	}
}

// moduleRoot is the directory of go.mod.
func moduleRoot(t testing.TB) string {
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		require.NotEqual(t, dir, filepath.Dir(dir), "no go.mod")
		dir = filepath.Dir(dir)
	}
}
