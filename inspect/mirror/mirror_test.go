package mirror

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

func addr(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }

// inventory is Owners by VNI. It counts how often it is asked.
type inventory struct {
	owners     map[uint32]*event.Owner
	generation uint64
	asked      int
}

func (i *inventory) Owner(_ netip.Addr, vni uint32) *event.Owner {
	i.asked++
	return i.owners[vni]
}

func (i *inventory) Generation() uint64 { return i.generation }

// number returns the number of a session that must have one.
func number(t *testing.T, table *Table, outer netip.Addr, vni uint32) uint16 {
	n, ok := table.Number(outer, vni)
	require.True(t, ok)
	return n
}

func TestNumbers(t *testing.T) {
	ids := NewIDs()
	a, b := NewTable(ids, nil), NewTable(ids, nil)
	require.Equal(t, 1, a.Len())
	first := number(t, a, addr(1), 7)
	second := number(t, a, addr(1), 8)
	third := number(t, a, addr(2), 7)
	require.Equal(t, []uint16{1, 2, 3}, []uint16{first, second, third})
	require.Equal(t, second, number(t, a, addr(1), 8))
	require.Equal(t, 4, a.Len())
	require.Equal(t, Session{addr(2).As16(), 7}, a.Session(third))
	require.Zero(t, a.Session(0))
	there := number(t, b, addr(2), 7)
	require.NotEqual(t, third, there)
	require.Equal(t, a.ID(third), b.ID(there), "tables share IDs")
	require.Zero(t, a.ID(0))
}

func TestTableIsBounded(t *testing.T) {
	table := NewTable(NewIDs(), nil)
	for i := range uint32(MaxSessions + 10) {
		n, ok := table.Number(addr(1), i)
		require.Equal(t, i < MaxSessions-1, ok)
		if ok {
			require.EqualValues(t, i+1, n)
		} else {
			require.Zero(t, n)
		}
	}
	require.EqualValues(t, 78, number(t, table, addr(1), 77), "sessions in the table keep their numbers")
}

// TestRefresh: the inventory is asked once for each session, and again when it has changed.
func TestRefresh(t *testing.T) {
	a, b := &event.Owner{ENI: "eni-a"}, &event.Owner{ENI: "eni-b"}
	in := &inventory{owners: map[uint32]*event.Owner{7: a}}
	table := NewTable(NewIDs(), in)
	n, unknown := number(t, table, addr(1), 7), number(t, table, addr(2), 8)
	for range 3 {
		table.Refresh()
		number(t, table, addr(1), 7)
	}
	require.Equal(t, 2, in.asked)
	require.Same(t, a, table.Owner(n))
	require.Nil(t, table.Owner(unknown))
	in.owners = map[uint32]*event.Owner{7: b, 8: a}
	require.Same(t, a, table.Owner(n), "as of the last Refresh")
	in.generation = 1
	table.Refresh()
	require.Same(t, b, table.Owner(n))
	require.Same(t, a, table.Owner(unknown))
	require.EqualValues(t, 1, table.Generation())
	require.True(t, table.HasInventory())
	require.False(t, NewTable(NewIDs(), nil).HasInventory())
}

func TestDirection(t *testing.T) {
	own, peer := [6]byte{2, 1}, [6]byte{2, 2}
	frame := func(dst, src [6]byte) []byte { return append(append(dst[:], src[:]...), 8, 0) }
	in := &inventory{owners: map[uint32]*event.Owner{8: {HasMAC: true, MAC: own, Addrs: []netip.Addr{addr(1), addr(9)}}}}
	table := NewTable(NewIDs(), in)
	plain, known := number(t, table, addr(1), 7), number(t, table, addr(1), 8)
	for name, c := range map[string]struct {
		session  uint16
		src, dst byte
		frame    []byte
		isIP     bool
		want     event.Direction
	}{
		"primary address sends":       {session: plain, src: 1, dst: 2, want: event.Egress},
		"primary address receives":    {session: plain, src: 2, dst: 1, want: event.Ingress},
		"to itself":                   {session: plain, src: 1, dst: 1, want: event.NoDirection},
		"others":                      {session: plain, src: 3, dst: 4, want: event.NoDirection},
		"secondary address":           {session: known, src: 9, dst: 4, want: event.Egress},
		"secondary address not known": {session: plain, src: 9, dst: 4, want: event.NoDirection},
		"MAC sends":                   {session: known, src: 3, dst: 4, frame: frame(peer, own), want: event.Egress},
		"MAC receives":                {session: known, src: 3, dst: 4, frame: frame(own, peer), want: event.Ingress},
		"MAC goes before address":     {session: known, src: 1, dst: 4, frame: frame(own, peer), want: event.Ingress},
		"frame without Ethernet":      {session: known, src: 3, dst: 4, frame: frame(peer, own), isIP: true, want: event.NoDirection},
		"no session":                  {session: 0, src: 1, dst: 2, want: event.NoDirection},
	} {
		p := &decap.Packet{Src: addr(c.src).As16(), Dst: addr(c.dst).As16(), Frame: c.frame, FrameIsIP: c.isIP}
		assert.Equal(t, c.want, table.Direction(c.session, p), name)
	}
}

func TestByAddress(t *testing.T) {
	in := &inventory{owners: map[uint32]*event.Owner{7: {Addrs: []netip.Addr{addr(1), addr(9)}}}}
	table := NewTable(NewIDs(), in)
	require.Zero(t, table.ByAddress(addr(1).As16()))
	a, b := number(t, table, addr(1), 7), number(t, table, addr(2), 8)
	require.Equal(t, a, table.ByAddress(addr(1).As16()))
	require.Equal(t, a, table.ByAddress(addr(9).As16()))
	require.Equal(t, b, table.ByAddress(addr(2).As16()))
	number(t, table, addr(2), 9)
	require.Zero(t, table.ByAddress(addr(2).As16()), "two sessions have the address")
	in.owners, in.generation = map[uint32]*event.Owner{8: {Addrs: []netip.Addr{addr(9)}}}, 1
	table.Refresh()
	require.Equal(t, b, table.ByAddress(addr(9).As16()), "of another session now")
}

func TestNumberAllocatesNothing(t *testing.T) {
	table := NewTable(NewIDs(), nil)
	for n := range byte(200) {
		number(t, table, addr(n), 7)
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for n := range byte(200) {
			table.Number(addr(n), 7)
		}
		table.Refresh()
	}))
}
