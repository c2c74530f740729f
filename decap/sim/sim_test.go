package sim_test

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/sim"
)

var (
	source  = netip.MustParseAddr("10.0.1.10")
	source6 = netip.MustParseAddr("2001:db8:a1::10")
	target  = netip.MustParseAddr("10.0.9.9")
	target6 = netip.MustParseAddr("2001:db8:9::9")
	eniMAC  = [6]byte{2, 0, 0, 0, 1, 0x10}
	peerMAC = [6]byte{2, 0, 0, 0, 1, 1}
)

// captured returns the frames of a capture of testdata.
func captured(tb testing.TB, name string) [][]byte {
	tb.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", name))
	require.NoError(tb, err)
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	require.NoError(tb, err)
	var frames [][]byte
	for {
		data, _, err := r.ReadPacketData()
		if err != nil {
			break
		}
		frames = append(frames, data)
	}
	require.NotEmpty(tb, frames)
	return frames
}

func mirror(tb testing.TB, cfg sim.Config) *sim.Mirror {
	tb.Helper()
	m, err := sim.New(cfg)
	require.NoError(tb, err)
	return m
}

var plainCaptures = []string{"plain-http.pcap", "plain-tls.pcap", "plain-dns.pcap", "plain-misc.pcap"}

// What the simulator writes, the decoder reads: as a UDP socket gives it and as a capture holds it, over each outer header.
func TestDecoderReadsTheCopies(t *testing.T) {
	gateway := sim.Default(7, source, target)
	gateway.Gateway = &sim.Gateway{Source: netip.MustParseAddr("10.0.9.1"), Appliance: netip.MustParseAddr("10.0.9.2")}
	gateway6 := sim.Default(7, source6, target6)
	gateway6.Gateway = gateway.Gateway
	for name, cfg := range map[string]sim.Config{
		"IPv4": sim.Default(7, source, target), "IPv6": sim.Default(7, source6, target6), "gateway": gateway, "gateway, IPv6": gateway6,
	} {
		t.Run(name, func(t *testing.T) {
			m := mirror(t, cfg)
			var dec decap.Decoder
			var p decap.Packet
			for _, capture := range plainCaptures {
				for i, frame := range captured(t, capture) {
					copies := m.Encapsulate(nil, frame)
					require.Len(t, copies, 1)
					c := copies[0]
					link := decap.LinkVXLAN
					if cfg.Gateway != nil {
						link = decap.LinkGENEVE
					}
					for _, d := range []decap.Datagram{
						{Data: c.Payload, Outer: c.From, Link: link, WireLen: len(c.Payload)},
						{Data: c.Frame, Link: decap.LinkEthernet, WireLen: len(c.Frame)},
					} {
						why := dec.Parse(&p, &d)
						require.Contains(t, []decap.Reason{decap.OK, decap.Fragment}, why, "%s packet %d", capture, i+1)
						require.True(t, p.Mirrored)
						require.EqualValues(t, 7, p.VNI)
						require.Equal(t, cfg.Sessions[0].Source, p.Outer.Addr())
						require.Equal(t, frame, p.Frame)
					}
				}
			}
		})
	}
}

// The outer headers are those of a genuine mirror capture, field by field.
func TestOuterHeaders(t *testing.T) {
	frame := captured(t, "plain-http.pcap")[0]
	c := mirror(t, sim.Default(0x123456, source, target)).Encapsulate(nil, frame)[0]
	p := gopacket.NewPacket(c.Frame, layers.LayerTypeEthernet, gopacket.Default)
	ip := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	require.EqualValues(t, 255, ip.TTL)
	require.Zero(t, ip.Id)
	require.Zero(t, ip.Flags)
	require.EqualValues(t, len(c.Frame)-14, ip.Length)
	require.Zero(t, ^onesComplement(c.Frame[14:34]), "IPv4 checksum")
	udp := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	require.EqualValues(t, decap.PortVXLAN, udp.DstPort)
	require.GreaterOrEqual(t, uint16(udp.SrcPort), uint16(0xff80))
	require.Zero(t, udp.Checksum)
	require.EqualValues(t, len(c.Payload)+8, udp.Length)
	require.Equal(t, []byte{8, 0, 0, 0, 0x12, 0x34, 0x56, 0}, c.Payload[:8])
	require.Equal(t, frame, c.Payload[8:])
}

func TestGatewayOptions(t *testing.T) {
	cfg := sim.Default(5, source, target)
	cfg.Gateway = &sim.Gateway{Source: netip.MustParseAddr("10.0.9.1"), Appliance: netip.MustParseAddr("10.0.9.2"),
		Endpoint: 0x1122334455667788, Attachment: 0x99aabbccddeeff00}
	c := mirror(t, cfg).Encapsulate(nil, captured(t, "plain-http.pcap")[0])[0]
	require.EqualValues(t, decap.PortGENEVE, c.To.Port())
	p := gopacket.NewPacket(c.Frame, layers.LayerTypeEthernet, gopacket.Default)
	g := p.Layer(layers.LayerTypeGeneve).(*layers.Geneve)
	require.Equal(t, layers.EthernetTypeIPv4, g.Protocol)
	require.Len(t, g.Options, 3)
	for i, want := range []struct {
		typ  uint8
		data uint64
	}{{1, cfg.Gateway.Endpoint}, {2, cfg.Gateway.Attachment}} {
		require.EqualValues(t, 0x0108, g.Options[i].Class)
		require.Equal(t, want.typ, g.Options[i].Type)
		require.Equal(t, want.data, binary.BigEndian.Uint64(g.Options[i].Data))
	}
	require.EqualValues(t, 3, g.Options[2].Type)
	require.Len(t, g.Options[2].Data, 4)
}

func onesComplement(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	return uint16(sum>>16 + sum&0xffff)
}

func TestCopiesAreCut(t *testing.T) {
	frame := udpFrame(t, "10.0.1.10:1000", "10.0.2.20:2000", make([]byte, 60000))
	for name, tt := range map[string]struct {
		mtu, packetLength, want int
		target, source          netip.Addr
	}{
		"to the packet length":         {sim.MaxMTU, 128, 128, target, source},
		"to the target's MTU":          {9001, 0, 9001 - 36, target, source},
		"to the smaller":               {1500, 8500, 1500 - 36, target, source},
		"to the MTU, over IPv6":        {9001, 0, 9001 - 56, target6, source6},
		"not at all":                   {sim.MaxMTU, 0, len(frame), target, source},
		"to a packet length that fits": {9001, 8500, 8500, target, source},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := sim.Default(1, tt.source, tt.target)
			cfg.MTU, cfg.Sessions[0].PacketLength = tt.mtu, tt.packetLength
			c := mirror(t, cfg).Encapsulate(nil, frame)[0]
			require.Equal(t, frame[:tt.want], c.Payload[8:])
			var p decap.Packet
			require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &decap.Datagram{Data: c.Frame, WireLen: len(c.Frame)}))
			require.Equal(t, tt.want < len(frame), p.Truncated)
			require.Equal(t, len(frame)-14, p.IPLen, "the volume stays")
		})
	}
}

// A frame that is too large for any datagram is cut to what fits, in each encapsulation.
func TestHugeFramesFitTheirDatagram(t *testing.T) {
	cfg := sim.Default(1, source, target)
	require.Len(t, mirror(t, cfg).Encapsulate(nil, make([]byte, 80000))[0].Frame, 14+65535)
	cfg.Gateway = &sim.Gateway{Source: source, Appliance: target}
	require.Len(t, mirror(t, cfg).Encapsulate(nil, make([]byte, 80000))[0].Frame, 14+65535)
}

// encapsulateAll is what the allocation test and the benchmark share.
func encapsulateAll(tb testing.TB, m *sim.Mirror, copies []sim.Copy, frames [][]byte) []sim.Copy {
	for _, frame := range frames {
		if copies = m.Encapsulate(copies[:0], frame); len(copies) != 1 {
			tb.Fatal("not mirrored")
		}
	}
	return copies
}

func TestEncapsulateDoesNotAllocate(t *testing.T) {
	m := mirror(t, filtered(everything()))
	frames := captured(t, "plain-tls.pcap")
	copies := encapsulateAll(t, m, nil, frames)
	require.Zero(t, testing.AllocsPerRun(10, func() { copies = encapsulateAll(t, m, copies, frames) }))
}

func BenchmarkEncapsulate(b *testing.B) {
	m := mirror(b, filtered(everything()))
	frames := captured(b, "plain-tls.pcap")
	copies := encapsulateAll(b, m, nil, frames)
	b.ReportAllocs()
	for b.Loop() {
		copies = encapsulateAll(b, m, copies, frames)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(frames)), "ns/packet")
}

func TestNewRefusesWhatCannotBe(t *testing.T) {
	for name, change := range map[string]func(*sim.Config){
		"no target":              func(c *sim.Config) { c.Target = netip.Addr{} },
		"no sessions":            func(c *sim.Config) { c.Sessions = nil },
		"mtu 500":                func(c *sim.Config) { c.MTU = 500 },
		"mtu 65536":              func(c *sim.Config) { c.MTU = 65536 },
		"24-bit":                 func(c *sim.Config) { c.Sessions[0].VNI = 1 << 24 },
		"address family":         func(c *sim.Config) { c.Sessions[0].Source = source6 },
		"packet length 8501":     func(c *sim.Config) { c.Sessions[0].PacketLength = 8501 },
		"number is taken":        func(c *sim.Config) { c.Sessions = append(c.Sessions, c.Sessions[0]) },
		"IPv4 addresses":         func(c *sim.Config) { c.Gateway = &sim.Gateway{Source: source6, Appliance: target} },
		"must be given":          func(c *sim.Config) { c.Sessions[0].Filter = &sim.Filter{Egress: []sim.Rule{{Number: 1}}} },
		"rule 1: the number":     func(c *sim.Config) { c.Sessions[0].Filter = &sim.Filter{Egress: []sim.Rule{all4(1), all4(1)}} },
		"the interface's MAC is": func(c *sim.Config) { c.Sessions = twoMACs(c.Sessions[0]) },
		"different address families": func(c *sim.Config) {
			r := all4(1)
			r.Source = netip.MustParsePrefix("::/0")
			c.Sessions[0].Filter = &sim.Filter{Ingress: []sim.Rule{r}}
		},
		"want protocol tcp or udp": func(c *sim.Config) {
			r := all4(1)
			r.SourcePorts = sim.PortRange{From: 1, To: 2}
			c.Sessions[0].Filter = &sim.Filter{Ingress: []sim.Rule{r}}
		},
		"ends before it begins": func(c *sim.Config) {
			r := all4(1)
			r.Protocol, r.SourcePorts = 6, sim.PortRange{From: 2, To: 1}
			c.Sessions[0].Filter = &sim.Filter{Ingress: []sim.Rule{r}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := sim.Default(1, source, target)
			change(&cfg)
			_, err := sim.New(cfg)
			require.ErrorContains(t, err, name)
		})
	}
}

func twoMACs(s sim.Session) []sim.Session {
	s.MAC = eniMAC
	other := s
	other.Number, other.MAC = 2, peerMAC
	return []sim.Session{s, other}
}
