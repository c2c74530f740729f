package naming

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
)

const second = int64(1e9)

var client, server = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("192.0.2.80")

func newDNS() *pdns.Cache { return pdns.New(64 << 10) }

// newNamer returns a Namer with details, and the counter of refused names.
func newNamer(names int) (*Namer, *uint64) {
	refused := new(uint64)
	return New(Config{
		DNS: newDNS(), Names: flow.NewNames(names), Sessions: mirror.NewTable(mirror.NewIDs(), nil), Details: event.KindsOf(event.Interval), Refused: refused,
		Undecided: new(uint64),
	}), refused
}

// connection returns the record of a connection from client to server that begins at a time.
func connection(nanos int64) *flow.Record {
	r := &flow.Record{Key: decap.Key{Lo: client.As16(), Hi: server.As16(), LoPort: 40000, HiPort: 443, Proto: decap.TCP, Version: 4}, Start: nanos}
	r.OpenedBy(0, event.BySYN)
	return r
}

// answer lets the namer see that DNS gave the client an address for a name.
func answer(n *Namer, name string, ttl uint32, nanos int64) {
	lookup := connection(nanos)
	n.Message(lookup, &l7.Hint{Role: l7.Response, Answers: []l7.Answer{{Name: []byte(name), Addr: server, TTL: ttl}}}, nanos)
}

func sni(name string, ech l7.ECHClass) *l7.Hint {
	return &l7.Hint{Role: l7.Request, Name: []byte(name), NameSource: l7.SNI, ECH: ech, JA4: []byte("t13d")}
}

// described prints what the namer sets in an Interval event of a flow.
func described(n *Namer, r *flow.Record) string {
	b, e := new(event.Batch), &event.Event{Kind: event.Interval}
	n.Describe(b, e, r)
	w := &e.Window
	return fmt.Sprintf("%s %s %s direct=%s ech=%s conflicts=%d sni=%s dns=%s ja4=%s",
		b.Text(e.Name), e.NameSource, e.NameConfidence, e.Direct, e.ECH, e.Conflicts, b.Text(w.SNI), b.Text(w.DNSName), b.Text(w.JA4))
}

func TestNames(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(n *Namer, r *flow.Record)
		want string
	}{
		"nothing seen": {func(n *Namer, r *flow.Record) { n.Opened(r, true) }, " none low direct=no_dns_seen ech=none conflicts=0 sni= dns= ja4="},
		"inbound":      {func(n *Namer, r *flow.Record) { n.Opened(r, false) }, " none low direct=no ech=none conflicts=0 sni= dns= ja4="},
		"by DNS": {func(n *Namer, r *flow.Record) { answer(n, "a.example.com", 60, 0); n.Opened(r, true) },
			"a.example.com dns medium direct=no ech=none conflicts=0 sni= dns=a.example.com ja4="},
		"SNI goes before DNS": {func(n *Namer, r *flow.Record) {
			answer(n, "a.example.com", 60, 0)
			n.Opened(r, true)
			n.Message(r, sni("A.example.com", l7.ECHNone), second)
		}, "A.example.com sni high direct=no ech=none conflicts=0 sni=A.example.com dns=a.example.com ja4=t13d"},
		"SNI not in DNS": {func(n *Namer, r *flow.Record) {
			answer(n, "a.example.com", 60, 0)
			n.Opened(r, true)
			n.Message(r, sni("b.example.com", l7.ECHNone), second)
		}, "b.example.com sni high direct=no ech=none conflicts=1 sni=b.example.com dns=a.example.com ja4=t13d"},
		"host and SNI differ": {func(n *Namer, r *flow.Record) {
			n.Opened(r, false)
			n.Message(r, &l7.Hint{Role: l7.Request, Name: []byte("a.example.com"), NameSource: l7.HTTPHost}, second)
			n.Message(r, sni("b.example.com", l7.ECHNone), second)
		}, "b.example.com sni high direct=no ech=none conflicts=2 sni=b.example.com dns= ja4=t13d"},
		"GREASE": {func(n *Namer, r *flow.Record) {
			answer(n, "a.example.com", 60, 0)
			n.Opened(r, true)
			n.Message(r, sni("a.example.com", l7.ECHPresent), second)
		}, "a.example.com sni high direct=no ech=grease conflicts=0 sni=a.example.com dns=a.example.com ja4=t13d"},
		"turned round": {func(n *Namer, r *flow.Record) {
			answer(n, "a.example.com", 60, 0)
			n.Opened(r, true)
			*r = *connection(r.Start)
			r.Key.Lo, r.Key.Hi = r.Key.Hi, r.Key.Lo
			n.Opened(r, false)
		}, " none low direct=no ech=none conflicts=0 sni= dns= ja4="},
	} {
		n, refused := newNamer(64 << 10)
		r := connection(second)
		c.do(n, r)
		require.Equal(t, c.want, described(n, r), name)
		require.Zero(t, *refused)
	}
}

// TestRefused: names that find no room are counted, and the flow keeps the name that it has.
func TestRefused(t *testing.T) {
	n, refused := newNamer(0)
	var flows []*flow.Record
	for i := range 100 {
		r := connection(second)
		n.Message(r, sni(fmt.Sprintf("%d.example.com", i), l7.ECHNone), second)
		flows = append(flows, r)
	}
	require.NotZero(t, *refused)
	before := *refused
	for _, r := range flows {
		n.Release(r)
		require.Zero(t, r.Name)
	}
	n.Message(flows[0], sni("www.example.com", l7.ECHNone), second)
	require.Equal(t, before, *refused, "names of flows that have ended give their room back")
}

func TestOutbound(t *testing.T) {
	sessions := mirror.NewTable(mirror.NewIDs(), nil)
	at := func(outer netip.Addr) uint16 {
		n, ok := sessions.Number(outer, 7)
		require.True(t, ok)
		return n
	}
	r := connection(second)
	require.True(t, Outbound(r, sessions, nil), "the client has an address of the site")
	r.Key.Session = at(client)
	require.True(t, Outbound(r, sessions, nil), "the client is mirrored")
	r.Key.Session = at(server)
	require.False(t, Outbound(r, sessions, nil), "the server is mirrored")
	r.Key.Session, r.Key.Lo = 0, netip.MustParseAddr("198.51.100.1").As16()
	require.False(t, Outbound(r, sessions, nil))
	require.True(t, Outbound(r, sessions, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}))
	r.OwnedBy(0)
	require.True(t, Outbound(r, sessions, nil), "the client is behind the mirrored interface")
}
