package rx

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

func TestUDPConfigDefaults(t *testing.T) {
	cfg, err := UDPConfig{Addr: netip.MustParseAddrPort("[::ffff:10.0.0.1]:4789"), Link: decap.LinkVXLAN}.withDefaults()
	require.NoError(t, err)
	assert.Equal(t, UDPConfig{
		Addr:    netip.MustParseAddrPort("10.0.0.1:4789"),
		Sockets: 1,
		Link:    decap.LinkVXLAN,
	}, cfg)
}

func TestUDPConfigRefuses(t *testing.T) {
	cases := map[string]func(*UDPConfig){
		"no address given": func(cfg *UDPConfig) { cfg.Addr = netip.AddrPort{} },
		"zone":             func(cfg *UDPConfig) { cfg.Addr = netip.MustParseAddrPort("[fe80::1%eth0]:4789") },
		"-1 sockets":       func(cfg *UDPConfig) { cfg.Sockets = -1 },
		"1025 sockets":     func(cfg *UDPConfig) { cfg.Sockets = 1025 },
		"-1 bytes":         func(cfg *UDPConfig) { cfg.ReceiveBuffer = -1 },
		"3000000000 bytes": func(cfg *UDPConfig) { cfg.ReceiveBuffer = 3e9 },
		"receives VXLAN":   func(cfg *UDPConfig) { cfg.Link = decap.LinkEthernet },
	}
	for want, spoil := range cases {
		t.Run(want, func(t *testing.T) {
			cfg := UDPConfig{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Link: decap.LinkVXLAN}
			spoil(&cfg)
			_, err := cfg.withDefaults()
			assert.ErrorContains(t, err, want)
		})
	}
}
