package decap_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

func TestAllow(t *testing.T) {
	prefix := netip.MustParsePrefix
	mirrored := vxlan(7, []byte{1}) // nothing in it is worth parsing
	short := "short_frame 10.9.8.7:65409 vni 7"
	for name, c := range map[string]struct {
		allow *decap.Allow
		want  string
	}{
		"no list":            {nil, short},
		"empty lists":        {decap.NewAllow(nil, nil), short},
		"source":             {decap.NewAllow([]netip.Prefix{prefix("10.9.0.0/16")}, nil), short},
		"source, host bits":  {decap.NewAllow([]netip.Prefix{prefix("10.9.1.2/16")}, nil), short},
		"source, mapped":     {decap.NewAllow([]netip.Prefix{prefix("::ffff:10.9.0.0/112")}, nil), short},
		"another source":     {decap.NewAllow([]netip.Prefix{prefix("10.8.0.0/16"), prefix("::/0")}, nil), "source_refused 10.9.8.7:65409 vni 7"},
		"VNI":                {decap.NewAllow(nil, []decap.VNIRange{{First: 7, Last: 7}}), short},
		"another VNI":        {decap.NewAllow(nil, []decap.VNIRange{{First: 8, Last: 9}, {First: 1, Last: 6}}), "vni_refused 10.9.8.7:65409 vni 7"},
		"an empty range":     {decap.NewAllow(nil, []decap.VNIRange{{First: 8, Last: 1}}), "vni_refused 10.9.8.7:65409 vni 7"},
		"source but not VNI": {decap.NewAllow([]netip.Prefix{prefix("10.9.0.0/16")}, []decap.VNIRange{{First: 8, Last: 9}}), "vni_refused 10.9.8.7:65409 vni 7"},
	} {
		runCases(t, &decap.Decoder{Allow: c.allow}, decap.LinkVXLAN, []parseCase{{name, mirrored, c.want}})
	}
}

// TestAllowGeneve holds that the mirrored interface, not the load balancer, is looked up behind a Gateway Load Balancer
// endpoint; and that captures obey the lists too.
func TestAllowGeneve(t *testing.T) {
	interfaces := decap.NewAllow([]netip.Prefix{netip.MustParsePrefix("10.1.2.3/32")}, []decap.VNIRange{{First: 9, Last: 9}})
	gateway := func(vni uint32) []byte {
		return join("00 00 0800 000000 00", v4(decap.UDP, udp(65410, 4789, vxlan(vni, ether(0x0800, dns)))))
	}
	dec := &decap.Decoder{Allow: interfaces}
	runCases(t, dec, decap.LinkGENEVE, []parseCase{
		{"gateway", gateway(9), "ok 10.1.2.3:65410 vni 9 " + dnsPacket},
		{"gateway, another VNI", gateway(8), "vni_refused 10.1.2.3:65410 vni 8"},
		{"GENEVE of its own", join("00 00 0800 000009 00", dns), "source_refused 10.9.8.7:65409 vni 9"},
	})
	runCases(t, dec, decap.LinkEthernet, []parseCase{
		{"mirrored in a capture", ether(0x0800, v4(decap.UDP, udp(1, 4789, vxlan(8, ether(0x0800, dns))))), "vni_refused 10.1.2.3:1 vni 8"},
		{"plain", ether(0x0800, dns), "ok " + dnsPacket},
	})
}

// TestAllowRanges compares merged ranges with looking through the list.
func TestAllowRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Uint32Range(0, 40)
		ranges := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) decap.VNIRange {
			return decap.VNIRange{First: number.Draw(t, "first"), Last: number.Draw(t, "last")}
		}), 1, 8).Draw(t, "ranges")
		dec := decap.Decoder{Allow: decap.NewAllow(nil, ranges)}
		for vni := range uint32(42) {
			want := decap.VNIRefused
			for _, r := range ranges {
				if r.First <= vni && vni <= r.Last {
					want = decap.OK
				}
			}
			var p decap.Packet
			d := datagram(decap.LinkVXLAN, vxlan(vni, ether(0x0800, dns)))
			assert.Equal(t, want, dec.Parse(&p, &d), "VNI %d in %v", vni, ranges)
		}
	})
}
