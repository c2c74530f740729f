package decap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// fuzzHeader fuzzes the parser of one header, which stands behind what at puts before it. Whatever it is: the packet is sound, within what was
// captured, the same each time, and a skipped tunnel is the packet of the tunnel.
func fuzzHeader(f *testing.F, link decap.Link, at func(b []byte) []byte, seeds ...[]byte) {
	for _, seed := range seeds {
		f.Add(seed, uint16(0))
		f.Add(seed[:len(seed)/2], uint16(len(seed)/2))
	}
	f.Fuzz(func(t *testing.T, b []byte, missing uint16) {
		d := datagram(link, at(b))
		d.WireLen += int(missing)
		dec := &decap.Decoder{Encapsulation: decap.Never}
		var p, again decap.Packet
		r := dec.Parse(&p, &d)
		requireSound(t, &p, r, &d)
		if r <= decap.Fragment {
			require.Less(t, p.TunnelSkip, decap.TunnelSkips)
			again.TunnelSkip, again.Depth = decap.TunnelMalformed, 3
			require.Equal(t, r, dec.Parse(&again, &d))
			again.VerifyChecksums()
			require.Equal(t, p, again)
		}
	})
}

// fuzzCarriers fuzzes what is behind the IP header, or behind UDP to a port, of all carriers there are of it.
func fuzzCarriers(f *testing.F, proto uint8, port uint16) {
	var seeds [][]byte
	for _, c := range carriers() {
		if c.proto != proto {
			continue
		}
		payload := c.wrap(dns)
		if proto == decap.UDP {
			if payload[2] != byte(port>>8) || payload[3] != byte(port) {
				continue
			}
			payload = payload[decap.UDPLen:]
		}
		seeds = append(seeds, payload)
	}
	require.NotEmpty(f, seeds)
	fuzzHeader(f, decap.LinkIP, func(b []byte) []byte {
		if proto == decap.UDP {
			b = udp(50001, port, b)
		}
		return v4(proto, b)
	}, seeds...)
}

func FuzzL2TP(f *testing.F)    { fuzzCarriers(f, decap.UDP, 1701) }
func FuzzL2TPv3(f *testing.F)  { fuzzCarriers(f, 115, 0) }
func FuzzMPLSUDP(f *testing.F) { fuzzCarriers(f, decap.UDP, 6635) }
func FuzzGUE(f *testing.F)     { fuzzCarriers(f, decap.UDP, 6080) }
func FuzzFOU(f *testing.F)     { fuzzCarriers(f, decap.UDP, 5555) }
func FuzzCAPWAP(f *testing.F)  { fuzzCarriers(f, decap.UDP, 5247) }
func FuzzGRE(f *testing.F)     { fuzzCarriers(f, 47, 0) }
func FuzzEtherIP(f *testing.F) { fuzzCarriers(f, 97, 0) }

// FuzzServiceChain fuzzes NSH, FuzzBackbone IEEE 802.1ah.
func FuzzServiceChain(f *testing.F) {
	fuzzHeader(f, decap.LinkEthernet, func(b []byte) []byte { return ether(0x894f, b) },
		join("0fc2 02 01 00000aff", dns), join("0fc2 02 04 00000aff 0fc3 02 03 00000aff 00000000", ether(0x0800, dns)))
}

func FuzzBackbone(f *testing.F) {
	fuzzHeader(f, decap.LinkEthernet, func(b []byte) []byte { return ether(0x88e7, b) },
		join("00012345", ether(0x0800, dns)), join("00012345", ether(0x8926, "8005 0003 893f 1001 0002 0000 0800", dns)))
}

// FuzzNFLOG, FuzzPPP and FuzzCHDLC fuzz link headers of captures.
func FuzzNFLOG(f *testing.F) {
	fuzzHeader(f, decap.LinkNFLOG, func(b []byte) []byte { return b },
		join("02 00 0005 0800 0100 0800 0100 2400 0900", dns), join("02 00 0005 0008 0001 0800 0100 0024 0009", dns))
}

func FuzzPPP(f *testing.F) {
	fuzzHeader(f, decap.LinkPPPDirection, func(b []byte) []byte { return b }, join("00 03 0021", dns), join("01 ff03 0057", v6(59)))
}

func FuzzCHDLC(f *testing.F) {
	fuzzHeader(f, decap.LinkCHDLC, func(b []byte) []byte { return b }, join("0f00 0800", dns), join("8f00 8100 0005 86dd", v6(59)))
}
