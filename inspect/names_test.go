package inspect

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// lookup adds a question of the client to a resolver, and its answer.
func (c *conversation) lookup(name, addr string, ttl time.Duration) {
	c.answer(name, dnsmessage.TypeA, &dnsmessage.AResource{A: netip.MustParseAddr(addr).As4()}, ttl)
}

// lookupECH adds a question for a name's HTTPS record, whose answer has ECH keys (RFC 9460: priority 1, target ".", key 5).
func (c *conversation) lookupECH(name string) {
	c.answer(name, 65, &dnsmessage.UnknownResource{Type: 65, Data: []byte("\x00\x01\x00\x00\x05\x00\x04keys")}, time.Hour)
}

func (c *conversation) answer(name string, typ dnsmessage.Type, body dnsmessage.ResourceBody, ttl time.Duration) {
	q := dnsmessage.Question{Name: dnsmessage.MustNewName(name + "."), Type: typ, Class: dnsmessage.ClassINET}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{q}}
	resolver := netip.MustParseAddr("10.0.0.2")
	send := func(from, to netip.Addr, sport, dport layers.UDPPort) {
		packed, err := m.Pack()
		if err != nil {
			panic(err)
		}
		c.nanos += millisecond
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
		c.add(ip, &layers.UDP{SrcPort: sport, DstPort: dport}, packed)
	}
	send(c.client.addr, resolver, 5000, 53)
	m.Response, m.RecursionAvailable = true, true
	m.Answers = []dnsmessage.Resource{{
		Header: dnsmessage.ResourceHeader{Name: q.Name, Type: typ, Class: q.Class, TTL: uint32(ttl / time.Second)}, Body: body,
	}}
	send(resolver, c.client.addr, 53, 5000)
}

// hello says a TLS ClientHello.
func (c *conversation) hello(name string) { c.say(string(clientHello(&tls.Config{ServerName: name}))) }

// clientHello returns what Go's TLS client says first.
func clientHello(cfg *tls.Config) []byte {
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		defer client.Close()
		_ = tls.Client(client, cfg).Handshake() // it will fail: nobody answers
	}()
	hello := make([]byte, 8192)
	n, err := server.Read(hello)
	if err != nil {
		panic(err)
	}
	return hello[:n]
}

// hidden says a ClientHello whose real name is encrypted; outside it has another one.
func (c *conversation) hidden(name, outside string) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	// An ECHConfigList with one ECHConfig (RFC 9849 section 4): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.
	contents := append([]byte{1, 0, 0x20, 0, 32}, key.PublicKey().Bytes()...)
	contents = append(contents, 0, 4, 0, 1, 0, 1, 0, byte(len(outside)))
	contents = append(append(contents, outside...), 0, 0)
	config := append([]byte{0xfe, 0x0d, 0, byte(len(contents))}, contents...)
	list := append([]byte{0, byte(len(config))}, config...)
	c.say(string(clientHello(&tls.Config{ServerName: name, MinVersion: tls.VersionTLS13, EncryptedClientHelloConfigList: list})))
}

// described returns the name and the direction of the flow to the server on port 8080, as one line.
func described(t *testing.T, cfg Config, c *conversation) string {
	out, _ := inspect(t, cfg, c.frames)
	var lines []string
	for _, b := range out.batches {
		for i := range b.Events {
			e := &b.Events[i]
			if e.Kind != event.Flow || e.DstPort != 8080 {
				continue
			}
			words := []string{string(b.Text(e.Name)), e.NameSource.String(), e.NameConfidence.String(), e.Direct.String(), "ech=" + e.ECH.String()}
			for i, name := range event.Conflicts {
				if e.Conflicts&(1<<i) != 0 {
					words = append(words, name)
				}
			}
			lines = append(lines, strings.Join(words, " "))
		}
	}
	require.Len(t, lines, 1)
	return lines[0]
}

// TestExplain has one case for each source of a name, each reason for direct-to-address, each conflict and each class of ECH.
func TestExplain(t *testing.T) {
	const server = "192.0.2.80"
	unknown := "\x00\x01\x02 not a protocol that we know"
	for name, c := range map[string]struct {
		play func(c *conversation)
		want string
	}{
		"name from DNS":        {func(c *conversation) { c.lookup("a.example", server, time.Minute); c.open(); c.say(unknown) }, "a.example dns medium no ech=none"},
		"name from DNS, stale": {func(c *conversation) { c.lookup("a.example", server, 0); c.nanos += 60e9; c.open() }, "a.example dns low no ech=none"},
		"name from DNS, shared": {func(c *conversation) {
			c.lookup("a.example", server, time.Minute)
			c.lookup("b.example", server, time.Minute)
			c.open()
		}, "b.example dns low no ech=none"},
		"name from the host": {func(c *conversation) { c.lookup("www.example.com", server, time.Minute); c.open(); c.say(get("/")) },
			"www.example.com http_host high no ech=none"},
		"name from SNI": {func(c *conversation) { c.lookup("a.example", server, time.Minute); c.open(); c.hello("a.example") },
			"a.example sni high no ech=none"},
		"looked up later": {func(c *conversation) {
			c.open()
			c.nanos += 50e6
			c.lookup("a.example", server, time.Minute)
			c.say(unknown)
		}, " none low no_dns_seen ech=none"},
		"answer seen later": {func(c *conversation) { c.open(); c.lookup("a.example", server, time.Minute); c.say(unknown) },
			"a.example dns medium no ech=none"},

		"no lookup": {func(c *conversation) { c.lookup("a.example", "192.0.2.1", time.Minute); c.open() }, " none low no_lookup ech=none"},
		"lookup expired": {func(c *conversation) { c.lookup("a.example", server, time.Minute); c.nanos += 361e9; c.open() },
			"a.example dns low lookup_expired ech=none"},
		"lookup in its grace": {func(c *conversation) { c.lookup("a.example", server, time.Minute); c.nanos += 359e9; c.open() },
			"a.example dns low no ech=none"},
		"not armed":   {func(c *conversation) { c.open() }, " none low no_dns_seen ech=none"},
		"to the site": {func(c *conversation) { c.server.addr = netip.MustParseAddr("10.7.7.7"); c.open() }, " none low no ech=none"},
		"from outside": {func(c *conversation) {
			c.lookup("a.example", "192.0.2.1", time.Minute)
			c.client.addr = netip.MustParseAddr("198.51.100.9")
			c.open()
		}, " none low no ech=none"},
		"DNS over HTTPS": {func(c *conversation) {
			c.lookup("a.example", "192.0.2.1", time.Minute)
			resolver := *c
			resolver.frames, resolver.server = nil, host{netip.MustParseAddr("1.1.1.1"), 443, 77}
			resolver.open()
			resolver.hello("cloudflare-dns.com")
			c.frames, c.nanos = append(c.frames, resolver.frames...), resolver.nanos
			c.client.port = 41000
			c.open()
		}, " none low doh_suspected ech=none"},

		"SNI that DNS does not know": {func(c *conversation) { c.lookup("a.example", server, time.Minute); c.open(); c.hello("b.example") },
			"b.example sni high no ech=none sni_not_in_dns"},
		"SNI without any lookup": {func(c *conversation) { c.lookup("a.example", "192.0.2.1", time.Minute); c.open(); c.hello("b.example") },
			"b.example sni high no_lookup ech=none sni_not_in_dns"},
		"SNI whose answer is seen later": {func(c *conversation) {
			c.lookup("a.example", "192.0.2.1", time.Minute)
			c.open()
			c.hello("b.example")
			c.lookup("b.example", server, time.Minute)
		}, "b.example sni high no ech=none"},
		"SNI whose answer is one of two": {func(c *conversation) {
			c.lookup("a.example", server, time.Minute)
			c.open()
			c.hello("b.example")
			c.lookup("b.example", server, time.Minute)
		}, "b.example sni high no ech=none"},
		"host and SNI differ": {func(c *conversation) {
			c.server.addr = netip.MustParseAddr("10.7.7.7")
			c.open()
			c.say("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")
			c.hear("HTTP/1.1 200 OK\r\n\r\n")
			c.hello("b.example")
		}, "b.example sni high no ech=none host_ne_sni"},

		"ECH, real": {func(c *conversation) {
			c.lookupECH("secret.example")
			c.lookup("secret.example", server, time.Minute)
			c.open()
			c.hidden("secret.example", "front.example")
		}, "secret.example dns medium no ech=real"},
		"ECH, real, of which the key is seen later": {func(c *conversation) {
			c.lookup("secret.example", server, time.Minute)
			c.open()
			c.hidden("secret.example", "front.example")
			c.lookupECH("secret.example")
		}, "secret.example dns medium no ech=real"},
		"ECH, GREASE": {func(c *conversation) {
			c.lookup("front.example", server, time.Minute)
			c.open()
			c.hidden("secret.example", "front.example") // looks the same as random bytes would
		}, "front.example sni high no ech=grease"},
		"ECH, unknown": {func(c *conversation) { c.open(); c.hidden("secret.example", "front.example") },
			"front.example sni low no_dns_seen ech=unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			conv := newConversation()
			c.play(conv)
			require.Equal(t, c.want, described(t, Config{}, conv))
		})
	}
}

func TestExemptNetworksNeedNoLookup(t *testing.T) {
	c := newConversation()
	c.open()
	require.Contains(t, described(t, Config{Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, c), " no ")
}

// TestNamesOfOtherSessions: what one mirror session looked up names nothing at another.
func TestNamesOfOtherSessions(t *testing.T) {
	asked, connects := newConversation(), newConversation()
	asked.lookup("a.example", "192.0.2.80", time.Minute)
	connects.nanos = asked.nanos
	connects.open()
	same := &conversation{frames: append(mirrored(asked.frames, "10.0.0.1", 7), mirrored(connects.frames, "10.0.0.1", 7)...)}
	require.Equal(t, "a.example dns medium no ech=none", described(t, Config{}, same))
	other := &conversation{frames: append(mirrored(asked.frames, "10.0.0.1", 7), mirrored(connects.frames, "10.0.0.1", 8)...)}
	require.Equal(t, " none low no_dns_seen ech=none", described(t, Config{}, other))
}

// TestWorkersShareNames: an answer that comes to one worker names a connection at another.
func TestWorkersShareNames(t *testing.T) {
	asked, connects := newConversation(), newConversation()
	asked.lookup("a.example", "192.0.2.80", time.Minute)
	connects.nanos = asked.nanos
	connects.open()
	known := NewShared(1 << 20)
	_, _ = inspect(t, Config{Shared: known}, mirrored(asked.frames, "10.0.0.1", 7))
	require.Equal(t, "a.example dns medium no ech=none",
		described(t, Config{Shared: known}, &conversation{frames: mirrored(connects.frames, "10.0.0.1", 7)}))
	require.Positive(t, known.DNS().Live)
}

// TestBothEndsMirrored: the copies of a packet are paired if it left one mirrored interface and reached the other, and what
// left and never arrived is counted.
func TestBothEndsMirrored(t *testing.T) {
	c := newConversation()
	c.server.addr = netip.MustParseAddr("10.0.0.80")
	c.open()
	for range 5 {
		c.say(get("/"))
		c.hear(ok("x"))
	}
	c.nanos += 5e9
	c.packet(&c.client, &c.server, 0, decap.ACK, nil) // time passes, so that copies are given up
	here, there := mirrored(c.frames, "10.0.0.1", 7), mirrored(c.frames, "10.0.0.80", 8)
	lost := map[int]bool{5: true, 7: true, 9: true} // three requests that the server's interface did not see
	var both []decap.Datagram
	for i := range here {
		both = append(both, here[i])
		if there[i].Nanos += 1000; !lost[i] {
			both = append(both, there[i])
		}
	}
	out, n := inspect(t, Config{}, both)
	require.EqualValues(t, len(here)-len(lost)-1, n.Paired, "all but the first, before the other end is known to be mirrored")
	var flows []event.Event
	for _, b := range out.batches {
		for i := range b.Events {
			if b.Events[i].Kind == event.Flow {
				flows = append(flows, b.Events[i])
			}
		}
	}
	require.Len(t, flows, 2, "two observations of one connection")
	for _, e := range flows {
		other, unpaired := event.MirrorSession{Outer: netip.MustParseAddr("10.0.0.80"), VNI: 8}, uint32(len(lost))
		if e.VNI == 8 {
			other, unpaired = event.MirrorSession{Outer: netip.MustParseAddr("10.0.0.1"), VNI: 7}, 0
		}
		require.Equal(t, other, e.Paired)
		require.Equal(t, unpaired, e.Flow.Unpaired)
	}
}

// TestNetworksThatLookAlike: equal packets at two sessions that are not the two ends of the connection are no pair.
func TestNetworksThatLookAlike(t *testing.T) {
	c := newConversation()
	c.open()
	out, n := inspect(t, Config{}, append(mirrored(c.frames, "10.0.0.1", 7), mirrored(c.frames, "10.0.0.1", 8)...))
	require.Zero(t, n.Paired)
	for _, b := range out.batches {
		for i := range b.Events {
			require.Zero(t, b.Events[i].Paired)
		}
	}
}
