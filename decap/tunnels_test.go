package decap_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A carrier puts a packet into a tunnel.
type carrier struct {
	name  string
	proto uint8 // the IP protocol around it
	wrap  func(ip []byte) []byte
	depth uint8
	exact bool // it is not recognizable if a part of the tunnel's header is missing
}

// inUDP returns a carrier in UDP from an entropy port to a tunnel's port.
func inUDP(name string, port uint16, depth uint8, wrap func(ip []byte) []byte) carrier {
	return carrier{name, decap.UDP, func(ip []byte) []byte { return udp(50001, port, wrap(ip)) }, depth, false}
}

func inIP(name string, proto uint8, depth uint8, wrap func(ip []byte) []byte) carrier {
	return carrier{name, proto, wrap, depth, false}
}

// before returns a wrap that puts headers before an IP packet.
func before(headers ...any) func(ip []byte) []byte {
	return func(ip []byte) []byte { return append(join(headers...), ip...) }
}

// framed puts headers before an Ethernet frame of a packet.
func framed(headers ...any) func(ip []byte) []byte {
	return func(ip []byte) []byte { return join(join(headers...), ether(typeOf(ip), ip)) }
}

// tagged is framed with VLAN 5.
func tagged(headers ...any) func(ip []byte) []byte {
	return func(ip []byte) []byte {
		return join(join(headers...), ether(0x8100, "0005", uint16Bytes(typeOf(ip)), ip))
	}
}

// typed puts headers before the EtherType of a packet and the packet.
func typed(headers ...any) func(ip []byte) []byte {
	return func(ip []byte) []byte { return join(join(headers...), uint16Bytes(typeOf(ip)), ip) }
}

// ppp puts headers before a PPP protocol of two bytes, or of one.
func ppp(compressed bool, headers ...any) func(ip []byte) []byte {
	return func(ip []byte) []byte {
		protocol := []byte{0, 0x21}
		if typeOf(ip) == 0x86dd {
			protocol[1] = 0x57
		}
		if compressed {
			protocol = protocol[1:]
		}
		return join(join(headers...), protocol, ip)
	}
}

func typeOf(ip []byte) uint16 {
	if ip[0]>>4 == 6 {
		return 0x86dd
	}
	return 0x0800
}

// by chooses the byte of a protocol number by the packet's version.
func by(four, six byte, head string, tail string) func(ip []byte) []byte {
	return func(ip []byte) []byte {
		number := four
		if typeOf(ip) == 0x86dd {
			number = six
		}
		return join(head, []byte{number}, tail, ip)
	}
}

// measured puts the length of L2TP behind its flags, and the rest of the header behind that.
func measured(flags, rest string, wrap func(ip []byte) []byte) func(ip []byte) []byte {
	return func(ip []byte) []byte {
		body := join(rest, wrap(ip))
		return join(flags, uint16Bytes(uint16(4+len(body))), body)
	}
}

// The headers of IEEE 802.11 data frames: without and with QoS, with four addresses, with the bytes of the frame control swapped.
const (
	dot11Plain   = "0801 0000 020000000001 020000000002 020000000003 0010 aaaa03 000000"
	dot11QoS     = "8802 0000 020000000001 020000000002 020000000003 0010 0000 aaaa03 000000"
	dot11Four    = "8803 0000 020000000001 020000000002 020000000003 0010 020000000004 0000 aaaa03 000000"
	dot11HT      = "8882 0000 020000000001 020000000002 020000000003 0010 0000 00000000 aaaa03 000000"
	dot11Swapped = "0188 0000 020000000001 020000000002 020000000003 0010 0000 aaaa03 000000"
	dot11Clear   = "0841 0000 020000000001 020000000002 020000000003 0010 aaaa03 000000" // flag "protected", and not encrypted
)

// carriers are all tunnels, in the variants of their headers.
func carriers() []carrier {
	list := []carrier{
		inUDP("MPLS", 6635, 1, before("00064140")),
		inUDP("MPLS, four labels", 6635, 1, before("00064040 00007040 12345040 00065140")),
		inUDP("MPLS, pseudowire", 6635, 2, framed("00064140")),
		inUDP("MPLS, pseudowire with control word", 6635, 2, framed("00064140 00000001")),
		inIP("MPLS in IP", 137, 1, before("00064140")),

		inUDP("L2TPv2", 1701, 1, ppp(false, "0002 0001 0001 ff03")),
		inUDP("L2TPv2, compressed", 1701, 1, ppp(true, "0002 0001 0001")),
		inUDP("L2TPv2, sequence", 1701, 1, ppp(false, "0802 0001 0001 0005 0004 ff03")),
		inUDP("L2TPv2, offset", 1701, 1, ppp(false, "0202 0001 0001 0003 aabbcc ff03")),
		inUDP("L2TPv2, priority", 1701, 1, ppp(false, "0102 0001 0001")),
		inUDP("L2TPv2, length", 1701, 1, measured("4002", "0001 0001", ppp(false, "ff03"))),
		inUDP("L2TPv2, all fields", 1701, 1, measured("4b02", "0001 0001 0005 0004 0002 0000", ppp(true, "ff03"))),
		inUDP("L2TPv2, MPLS in PPP", 1701, 1, before("0002 0001 0001 ff03 0281 00064140")),

		inUDP("EtherIP in GUE", 6080, 1, framed("0061 0000 3000")),
		inIP("EtherIP", 97, 1, framed("3000")),
		inIP("EtherIP, tagged", 97, 1, tagged("3000")),

		inUDP("GUE", 6080, 1, by(4, 41, "00", "0000")),
		inUDP("GUE, fields", 6080, 1, by(4, 41, "02", "0001 80000000 00000000")),
		inUDP("GUE, direct", 6080, 1, before()),
		inUDP("GUE, Ethernet", 6080, 1, framed("008f 0000")),
		inUDP("GUE, MPLS", 6080, 1, before("0089 0000 00064140")),
		inUDP("GUE, GRE", 6080, 1, typed("002f 0000 0000")),

		inUDP("NSH in VXLAN-GPE", 4790, 1, by(1, 2, "0c000004 00000700 0fc6 01", "00000aff 00000000 00000000 00000000 00000000")),
		inUDP("NSH without metadata", 4790, 1, by(1, 2, "0c000004 00000700 0fc2 02", "00000aff")),
		inUDP("NSH, Ethernet", 4790, 2, framed("0c000004 00000700 0fc2 02 03 00000aff")),
		inUDP("NSH, twice", 4790, 1, by(1, 2, "0c000004 00000700 0fc2 02 04 00000aff 0fc2 02", "00000bff")),
		inUDP("NSH, MPLS", 4790, 1, before("0c000004 00000700 0fc2 02 05 00000aff 00064140")),
		inUDP("MPLS in VXLAN-GPE", 4790, 1, before("0c000005 00000700 00064140")),
		inIP("NSH in GRE", 47, 1, by(1, 2, "0000 894f 0fc2 02", "00000aff")),

		inIP("GRE, Ethernet", 47, 1, framed("0000 6558")),
		inIP("GRE, Ethernet, tagged", 47, 1, tagged("0000 6558")),
		inIP("GRE, VLAN", 47, 1, typed("0000 8100 0005")),
		inIP("GRE, two VLANs", 47, 1, typed("0000 88a8 0006 8100 0005")),
		inIP("GRE, PPP", 47, 1, ppp(false, "0000 880b ff03")),
		inIP("PPTP", 47, 1, ppp(true, "3001 880b 00250001 00000001")),
		inIP("MikroTik's", 47, 1, framed("2001 6400 4a00 0100")),
		inIP("ERSPAN I", 47, 1, framed("0000 88be")),
		inIP("ERSPAN II", 47, 1, framed("1000 88be 00000001 10050001 00000000")),
		inIP("ERSPAN III", 47, 1, framed("1000 22eb 00000001 20050001 00000000 00000000")),
		inIP("ERSPAN III, IP", 47, 1, before("1000 22eb 00000001 20050001 00000000 00000800")),
		inIP("ERSPAN III, IP, subheader", 47, 1, before("1000 22eb 00000001 20050001 00000000 00000801 0000000000000000")),

		inIP("SRv6 to Ethernet", 143, 1, framed()),
		inIP("SRv6 to Ethernet, tagged", 143, 1, tagged()),

		inUDP("CAPWAP, Ethernet", 5247, 1, framed("00 100200 00000000")),
		inUDP("CAPWAP, radio's address", 5247, 1, framed("00 200210 00000000 06020000000001 00")),
	}
	for name, head := range map[string]string{
		"802.11": dot11Plain, "QoS": dot11QoS, "four addresses": dot11Four, "HT": dot11HT, "swapped": dot11Swapped, "decrypted": dot11Clear,
	} {
		list = append(list,
			inUDP("CAPWAP, "+name, 5247, 1, typed("00 100300 00000000", head)),
			inIP("Aruba, "+name, 47, 1, typed("0000 8200", head)),
			inIP("Aruba, "+name+", another", 47, 1, typed("0000 83f0", head)))
	}
	// Data of version 3 do not show the length of the cookie, nor the kind of the payload.
	for _, cookie := range []string{"", "c0ffee00", "c0ffee00 c0ffee01"} {
		for _, sublayer := range []string{"", "40000001"} {
			for _, header := range []struct {
				name string
				of   func(name string, wrap func(ip []byte) []byte) carrier
				head string
			}{
				{"L2TPv3 in UDP", func(name string, wrap func(ip []byte) []byte) carrier { return inUDP(name, 1701, 1, wrap) }, "0003 0000 00000009"},
				{"L2TPv3", func(name string, wrap func(ip []byte) []byte) carrier { return inIP(name, 115, 1, wrap) }, "00000009"},
			} {
				name := fmt.Sprintf("%s, cookie %q, sublayer %q", header.name, cookie, sublayer)
				list = append(list,
					header.of(name, framed(header.head, cookie, sublayer)),
					header.of(name+", tagged", tagged(header.head, cookie, sublayer)),
					header.of(name+", PPP", ppp(false, header.head, cookie, sublayer, "ff03")),
					header.of(name+", IP", before(header.head, cookie, sublayer)))
			}
		}
	}
	for _, port := range []uint16{5555, 7777} {
		fou := inUDP("FOU", port, 1, before())
		gre := inUDP("GRE in FOU", port, 1, typed("0000"))
		teb := inUDP("Ethernet and GRE in FOU", port, 1, framed("0000 6558"))
		fou.exact, gre.exact, teb.exact = true, true, true
		list = append(list, fou, gre, teb)
	}
	return list
}

// innerPackets are what is carried, with the length of their IP headers.
func innerPackets() map[string][]byte {
	return map[string][]byte{
		"IPv4, UDP": v4(decap.UDP, udp(40000, 53, "61626364")),
		"IPv6, UDP": v6(decap.UDP, udp(40000, 53, "61626364")),
		"IPv4, TCP": v4(decap.TCP, tcp(40000, 53, "hello")),
		"IPv6, TCP": v6(decap.TCP, tcp(40000, 53, "hello")),
	}
}

// outerPackets puts the payload of an IP protocol into an IP packet.
var outerPackets = map[string]func(proto uint8, payload []byte) []byte{
	"in IPv4": func(proto uint8, payload []byte) []byte { return v4(proto, payload) },
	"in IPv6": func(proto uint8, payload []byte) []byte { return v6(proto, payload) },
	"behind SRv6's header": func(proto uint8, payload []byte) []byte {
		return v6(43, []byte{proto}, "02 04 00 00 00 0000", serverV6.AsSlice(), payload)
	},
}

// mirrored are the ways in which a packet arrives.
var mirrored = map[string]func(packet []byte) decap.Datagram{
	"plain": func(p []byte) decap.Datagram { return datagram(decap.LinkEthernet, ether(typeOf(p), p)) },
	"tagged": func(p []byte) decap.Datagram {
		return datagram(decap.LinkEthernet, ether(0x8100, "0009", uint16Bytes(typeOf(p)), p))
	},
	"mirrored": func(p []byte) decap.Datagram { return datagram(decap.LinkVXLAN, vxlan(7, ether(typeOf(p), p))) },
	"capture of mirrored": func(p []byte) decap.Datagram {
		return datagram(decap.LinkEthernet, ether(0x0800, v4(decap.UDP, udp(65409, 4789, vxlan(7, ether(typeOf(p), p))))))
	},
}

// TestTunnelsAreEntered finds the packet inside of every tunnel, of either version, in either version, plain and mirrored, in both directions.
func TestTunnelsAreEntered(t *testing.T) {
	for _, c := range carriers() {
		for what, inner := range innerPackets() {
			for where, outer := range outerPackets {
				for how, arrives := range mirrored {
					d := arrives(outer(c.proto, c.wrap(inner)))
					var p decap.Packet
					name := []string{c.name, what, where, how}
					require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d), name)
					require.Equal(t, decap.TunnelEntered, p.TunnelSkip, "%v is skipped: %v", name, p.TunnelSkip)
					require.Equal(t, c.depth, p.Depth, name)
					require.Equal(t, [2]uint16{40000, 53}, [2]uint16{p.SrcPort, p.DstPort}, name)
					require.Equal(t, len(inner), p.IPLen, name)
					require.Equal(t, int(inner[0]>>4), int(p.Version), name)
					require.False(t, p.Truncated, name)
					require.NotEmpty(t, p.Payload, name)
				}
			}
		}
	}
}

// TestTunnelsFromTheirPort: the other direction of a tunnel over UDP, whose source port is the tunnel's.
func TestTunnelsFromTheirPort(t *testing.T) {
	for _, c := range carriers() {
		if c.proto != decap.UDP {
			continue
		}
		payload := c.wrap(innerPackets()["IPv4, UDP"])
		port, other := binary.BigEndian.Uint16(payload[2:]), binary.BigEndian.Uint16(payload)
		binary.BigEndian.PutUint16(payload, port)
		binary.BigEndian.PutUint16(payload[2:], other)
		var p decap.Packet
		d := datagram(decap.LinkIP, v4(decap.UDP, payload))
		require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d))
		require.Equal(t, c.depth, p.Depth, c.name)
	}
}

// TestTunnelsCut cuts every tunnel at every length, as a snap length or a mirror does. The packet inside is found exactly if its IP header is
// whole. Otherwise the packet is the tunnel's, and the copy is to blame.
func TestTunnelsCut(t *testing.T) {
	for _, c := range carriers() {
		for what, inner := range innerPackets() {
			header := 20
			if typeOf(inner) == 0x86dd {
				header = 40
			}
			whole := v4(c.proto, c.wrap(inner))
			for n := 20 + 8; n < len(whole); n++ {
				var p decap.Packet
				d := decap.Datagram{Data: slices.Clip(whole[:n]), WireLen: len(whole), Link: decap.LinkIP}
				name := fmt.Sprintf("%s, %s, %d of %d bytes", c.name, what, n, len(whole))
				require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d), name)
				if entered := n >= len(whole)-len(inner)+header; entered {
					require.Equal(t, c.depth, p.Depth, name)
					require.Equal(t, decap.TunnelEntered, p.TunnelSkip, name)
					require.Equal(t, len(inner), p.IPLen, name)
					continue
				}
				require.Zero(t, p.Depth, name)
				require.Equal(t, c.proto, p.Proto, name)
				if !c.exact {
					require.Equal(t, decap.TunnelTruncated, p.TunnelSkip, name)
				}
			}
		}
	}
}

// TestTunnelsSkipped: what looks like a tunnel and is not entered is the packet of the tunnel itself, with the reason.
func TestTunnelsSkipped(t *testing.T) {
	inUDP := func(port uint16, parts ...any) []byte { return v4(decap.UDP, udp(50001, port, parts...)) }
	gre := func(parts ...any) []byte { return v4(47, parts...) }
	arp := ether(0x0806, "0001 0800 0604 0001")
	dot11 := func(control string, rest ...any) []byte {
		return join(control, "0000 020000000001 020000000002 020000000003 0010", join(rest...))
	}
	longer := slices.Clone(dns)
	binary.BigEndian.PutUint16(longer[2:], uint16(len(dns)+1))
	for name, c := range map[string]struct {
		packet []byte
		want   decap.TunnelSkip
	}{
		"MPLS without a bottom":      {inUDP(6635, "00064040 00064040 00064040"), decap.TunnelNotIP},
		"MPLS of something else":     {inUDP(6635, "00064140", "10000000 0123456789abcdef 0123456789abcdef"), decap.TunnelNotIP},
		"MPLS, another length":       {inUDP(6635, "00064140", longer), decap.TunnelNotIP},
		"L2TP, control":              {inUDP(1701, "c802 000c 0001 0000 0001 0001"), decap.TunnelEntered},
		"L2TPv3, control":            {inUDP(1701, "c803 000c 00000001 0001 0001"), decap.TunnelEntered},
		"L2TPv3 in IP, control":      {v4(115, "00000000 c803 000c 00000001 0001 0001"), decap.TunnelEntered},
		"L2F":                        {inUDP(1701, "0001 0001 0001 ff03 0021", dns), decap.TunnelVersion},
		"L2TP, reserved bit":         {inUDP(1701, "0012 0001 0001 ff03 0021", dns), decap.TunnelMalformed},
		"L2TP, no session":           {inUDP(1701, "0002 0001 0000 ff03 0021", dns), decap.TunnelMalformed},
		"L2TP, length past the end":  {inUDP(1701, "4002 ffff 0001 0001 ff03 0021", dns), decap.TunnelMalformed},
		"L2TP, length of nothing":    {inUDP(1701, "4002 0003 0001 0001 ff03 0021", dns), decap.TunnelMalformed},
		"L2TP, offset past the end":  {inUDP(1701, "0202 0001 0001 ffff ff03 0021", dns), decap.TunnelMalformed},
		"L2TP, LCP":                  {inUDP(1701, "0002 0001 0001 ff03 c021 0901 0008 00000000"), decap.TunnelNotIP},
		"L2TP, encrypted":            {inUDP(1701, "0002 0001 0001 ff03 00fd 9000 0123456789"), decap.TunnelEncrypted},
		"L2TP, multilink":            {inUDP(1701, "0002 0001 0001 ff03 003d c0000001 0021", dns), decap.TunnelFragmented},
		"L2TP, another length":       {inUDP(1701, "0002 0001 0001 ff03 0021", longer, "00000000000000000000"), decap.TunnelMalformed},
		"L2TP, nothing":              {inUDP(1701, "0002 0001 0001"), decap.TunnelMalformed},
		"L2TPv3, ARP":                {v4(115, "00000009", arp), decap.TunnelNotIP},
		"L2TPv3 in UDP, reserved":    {inUDP(1701, "0003 0001 00000009", ether(0x0800, dns)), decap.TunnelMalformed},
		"L2TPv3 in UDP, no session":  {inUDP(1701, "0003 0000 00000000", ether(0x0800, dns)), decap.TunnelMalformed},
		"GUE, variant 2":             {inUDP(6080, "8004 0000", dns), decap.TunnelVersion},
		"GUE, control":               {inUDP(6080, "2001 0000 00000000"), decap.TunnelEntered},
		"GUE, nothing":               {inUDP(6080, "003b 0000"), decap.TunnelEntered},
		"GUE, fields past the end":   {inUDP(6080, "1f04 0000", dns), decap.TunnelMalformed},
		"GUE, TCP":                   {inUDP(6080, "0006 0000", tcp(1, 2, "hello")), decap.TunnelNotIP},
		"GUE, the other version":     {inUDP(6080, "0029 0000", dns), decap.TunnelMalformed},
		"GUE, another length":        {inUDP(6080, "0004 0000", longer, "00000000000000000000"), decap.TunnelMalformed},
		"FOU, another length":        {inUDP(5555, longer), decap.TunnelEntered},
		"FOU, wrong checksum":        {inUDP(5555, "46", dns[1:]), decap.TunnelEntered},
		"FOU, unknown GRE":           {inUDP(5555, "0001 0800", dns), decap.TunnelEntered},
		"EtherIP, version 4":         {v4(97, "4000", ether(0x0800, dns)), decap.TunnelVersion},
		"EtherIP, reserved bits":     {v4(97, "3001", ether(0x0800, dns)), decap.TunnelMalformed},
		"EtherIP, ARP":               {v4(97, "3000", arp), decap.TunnelNotIP},
		"EtherIP, nothing":           {v4(97, "30"), decap.TunnelMalformed},
		"NSH, version 1":             {gre("0000 894f 4fc2 02 01 00000aff", dns), decap.TunnelVersion},
		"NSH, OAM":                   {gre("0000 894f 2fc2 02 01 00000aff", dns), decap.TunnelNotIP},
		"NSH, length 1":              {gre("0000 894f 0fc1 02 01 00000aff", dns), decap.TunnelMalformed},
		"NSH, length past the end":   {gre("0000 894f 0fff 02 01 00000aff", dns), decap.TunnelMalformed},
		"NSH, something else":        {gre("0000 894f 0fc2 02 06 00000aff", dns), decap.TunnelNotIP},
		"GRE, routing":               {gre("4000 0800 00000000 00000000", dns), decap.TunnelVersion},
		"GRE, version 2":             {gre("0002 0800", dns), decap.TunnelVersion},
		"GRE, keepalive":             {gre("0000 0000"), decap.TunnelEntered},
		"GRE, IS-IS":                 {gre("0000 00fe 83 1b 01 00"), decap.TunnelNotIP},
		"GRE, header cut":            {gre("b000 0800 0000"), decap.TunnelMalformed},
		"GRE, ARP":                   {gre("0000 6558", arp), decap.TunnelNotIP},
		"GRE, bad packet":            {gre("0000 0800 55", dns[1:]), decap.TunnelMalformed},
		"PPTP, encrypted":            {gre("3001 880b 00260001 00000001 00fd 9000"), decap.TunnelEncrypted},
		"PPTP, acknowledgment alone": {gre("2081 880b 00000001 00000002"), decap.TunnelEntered},
		"ERSPAN, frame type 1":       {gre("1000 22eb 00000001 20050001 00000000 00000400", dns), decap.TunnelNotIP},
		"ERSPAN, header cut":         {gre("1000 22eb 00000001 20050001 0000"), decap.TunnelMalformed},
		"Aruba, encrypted":           {gre("0000 8200", dot11("0841", "00000000 20000000 0123456789abcdef0123456789abcdef")), decap.TunnelEncrypted},
		"Aruba, management":          {gre("0000 8200", dot11("8000", "0123456789abcdef 6400 0100")), decap.TunnelNotIP},
		"Aruba, no data":             {gre("0000 8200", dot11("4801")), decap.TunnelNotIP},
		"Aruba, several packets":     {gre("0000 8200", dot11("8801", "8000", dns)), decap.TunnelNotIP},
		"CAPWAP, DTLS":               {inUDP(5247, "01 000000 16feff 0000000000000001"), decap.TunnelEncrypted},
		"CAPWAP, version 1":          {inUDP(5247, "10 100200 00000000", ether(0x0800, dns)), decap.TunnelVersion},
		"CAPWAP, keepalive":          {inUDP(5247, "00 100208 00000000 0016 0023 0010"), decap.TunnelEntered},
		"CAPWAP, fragment":           {inUDP(5247, "00 100280 00010000", ether(0x0800, dns)), decap.TunnelFragmented},
		"CAPWAP, length 1":           {inUDP(5247, "00 080200 00000000", ether(0x0800, dns)), decap.TunnelMalformed},
		"CAPWAP, length past it":     {inUDP(5247, "00 f80200 00000000", ether(0x0800, dns)), decap.TunnelMalformed},
		"CAPWAP, another binding":    {inUDP(5247, "00 100500 00000000", dot11("0801", "aaaa03 000000 0800", dns)), decap.TunnelNotIP},
		"VXLAN, no VNI":              {inUDP(8472, "00000000 00000700", ether(0x0800, dns)), decap.TunnelMalformed},
		"VXLAN, ARP":                 {inUDP(8472, vxlan(7, arp)), decap.TunnelNotIP},
		"VXLAN-GPE, version 1":       {inUDP(4790, "1c000001 00000700", dns), decap.TunnelVersion},
		"VXLAN-GPE, something else":  {inUDP(4790, "0c000007 00000700", dns), decap.TunnelNotIP},
		"GENEVE, version 1":          {inUDP(6081, "4000 6558 00000700", ether(0x0800, dns)), decap.TunnelVersion},
		"GENEVE, something else":     {inUDP(6081, "0000 8847 00000700", dns), decap.TunnelNotIP},
		"GTP-U, version 2":           {inUDP(2152, "4020 0008 00000000 00000000 00000000"), decap.TunnelVersion},
		"GTP-U, echo":                {inUDP(2152, "3001 0000 00000000"), decap.TunnelEntered},
		"GTP-U, something else":      {inUDP(2152, "30ff 0008 00000001 0123456789abcdef"), decap.TunnelNotIP},
		"Teredo, another length":     {inUDP(3544, v6(59), "00"), decap.TunnelMalformed},
		"ESP":                        {v4(50, "00000001 00000001 0123456789abcdef"), decap.TunnelEncrypted},
	} {
		for how, arrives := range mirrored {
			var p decap.Packet
			d := arrives(c.packet)
			require.Equal(t, decap.OK, (&decap.Decoder{Encapsulation: decap.Auto}).Parse(&p, &d), name)
			assert.Zero(t, p.Depth, name)
			assert.Equal(t, c.want.String(), p.TunnelSkip.String(), "%s %s", name, how)
			assert.Equal(t, c.packet[9], p.Proto, name)
			assert.Equal(t, len(c.packet), p.IPLen, name)
		}
	}
}

// TestOtherTrafficOfTunnelPorts: any program may use these ports, so nothing is entered that no packet confirms.
func TestOtherTrafficOfTunnelPorts(t *testing.T) {
	ports := []uint16{1701, 5247, 5555, 6080, 6635, 7777}
	known := [][]byte{
		fromHex("0007 0100 0001 0000 0000 0000 0269 6e07 6578 616d 706c 6503 636f 6d00 0001 0001"),            // DNS
		fromHex("4500 8180 0001 0001 0000 0000 0269 6e07 6578 616d 706c 6503 636f 6d00 0001 0001 c00c 0001"),  // with an ID as of an IP header
		fromHex("2302 06ec 0000 0b3c 0000 2a10 c0a8 0101 e5d1 2bb0 0000 0000 e5d1 2bb0 0000 0000 0000 0000 "), // NTP
		fromHex("8060 1234 0000 0001 0000 0002 d5d5 d5d5 d5d5 d5d5 d5d5 d5d5 d5d5 d5d5 d5d5 d5d5 d5d5"),       // RTP
		fromHex("0001 0000 2112 a442 0102 0304 0506 0708 090a 0b0c"),                                          // STUN
		fromHex("16fe fd00 0000 0000 0000 0000 2f01 0000 2300 0000 0000 0000 23fe fd"),                        // DTLS
		fromHex("0002 0001 0001 ff03 0021 4500"),
	}
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 120), rapid.SampledFrom(known)).Draw(t, "payload")
		port := rapid.SampledFrom(ports).Draw(t, "port")
		for _, packet := range [][]byte{v4(decap.UDP, udp(50001, port, payload)), v6(decap.UDP, udp(port, 53, payload))} {
			var p decap.Packet
			d := datagram(decap.LinkIP, packet)
			require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d))
			require.Zero(t, p.Depth)
			require.Equal(t, payload, append([]byte{}, p.Payload...))
		}
	})
}

// TestTagsAndBackbones decodes what stands between two Ethernet headers, or behind one.
func TestTagsAndBackbones(t *testing.T) {
	frame := ether(0x0800, dns)
	runCases(t, new(decap.Decoder), decap.LinkEthernet, []parseCase{
		{"VN-Tag", ether(0x8926, "8005 0003 0800", dns), "ok " + dnsPacket},
		{"VN-Tag and VLAN", ether(0x8926, "8005 0003 8100 0005 0800", dns), "ok vlan [5] net " + dnsPacket},
		{"VN-Tag cut", ether(0x8926, "8005 0003 08"), "short_frame"},
		{"VN-Tag, ARP", ether(0x8926, "8005 0003 0806 0001"), "not_ip"},
		{"E-Tag", ether(0x893f, "1001 0002 0000 0800", dns), "ok " + dnsPacket},
		{"E-Tag cut", ether(0x893f, "1001 0002 0000"), "short_frame"},
		{"backbone", ether(0x88e7, "00012345", frame), "ok depth 1 net " + dnsPacket},
		{"backbone behind its VLAN", ether(0x88a8, "0009 88e7 00012345", frame), "ok vlan [9] depth 1 net " + dnsPacket},
		{"backbone, customer's VLAN", ether(0x88e7, "00012345", ether(0x8100, "0005 0800", dns)), "ok depth 1 net " + dnsPacket},
		{"backbone, reserved bits", ether(0x88e7, "03012345", frame), "not_ip"},
		{"backbone cut", ether(0x88e7, "0001"), "short_frame"},
		{"backbone, ARP", ether(0x88e7, "00012345", ether(0x0806, "0001")), "not_ip"},
		{"NSH", ether(0x894f, "0fc2 02 01 00000aff", dns), "ok " + dnsPacket},
		{"NSH, Ethernet", ether(0x894f, "0fc2 02 03 00000aff", frame), "ok depth 1 " + dnsPacket},
		{"NSH cut", ether(0x894f, "0fc2 02 01 0000"), "short_frame"},
		{"NSH, length 0", ether(0x894f, "0fc0 02 01 00000aff", dns), "bad_ip"},
		{"NSH, version 1", ether(0x894f, "4fc2 02 01 00000aff", dns), "not_ip"},
	})
}

// TestNestedTooDeep nests each way in which Ethernet is in Ethernet once too often, and once less.
func TestNestedTooDeep(t *testing.T) {
	for name, wrap := range map[string]func(frame []byte) []byte{
		"backbone":   func(f []byte) []byte { return ether(0x88e7, "00012345", f) },
		"NSH":        func(f []byte) []byte { return ether(0x894f, "0fc2 02 03 00000aff", f) },
		"pseudowire": func(f []byte) []byte { return ether(0x8847, "00010140", f) },
		"EtherIP":    func(f []byte) []byte { return ether(0x0800, v4(97, "3000", f)) },
		"L2TPv3":     func(f []byte) []byte { return ether(0x0800, v4(115, "00000009", f)) },
	} {
		frame := ether(0x0800, dns)
		for range decap.MaxDepth {
			frame = wrap(frame)
		}
		var p decap.Packet
		d := datagram(decap.LinkEthernet, frame)
		if name != "L2TPv3" { // of which only a packet is plausible that is found at once
			require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d), name)
			require.EqualValues(t, decap.MaxDepth, p.Depth, name)
			d = datagram(decap.LinkEthernet, wrap(frame))
			require.Equal(t, decap.TooDeep, new(decap.Decoder).Parse(&p, &d), name)
		}
	}
}

// TestBackbonesAreNetworks: the number of a provider's service tells networks apart, and nothing else in its tag does.
func TestBackbonesAreNetworks(t *testing.T) {
	tunnel := func(tag string) uint32 {
		var p decap.Packet
		d := datagram(decap.LinkEthernet, ether(0x88e7, tag, ether(0x0800, dns)))
		require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d))
		return p.Tunnel
	}
	assert.NotEqual(t, tunnel("00000001"), tunnel("00000002"))
	assert.Equal(t, tunnel("00000001"), tunnel("e0000001"))
}
