package inventory

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// entries is an inventory of sessions with VNIs from 0, all at 10.0.0.1, whose interfaces have these names.
func entries(enis ...string) *sessions.Inventory {
	inv := &sessions.Inventory{Format: sessions.InventoryFormat}
	for vni, eni := range enis {
		inv.Entries = append(inv.Entries, sessions.Entry{
			Outer: netip.MustParseAddr("10.0.0.1"), VNI: uint32(vni), Session: "tms-" + eni, Interface: eni,
			MAC: "02:00:00:00:00:0a", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Tags: account.Tags{"Name": eni},
		})
	}
	return inv
}

func TestOwnersSayWhatTheInventorySays(t *testing.T) {
	var o owners
	assert.Nil(t, o.Owner(netip.MustParseAddr("10.0.0.1"), 0))
	inv := entries("eni-1")
	e := &inv.Entries[0]
	e.Instance, e.VPC, e.Subnet, e.Zone, e.Account = "i-1", "vpc-1", "subnet-1", "eu-west-1a", "111122223333"
	o.replace(inv)
	got := o.Owner(e.Outer, 0)
	require.NotNil(t, got)
	assert.Equal(t, []string{"eni-1", "i-1", "vpc-1", "subnet-1", "eu-west-1a", "111122223333", "tms-eni-1"},
		[]string{got.ENI, got.Instance, got.VPC, got.Subnet, got.Zone, got.Account, got.Session})
	assert.True(t, got.HasMAC)
	assert.Equal(t, [6]byte{2, 0, 0, 0, 0, 10}, got.MAC)
	assert.Equal(t, e.Addresses, got.Addrs)
	assert.Equal(t, map[string]string{"Name": "eni-1"}, got.Tags)
	assert.Nil(t, o.Owner(e.Outer, 1))
	assert.Nil(t, o.Owner(netip.MustParseAddr("10.0.0.2"), 0))

	e.MAC = ""
	o.replace(inv)
	assert.False(t, o.Owner(e.Outer, 0).HasMAC)
}

// Whatever inventories follow each other: the answers are those of the last one, the generation changes if and only if they
// do, and an owner that stays is the same in memory.
func TestGenerationsOfOwners(t *testing.T) {
	names := rapid.SliceOfN(rapid.SampledFrom([]string{"eni-1", "eni-2", "eni-3"}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		var o owners
		before := []string{}
		for range rapid.IntRange(1, 6).Draw(t, "inventories") {
			now := names.Draw(t, "interfaces")
			generation := o.Generation()
			table := o.table.Load()
			o.replace(entries(now...))
			assert.Equal(t, slices.Equal(before, now), o.Generation() == generation)
			for vni := range uint32(5) {
				got := o.Owner(netip.MustParseAddr("10.0.0.1"), vni)
				if int(vni) >= len(now) {
					assert.Nil(t, got)
					continue
				}
				require.NotNil(t, got)
				assert.Equal(t, now[vni], got.ENI)
				if int(vni) < len(before) && before[vni] == now[vni] {
					for tap, old := range table.byTap {
						assert.True(t, tap.VNI != vni || old == got)
					}
				}
			}
			before = now
		}
	})
}

func TestOwnersDoNotAllocate(t *testing.T) {
	var o owners
	o.replace(entries("eni-1"))
	outer := netip.MustParseAddr("10.0.0.1")
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		o.Owner(outer, 0)
		o.Generation()
	}))
}
