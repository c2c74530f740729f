package command

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// tuple is a direction of a flow as a flow log line has it.
type tuple struct {
	src, dst     netip.Addr
	sport, dport uint16
	proto        uint8
}

type sum struct{ packets, bytes uint64 }

func (s *sum) add(packets, bytes uint64) { s.packets, s.bytes = s.packets+packets, s.bytes+bytes }

// portless is a tuple without its ports, which fragments but the first do not have.
func (t tuple) portless() tuple { return tuple{src: t.src, dst: t.dst, proto: t.proto} }

// independent is what gopacket counts in a capture.
type independent struct {
	sums     map[tuple]sum
	pieces   map[tuple]bool // portless: those of which there are fragments
	disputed int            // frames about which gopacket and our decoder do not agree, counted as ours; decap tests those
	frames   int
}

// count decodes all frames of a capture with gopacket. It returns nil for a file that is none.
func count(t *testing.T, file string) *independent {
	src, err := capture.Open(file)
	if err != nil {
		return nil
	}
	defer src.Close()
	n := &independent{sums: map[tuple]sum{}, pieces: map[tuple]bool{}}
	var b decap.Batch
	for err == nil {
		err = src.Read(&b)
		for i := range b.N {
			n.add(&b.D[i])
		}
	}
	var corrupt *capture.CorruptError
	require.True(t, errors.Is(err, io.EOF) || errors.As(err, &corrupt), "%s: %v", file, err)
	return n
}

func (n *independent) add(d *decap.Datagram) {
	n.frames++
	var p decap.Packet
	why := new(decap.Decoder).Parse(&p, d)
	ours := tuple{p.Src.Netip(), p.Dst.Netip(), p.SrcPort, p.DstPort, p.Proto}
	if p.Version == 6 {
		ours.src, ours.dst = netip.AddrFrom16(p.Src), netip.AddrFrom16(p.Dst)
	}
	if why == decap.Fragment {
		ours = ours.portless()
	}
	theirs, bytes, fragment, ok := innermost(d)
	if !ok || ours != theirs || bytes != p.IPLen || fragment != (why == decap.Fragment) {
		if ok || why <= decap.Fragment {
			n.disputed++
		}
		if why > decap.Fragment {
			return
		}
		theirs, bytes, fragment = ours, p.IPLen, why == decap.Fragment
	}
	if fragment {
		n.pieces[theirs.portless()] = true
	}
	s := n.sums[theirs]
	s.add(1, uint64(bytes))
	n.sums[theirs] = s
}

// innermost is the last IP packet that gopacket finds in a frame.
func innermost(d *decap.Datagram) (t tuple, bytes int, fragment, ok bool) {
	first, known := map[decap.Link]gopacket.LayerType{
		decap.LinkEthernet: layers.LayerTypeEthernet, decap.LinkSLL: layers.LayerTypeLinuxSLL, decap.LinkNull: layers.LayerTypeLoopback,
		decap.LinkIP: layers.LayerTypeIPv4,
	}[d.Link]
	if !known {
		return t, 0, false, false
	}
	if d.Link == decap.LinkIP && len(d.Data) > 0 && d.Data[0]>>4 == 6 {
		first = layers.LayerTypeIPv6
	}
	for _, l := range gopacket.NewPacket(d.Data, first, gopacket.DecodeOptions{NoCopy: true}).Layers() {
		switch l := l.(type) {
		case *layers.IPv4:
			src, _ := netip.AddrFromSlice(l.SrcIP)
			dst, _ := netip.AddrFromSlice(l.DstIP)
			t, bytes, ok = tuple{src: src, dst: dst, proto: uint8(l.Protocol)}, int(l.Length), true
			fragment = l.FragOffset != 0 || l.Flags&layers.IPv4MoreFragments != 0
		case *layers.IPv6:
			src, _ := netip.AddrFromSlice(l.SrcIP)
			dst, _ := netip.AddrFromSlice(l.DstIP)
			t, bytes, fragment, ok = tuple{src: src, dst: dst, proto: uint8(l.NextHeader)}, 40+int(l.Length), false, true
		case *layers.IPv6HopByHop:
			t.proto = uint8(l.NextHeader)
		case *layers.IPv6Destination:
			t.proto = uint8(l.NextHeader)
		case *layers.IPv6Fragment:
			t.proto, fragment = uint8(l.NextHeader), l.FragmentOffset != 0 || l.MoreFragments
		default:
			t.transport(l)
		}
	}
	return t, bytes, fragment, ok
}

// transport takes the ports of a layer that has some.
func (t *tuple) transport(l gopacket.Layer) {
	switch l := l.(type) {
	case *layers.TCP:
		t.sport, t.dport = uint16(l.SrcPort), uint16(l.DstPort)
	case *layers.UDP:
		t.sport, t.dport = uint16(l.SrcPort), uint16(l.DstPort)
	case *layers.SCTP:
		t.sport, t.dport = uint16(l.SrcPort), uint16(l.DstPort)
	}
}

// logged adds up the lines of a flow log, and checks that each lies in one window.
func logged(t *testing.T, file string, window int64) map[tuple]sum {
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	r, err := flowlog.NewReader(f, nil)
	require.NoError(t, err)
	sums := map[tuple]sum{}
	var rec flowlog.Record
	for {
		err := r.Read(&rec)
		if errors.Is(err, io.EOF) {
			return sums
		}
		require.NoError(t, err)
		require.LessOrEqual(t, rec.Start, rec.End)
		require.Equal(t, rec.Start/window, rec.End/window, "one window")
		at := tuple{rec.PktSrcAddr, rec.PktDstAddr, rec.SrcPort, rec.DstPort, rec.Protocol}
		s := sums[at]
		s.add(rec.Packets, rec.Bytes)
		sums[at] = s
	}
}

// merged adds up over ports where there are fragments.
func merged(sums map[tuple]sum, pieces map[tuple]bool) map[tuple]sum {
	out := map[tuple]sum{}
	for at, v := range sums {
		if pieces[at.portless()] {
			at = at.portless()
		}
		s := out[at]
		s.add(v.packets, v.bytes)
		out[at] = s
	}
	return out
}

// sameSums says where two counts of a capture differ.
func sameSums(t *testing.T, file string, want, got map[tuple]sum) {
	for at, v := range want {
		if v != got[at] {
			assert.Equal(t, v, got[at], "%s: %+v", file, at)
		}
	}
	for at, v := range got {
		if _, ok := want[at]; !ok {
			assert.Fail(t, "only in the flow log", "%s: %+v: %+v", file, at, v)
		}
	}
}

// insideFragments are captures whose fragments, put together, have a tunnel in them, or fragments again. They count for the flow
// inside, of which gopacket knows nothing; so only the totals are compared.
var insideFragments = map[string]bool{
	"zeek__erspan.pcap": true, "zeek__tunnels_gtp_gtp1_gn_normal_incl_fragmentation.pcap": true,
	"zeek__tunnels_gtp_gtp2_different_udp_port.pcap":                 true,
	"suriver__ipv6-evasion_ipv6-malformed-fragments-35_frag-35.pcap": true,
	"suriver__ipv6-evasion_ipv6-malformed-fragments-36_frag-36.pcap": true,
}

func inAll(sums map[tuple]sum) map[tuple]sum {
	var all sum
	for _, s := range sums {
		all.add(s.packets, s.bytes)
	}
	return map[tuple]sum{{}: all}
}

// TestFlowLogAgreesWithGopacket: for every capture, the flow log has the packets and IP bytes of each 5-tuple and direction that
// gopacket counts.
func TestFlowLogAgreesWithGopacket(t *testing.T) {
	for _, dir := range []string{"../../../../testdata", "../../../../../shared/corpus/dev/pcaps"} {
		files, err := filepath.Glob(filepath.Join(dir, "*cap*"))
		require.NoError(t, err)
		if len(files) == 0 {
			t.Logf("skipped: no captures in %s", dir)
		}
		frames, disputed := 0, 0
		read := testform.Some(files)
		for i, file := range read {
			want := count(t, file)
			if want == nil {
				continue
			}
			frames, disputed = frames+want.frames, disputed+want.disputed
			interval, window := "1m", int64(60)
			if i%2 == 1 {
				interval, window = "10m", 600
			}
			out := filepath.Join(t.TempDir(), "flow.log")
			var stderr strings.Builder
			Run(t.Context(), []string{
				"replay", "--quiet", "--memory=8MiB", "--flowlog", out, "--flowlog-interval", interval,
				"--flowlog-format", "start end pkt-srcaddr pkt-dstaddr srcport dstport protocol packets bytes log-status", file,
			}, io.Discard, &stderr)
			got := logged(t, out, window)
			if insideFragments[filepath.Base(file)] {
				sameSums(t, file, inAll(want.sums), inAll(got))
				continue
			}
			sameSums(t, file, merged(want.sums, want.pieces), merged(got, want.pieces))
		}
		if len(read) == len(files) {
			assert.LessOrEqual(t, disputed, frames/20, "most frames are gopacket's to count")
		}
		t.Logf("%s: %d files, %d frames, of which gopacket and we see %d otherwise", dir, len(read), frames, disputed)
	}
}
