package netif_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/decap/netif"
)

func TestValidName(t *testing.T) {
	for _, name := range []string{"eth0", "ens5", "br-lan.7", "...", "a@b", strings.Repeat("x", netif.MaxName)} {
		assert.True(t, netif.ValidName(name), "%q", name)
	}
	for _, name := range []string{"", ".", "..", "a/b", "a:b", "tap%d", "a b", "a\tb", "a\nb", "a\x00", strings.Repeat("x", netif.MaxName+1)} {
		assert.False(t, netif.ValidName(name), "%q", name)
	}
}
