package sim_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/sim"
)

func all4(number int) sim.Rule {
	any4 := netip.MustParsePrefix("0.0.0.0/0")
	return sim.Rule{Number: number, Accept: true, Source: any4, Destination: any4}
}

func all6(number int) sim.Rule {
	any6 := netip.MustParsePrefix("::/0")
	return sim.Rule{Number: number, Accept: true, Source: any6, Destination: any6}
}

func everything() *sim.Filter {
	rules := []sim.Rule{all4(1), all6(2)}
	return &sim.Filter{Ingress: rules, Egress: rules, AmazonDNS: true}
}

// filtered mirrors the interface of testdata's workload under a filter.
func filtered(f *sim.Filter) sim.Config {
	return sim.Config{Target: target, MTU: 9001, Resolvers: []netip.Addr{netip.MustParseAddr("10.0.0.2")},
		Sessions: []sim.Session{{Number: 1, VNI: 101, Source: source, MAC: eniMAC, Filter: f}}}
}

func mirrored(tb testing.TB, cfg sim.Config, frame []byte) (vnis []byte) {
	tb.Helper()
	for _, c := range mirror(tb, cfg).Encapsulate(nil, frame) {
		vnis = append(vnis, c.Payload[6])
	}
	return vnis
}

func TestRules(t *testing.T) {
	reject := func(r sim.Rule) sim.Rule { r.Accept = false; return r }
	tcp443 := all4(10)
	tcp443.Protocol, tcp443.DestinationPorts = 6, sim.PortRange{From: 443, To: 443}
	from1024 := all4(10)
	from1024.Protocol, from1024.SourcePorts = 6, sim.PortRange{From: 1024, To: 65535}
	inside := all4(10)
	inside.Destination = netip.MustParsePrefix("10.0.0.0/8")
	icmp := all4(10)
	icmp.Protocol = 1

	https := tcpFrame(t, "10.0.1.10:40000", "198.51.100.10:443")
	internal := tcpFrame(t, "10.0.1.10:40000", "10.0.4.20:80")
	for name, tt := range map[string]struct {
		egress []sim.Rule
		frame  []byte
		taken  bool
	}{
		"no rule takes nothing":                {nil, https, false},
		"all takes all":                        {[]sim.Rule{all4(1)}, https, true},
		"the other family needs its own rule":  {[]sim.Rule{all4(1)}, tcpFrame(t, "[2001:db8:a1::10]:4", "[2001:db8::1]:443"), false},
		"IPv6":                                 {[]sim.Rule{all6(1)}, tcpFrame(t, "[2001:db8:a1::10]:4", "[2001:db8::1]:443"), true},
		"the lowest number decides: reject":    {[]sim.Rule{all4(20), reject(inside)}, internal, false},
		"the lowest number decides: accept":    {[]sim.Rule{reject(all4(20)), inside}, internal, true},
		"what does not match goes on":          {[]sim.Rule{reject(inside), all4(20)}, https, true},
		"a destination port":                   {[]sim.Rule{tcp443}, https, true},
		"another destination port":             {[]sim.Rule{tcp443}, internal, false},
		"another protocol with the same port":  {[]sim.Rule{tcp443}, udpFrame(t, "10.0.1.10:1", "198.51.100.10:443", nil), false},
		"a range of source ports":              {[]sim.Rule{from1024}, https, true},
		"below a range of source ports":        {[]sim.Rule{from1024}, tcpFrame(t, "10.0.1.10:1023", "10.0.4.20:80"), false},
		"a protocol without ports":             {[]sim.Rule{icmp}, pingFrame(t, "10.0.1.10", "10.0.4.20", 8), true},
		"a fragment without ports, by ports":   {[]sim.Rule{tcp443}, laterFragment(https), false},
		"a fragment without ports, by address": {[]sim.Rule{all4(1)}, laterFragment(https), true},
		"a frame that is cut in its IP header": {[]sim.Rule{all4(1)}, https[:30], false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := filtered(&sim.Filter{Egress: tt.egress})
			require.Equal(t, tt.taken, mirrored(t, cfg, tt.frame) != nil)
			require.Nil(t, mirrored(t, cfg, turned(tt.frame)), "the egress rules say nothing of ingress")
			cfg = filtered(&sim.Filter{Ingress: tt.egress})
			require.Equal(t, tt.taken, mirrored(t, cfg, turned(tt.frame)) != nil)
		})
	}
}

func laterFragment(frame []byte) []byte {
	f := append([]byte{}, frame...)
	f[14+6], f[14+7] = 0, 100
	return f
}

func TestDirectionWithoutMAC(t *testing.T) {
	cfg := filtered(&sim.Filter{Egress: []sim.Rule{all4(1)}})
	cfg.Sessions[0].MAC = [6]byte{}
	cfg.Sessions[0].Addresses = []netip.Addr{netip.MustParseAddr("10.0.1.11")}
	require.NotNil(t, mirrored(t, cfg, tcpFrame(t, "10.0.1.10:1", "10.0.4.20:80")), "the primary address")
	require.NotNil(t, mirrored(t, cfg, tcpFrame(t, "10.0.1.11:1", "10.0.4.20:80")), "another address of the interface")
	require.Nil(t, mirrored(t, cfg, tcpFrame(t, "10.0.4.20:80", "10.0.1.10:1")), "ingress")
	require.Nil(t, mirrored(t, cfg, tcpFrame(t, "10.0.7.7:1", "10.0.4.20:80")), "not this interface's")
}

func TestFirstSessionThatTakesAPacketMirrorsIt(t *testing.T) {
	web := all4(1)
	web.Protocol, web.DestinationPorts = 6, sim.PortRange{From: 443, To: 443}
	cfg := filtered(&sim.Filter{Egress: []sim.Rule{all4(1)}})
	cfg.Sessions[0].Number = 2
	cfg.Sessions = append(cfg.Sessions, sim.Session{Number: 1, VNI: 99, Source: source, Filter: &sim.Filter{Egress: []sim.Rule{web}}})
	require.Equal(t, []byte{99}, mirrored(t, cfg, tcpFrame(t, "10.0.1.10:1", "198.51.100.10:443")))
	require.Equal(t, []byte{101}, mirrored(t, cfg, tcpFrame(t, "10.0.1.10:1", "198.51.100.10:80")))
}

func TestBothEndsMirrored(t *testing.T) {
	cfg := filtered(everything())
	cfg.Sessions = append(cfg.Sessions, sim.Session{Number: 1, VNI: 102, Source: netip.MustParseAddr("10.0.4.20"), MAC: peerMAC,
		Filter: everything()})
	frame := tcpFrame(t, "10.0.1.10:1", "10.0.4.20:80")
	require.Equal(t, []byte{101, 102}, mirrored(t, cfg, frame))
	require.Equal(t, []byte{101, 102}, mirrored(t, cfg, turned(frame)))
}

func TestNeverMirrored(t *testing.T) {
	arp := append([]byte{}, tcpFrame(t, "10.0.1.10:1", "10.0.4.20:80")...)
	arp[12], arp[13] = 0x08, 0x06
	for name, frame := range map[string][]byte{
		"ARP":                arp,
		"DHCP":               udpFrame(t, "0.0.0.0:68", "255.255.255.255:67", nil),
		"DHCPv6":             udpFrame(t, "[fe80::1]:546", "[ff02::1:2]:547", nil),
		"metadata":           tcpFrame(t, "10.0.1.10:1000", "169.254.169.254:80"),
		"metadata, IPv6":     tcpFrame(t, "[2001:db8:a1::10]:1000", "[fd00:ec2::254]:80"),
		"metadata's answer":  tcpFrame(t, "169.254.169.254:80", "10.0.1.10:1000"),
		"Amazon Time Sync":   udpFrame(t, "10.0.1.10:123", "169.254.169.123:123", nil),
		"Windows activation": tcpFrame(t, "10.0.1.10:1000", "169.254.169.250:1688"),
	} {
		t.Run(name, func(t *testing.T) {
			require.Nil(t, mirrored(t, filtered(everything()), frame))
			require.Equal(t, []byte{3}, mirrored(t, sim.Default(3, source, target), frame), "Default takes every frame")
		})
	}
	ntp := udpFrame(t, "10.0.1.10:123", "198.51.100.123:123", nil)
	require.NotNil(t, mirrored(t, filtered(everything()), ntp), "NTP elsewhere is mirrored")
}

func TestAmazonDNSGoesByTheNetworkService(t *testing.T) {
	nothing := &sim.Filter{AmazonDNS: true}
	withoutDNS := everything()
	withoutDNS.AmazonDNS = false
	for _, resolver := range []string{"10.0.0.2:53", "169.254.169.253:53"} {
		query := udpFrame(t, "10.0.1.10:4444", resolver, nil)
		answer := turned(udpFrame(t, resolver, "10.0.1.10:4444", nil))
		for _, frame := range [][]byte{query, answer, laterFragment(answer)} {
			require.NotNil(t, mirrored(t, filtered(nothing), frame), "on, without rules")
			require.Nil(t, mirrored(t, filtered(withoutDNS), frame), "off, whatever the rules take")
		}
	}
	other := udpFrame(t, "10.0.1.10:4444", "198.51.100.53:53", nil)
	require.Nil(t, mirrored(t, filtered(nothing), other), "other resolvers go by the rules")
	require.NotNil(t, mirrored(t, filtered(withoutDNS), other))
}
