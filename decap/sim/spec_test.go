package sim_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/sim"
)

const wholeSpec = `
target: 10.0.9.9
mtu: 8500
resolvers: [10.0.0.2]
gateway:
  source: 10.0.9.1
  appliance: 10.0.9.2
  endpoint: 0x0123456789abcdef
  attachment: 17
sessions:
  - session-number: 2
    vni: 101
    source: 10.0.1.10
    mac: 02:00:00:00:01:10
    addresses: [10.0.1.11, "2001:db8:a1::10"]
    packet-length: 128
    filter: web
filters:
  web:
    amazon-dns: true
    ingress:
      - {number: 1, action: reject, source: 10.0.0.0/8, destination: 0.0.0.0/0}
      - {number: 2, action: accept, protocol: 6, source: 0.0.0.0/0, destination: 0.0.0.0/0, source-ports: 443}
    egress:
      - number: 1
        action: accept
        protocol: tcp
        source: ::/0
        destination: ::/0
        destination-ports: 1024-65535
`

func TestParseSpec(t *testing.T) {
	cfg, err := sim.ParseSpec([]byte(wholeSpec))
	require.NoError(t, err)
	prefix := netip.MustParsePrefix
	require.Equal(t, sim.Config{
		Target:    target,
		MTU:       8500,
		Resolvers: []netip.Addr{netip.MustParseAddr("10.0.0.2")},
		Gateway: &sim.Gateway{Source: netip.MustParseAddr("10.0.9.1"), Appliance: netip.MustParseAddr("10.0.9.2"),
			Endpoint: 0x0123456789abcdef, Attachment: 17},
		Sessions: []sim.Session{{
			Number: 2, VNI: 101, Source: source, MAC: eniMAC, PacketLength: 128,
			Addresses: []netip.Addr{netip.MustParseAddr("10.0.1.11"), source6},
			Filter: &sim.Filter{
				AmazonDNS: true,
				Ingress: []sim.Rule{
					{Number: 1, Source: prefix("10.0.0.0/8"), Destination: prefix("0.0.0.0/0")},
					{Number: 2, Accept: true, Protocol: 6, Source: prefix("0.0.0.0/0"), Destination: prefix("0.0.0.0/0"),
						SourcePorts: sim.PortRange{From: 443, To: 443}},
				},
				Egress: []sim.Rule{{Number: 1, Accept: true, Protocol: 6, Source: prefix("::/0"), Destination: prefix("::/0"),
					DestinationPorts: sim.PortRange{From: 1024, To: 65535}}},
			},
		}},
	}, cfg)
	_, err = sim.New(cfg)
	require.NoError(t, err)
}

func TestSpecDefaults(t *testing.T) {
	cfg, err := sim.ParseSpec([]byte("sessions: [{vni: 5, source: 10.0.1.10, filter: none}]\nfilters: {none: {}}"))
	require.NoError(t, err)
	require.Equal(t, 9001, cfg.MTU)
	require.Equal(t, 1, cfg.Sessions[0].Number)
	require.False(t, cfg.Target.IsValid(), "left to the caller")
}

func TestBadSpecs(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "the file is empty",
		"targt: 10.0.0.1":                       `[1:1] unknown field "targt"`,
		"mtu: 1\nmtu: 2":                        `[2:1] mapping key "mtu" already defined`,
		"mtu: 1500\n---\nmtu: 1500":             "more than one document",
		"resolvers: !x 10.0.0.2":                "leave out YAML tags",
		"mtu: big":                              "[1:6]",
		"target: 10.0.0":                        `"10.0.0" is not an IP address`,
		"sessions: [{vni: -1}]":                 "overflow",
		"sessions: [{mac: 02:00}]":              "is not an Ethernet address",
		"sessions: [{filter: web}]":             `there is no filter "web"`,
		"filters: {f: {egress: [{number: 3}]}}": `filter f: rule 3: action "" is neither accept nor reject`,
		"filters: {f: {egress: [{protocol: gre}]}}":                   `protocol "gre" is neither`,
		"filters: {f: {egress: [{source-ports: 1-99999}]}}":           "neither a port nor a range",
		"filters: {f: {egress: [{source-ports: -1}]}}":                "neither a port nor a range",
		"filters: {f: {egress: [{number: 3, action: accept}]}}":       "filter f: rule 3: source and destination must be given",
		"filters: {f: {ingress: [{source: 10.0.0.1/33}]}}":            `"10.0.0.1/33" is not a network such as 10.0.0.0/8`,
		"sessions:\n  - vni: 7\n    sauce: 10.0.0.1\n":                `[3:5] unknown field "sauce"`,
		"filters: {f: {ingress: [{action: reject, action: accept}]}}": "already defined",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := sim.ParseSpec([]byte(text))
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "\n", "an error is one line")
		})
	}
}

// What ParseSpec and New accept works on any frame.
func FuzzParseSpec(f *testing.F) {
	f.Add([]byte(wholeSpec))
	f.Add([]byte("sessions: [{vni: 5, source: 10.0.1.10, filter: none}]\nfilters: {none: {}}"))
	f.Add([]byte("resolvers: !x 10.0.0.2"))
	frames := captured(f, "plain-misc.pcap")
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := sim.ParseSpec(text)
		if err != nil {
			return
		}
		if !cfg.Target.IsValid() {
			cfg.Target = target
		}
		m, err := sim.New(cfg)
		if err != nil {
			return
		}
		var copies []sim.Copy
		for _, frame := range frames {
			copies = m.Encapsulate(copies[:0], frame)
			require.LessOrEqual(t, len(copies), len(cfg.Sessions))
		}
	})
}
