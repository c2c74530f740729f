package forward

import (
	"net/netip"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
)

// inventory is a mirror.Owners that knows no interface. Tests set its generation.
type inventory struct{ generation uint64 }

func (inventory) Owner(netip.Addr, uint32) *event.Owner { return nil }
func (i *inventory) Generation() uint64                 { return i.generation }

// newTestSelector returns a Selector with one flow.
func newTestSelector(t testing.TB, cfg Config, owners mirror.Owners) (*Selector, *flow.Record) {
	s := New(&cfg, Tables{
		Flows: flow.New(1<<20, func(*flow.Record, event.EndReason, int64) {}), Names: flow.NewNames(1 << 16),
		Sessions: mirror.NewTable(mirror.NewIDs(), owners), Copies: dedup.New(1<<16, func(dedup.Copy) {}), Counts: new(event.Forwarding),
	}, 1<<20)
	session, ok := s.Sessions.Number(netip.MustParseAddr("10.0.0.1"), 7)
	require.True(t, ok)
	p := &decap.Packet{
		Proto: decap.TCP, Src: decap.Addr(netip.MustParseAddr("10.0.0.1").As16()), Dst: decap.Addr(netip.MustParseAddr("192.0.2.80").As16()),
		SrcPort: 40000, DstPort: 443, HasPorts: true, HasTCP: true,
	}
	key, _ := p.Key(session)
	r, fresh := s.Flows.Get(&key, flow.Hash(&key), 1)
	require.True(t, fresh)
	s.Begin(r, 0, p)
	t.Cleanup(func() { runtime.KeepAlive(s) }) // with it go the records, which are outside the heap
	return s, r
}

// TestFiltersAreEvaluatedOnChangesOnly: the expressions are evaluated again when something that they can read has changed,
// and not before.
func TestFiltersAreEvaluatedOnChangesOnly(t *testing.T) {
	filter, err := Fields.Compile("vni == 7")
	require.NoError(t, err)
	for name, change := range map[string]func(*flow.Record, *inventory){
		"nothing": func(*flow.Record, *inventory) {},
		"counters": func(r *flow.Record, _ *inventory) {
			r.Count(1, &decap.Packet{Proto: decap.UDP, PayloadLen: 7}, 1, 35, 0)
			r.Message++
		},
		"name":        func(r *flow.Record, _ *inventory) { r.Name++ },
		"name source": func(r *flow.Record, _ *inventory) { r.NameSource = l7.SNI },
		"protocol":    func(r *flow.Record, _ *inventory) { r.Proto = l7.TLS },
		"initiator":   func(r *flow.Record, _ *inventory) { r.Initiator = event.BySYN },
		"client":      func(r *flow.Record, _ *inventory) { r.OpenedBy(1, event.ByTLSHello) },
		"own side":    func(r *flow.Record, _ *inventory) { r.OwnedBy(1) },
		"no lookup":   func(r *flow.Record, _ *inventory) { r.NameFlags = r.NameFlags.WithDirect(event.NoLookup) },
		"inventory":   func(_ *flow.Record, o *inventory) { o.generation++ },
	} {
		owners := new(inventory)
		s, r := newTestSelector(t, Config{Where: filter}, owners)
		f := s.state(r)
		s.evalFilters(r, f)
		require.True(t, f.matchesFilter(), name)
		f.matches = 0
		change(r, owners)
		s.Sessions.Refresh()
		s.evalFilters(r, f)
		require.Equal(t, name != "nothing" && name != "counters", f.matchesFilter(), name)
	}
}

// TestNilSelector: a nil Selector does nothing.
func TestNilSelector(t *testing.T) {
	s := New(nil, Tables{}, 0)
	require.Nil(t, s)
	r, p := new(flow.Record), Packet{Packet: new(decap.Packet), Datagram: new(decap.Datagram)}
	require.Zero(t, testing.AllocsPerRun(10, func() {
		s.Begin(r, 0, p.Packet)
		s.Link(r, r)
		s.Decide(r, p, true)
		s.DecideFragment(r.Key, p)
		s.Exclude(event.Unreadable, 1)
		s.MessageRead(r, nil)
		s.StreamSwitched(r)
		s.StreamDone(r, l7.TLS)
		s.EndFlow(r)
		s.Flush(1)
	}))
	require.False(t, s.Active())
	require.False(t, s.Provisional(r, 1))
	require.Zero(t, s.Tag(r))
	require.Zero(t, s.Touch([]uint32{1}))
	var none *Config
	require.Zero(t, none.FlowBytes())
	require.Zero(t, none.ReorderBytes(1<<20))
}
