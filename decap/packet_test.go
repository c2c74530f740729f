package decap_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

func TestIPID(t *testing.T) {
	options := v4(decap.UDP, make([]byte, 4), udp(1, 2, "00"))
	options[0]++ // four bytes of options
	for name, c := range map[string]struct {
		frame []byte
		want  uint16
	}{
		"IPv4":              {ether(0x0800, v4(decap.UDP, udp(1, 2, "00"))), 1},
		"options":           {ether(0x0800, options), 1},
		"cut in the header": {ether(0x0800, options[:20]), 0},
		"IPv6":              {ether(0x86dd, v6(decap.UDP, udp(1, 2, "00"))), 0},
		"IPv4 in IPv6":      {ether(0x86dd, v6(4, v4(decap.UDP, udp(1, 2, "00")))), 1},
		"IPv6 in IPv4":      {ether(0x0800, v4(41, v6(decap.UDP, udp(1, 2, "00")))), 0},
	} {
		var p decap.Packet
		d := datagram(decap.LinkVXLAN, vxlan(1, c.frame))
		require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d), name)
		assert.Equal(t, c.want, p.IPID(), name)
		kept := p.Detached()
		assert.Zero(t, kept.IPID(), name)
	}
}
