package inspect

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// mirrored puts a VXLAN header in front of frames, as a mirror session of an interface sends them.
func mirrored(in []decap.Datagram, source string, vni uint32) []decap.Datagram {
	out := make([]decap.Datagram, len(in))
	for i, d := range in {
		head := binary.BigEndian.AppendUint32([]byte{8, 0, 0, 0}, vni<<8)
		out[i] = decap.Datagram{
			Data:  append(head, d.Data...),
			Outer: netip.AddrPortFrom(netip.MustParseAddr(source), 65500), Nanos: d.Nanos, WireLen: d.WireLen + 8, Link: decap.LinkVXLAN,
		}
	}
	return out
}

func TestSessionsStayApart(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(get("/x"))
	c.hear(ok("y"))
	in := append(mirrored(c.frames, "10.0.0.1", 7), mirrored(c.frames, "10.0.0.1", 8)...)
	in = append(in, mirrored(c.frames, "10.9.9.9", 7)...)
	in = append(in, c.frames...)
	out, n := inspect(t, Config{}, in)
	require.EqualValues(t, 3, n.Sessions)
	require.EqualValues(t, 4, n.FlowsNew, "the same addresses and ports, three sessions and a plain capture")
	var places []string
	for _, l := range out.lines(event.AppLayer) {
		places = append(places, strings.Fields(l)[4])
	}
	require.ElementsMatch(t, []string{"vni=7@10.0.0.1", "vni=8@10.0.0.1", "vni=7@10.9.9.9", "http_host=www.example.com"}, places)
}

func TestRefusedIsNotParsed(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(get("/x"))
	cfg := Config{Decoder: decap.Decoder{Allow: decap.NewAllow([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}, []decap.VNIRange{{First: 7, Last: 7}})}}
	in := append(mirrored(c.frames, "10.0.1.1", 7), mirrored(c.frames, "10.0.0.1", 8)...)
	out, n := inspect(t, cfg, in)
	require.EqualValues(t, 4, n.Reasons[decap.SourceRefused])
	require.EqualValues(t, 4, n.Reasons[decap.VNIRefused])
	require.Empty(t, out.batches)
}

func TestVLANsOnEvents(t *testing.T) {
	v := newVLANTable()
	p := &decap.Packet{VLANs: [decap.MaxVLANs]uint16{10, 20}, NumVLANs: 2}
	require.Zero(t, v.number(&decap.Packet{}))
	n := v.number(p)
	require.Equal(t, n, v.number(p))
	require.Equal(t, vlanStack{p.VLANs, 2}, v.stacks[n])
	for i := range uint16(maxVLANStacks) {
		v.number(&decap.Packet{VLANs: [decap.MaxVLANs]uint16{i, 1}, NumVLANs: 2})
	}
	require.Len(t, v.stacks, maxVLANStacks)
	require.Zero(t, v.number(&decap.Packet{VLANs: [decap.MaxVLANs]uint16{4000, 2}, NumVLANs: 2}))
}

// fragmented cuts the UDP datagram of a query into fragments of 24 bytes of payload.
func fragmented(t *testing.T, payload []byte) *conversation {
	c := newConversation()
	udp := &layers.UDP{SrcPort: 5353, DstPort: 53}
	ip := &layers.IPv4{Version: 4, TTL: 64, Id: 99, Protocol: layers.IPProtocolUDP, SrcIP: c.client.addr.AsSlice(), DstIP: c.server.addr.AsSlice()}
	c.add(ip, udp, payload)
	whole := c.frames[0].Data[34:] // behind Ethernet and IPv4
	c.frames = nil
	for off := 0; off < len(whole); off += 24 {
		end := min(off+24, len(whole))
		part := *ip
		part.FragOffset = uint16(off / 8)
		if end < len(whole) {
			part.Flags = layers.IPv4MoreFragments
		}
		c.nanos += millisecond
		c.add(&part, gopacket.Payload(whole[off:end]), nil)
	}
	require.Greater(t, len(c.frames), 2)
	return c
}

// query is a DNS query for www.example.com, padded to be worth fragmenting (RFC 7830).
func query() []byte {
	q := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x03www\x07example\x03com\x00\x00\x01\x00\x01")
	q = append(q, "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x24\x00\x0c\x00\x20"...)
	return append(q, make([]byte, 32)...)
}

func TestFragmentsArePutTogether(t *testing.T) {
	c := fragmented(t, query())
	out, n := inspect(t, Config{}, c.frames)
	require.EqualValues(t, len(c.frames), n.Reasons[decap.Fragment])
	require.EqualValues(t, 1, n.Reassembled)
	require.Len(t, out.lines(event.AppLayer), 1)
	require.Contains(t, out.lines(event.AppLayer)[0], `rrname="www.example.com"`)
	flows := out.lines(event.Flow)
	require.Len(t, flows, 1)
	require.Contains(t, flows[0], "10.0.0.1:5353 > 192.0.2.80:53")
	require.Contains(t, flows[0], fmt.Sprintf("packets=[%d 0]", len(c.frames)), "each fragment is a packet")
}

func TestIncompleteFragmentsAreAccountedByAddress(t *testing.T) {
	c := fragmented(t, query())
	out, n := inspect(t, Config{}, c.frames[1:])
	require.Zero(t, n.Reassembled)
	require.EqualValues(t, len(c.frames)-1, n.FragmentsIncomplete)
	flows := out.lines(event.Flow)
	require.Len(t, flows, 1)
	require.Contains(t, flows[0], "10.0.0.1:0 > 192.0.2.80:0")
	require.True(t, out.batches[0].Events[0].Flow.Fragments)
}

// TestFragmentsReachTheirFlow: the kernel steers fragments by addresses, other packets of the flow by addresses and ports;
// a packet that was put together goes to the worker that has its flow.
func TestFragmentsReachTheirFlow(t *testing.T) {
	const workers = 4
	c := fragmented(t, query())
	peers := NewPeers(workers)
	owner := decap.SteerTo(decap.SteerFlow(addr(c.client), addr(c.server), 5353, 53), workers)
	finder := (owner + 1) % workers
	out := make([]collected, workers)
	worker := func(i int, in []decap.Datagram) *Worker {
		src := frames(in)
		return New(Config{Memory: Share(1 << 20), Peer: peers.Of(i)}, &src, &out[i])
	}
	require.NoError(t, worker(finder, mirrored(c.frames, "10.0.0.1", 1)).Run())
	require.Empty(t, out[finder].batches)
	require.NoError(t, worker(owner, nil).Run())
	require.Len(t, out[owner].lines(event.AppLayer), 1)
	require.Zero(t, peers.Dropped())
	for range inboxSize + 3 {
		require.NoError(t, worker(finder, mirrored(c.frames, "10.0.0.1", 1)).Run())
	}
	require.EqualValues(t, 3, peers.Dropped(), "a full inbox is a loss with a name")
}

func addr(h host) decap.Addr { return h.addr.As16() }

// TestStreamsAreBounded: many connections that stop in the middle of a request take no more memory than granted, and each
// is still emitted.
func TestStreamsAreBounded(t *testing.T) {
	const connections = 3000
	var in []decap.Datagram
	for i := range connections {
		c := newConversation()
		c.client.port = uint16(10000 + i)
		c.open()
		c.say("GET /half HTTP/1.1\r\nHost: www.example.com\r\nX: ")
		in = append(in, c.frames...)
	}
	out, n := inspect(t, Config{Memory: Memory{Flows: 4 << 20, Names: 1 << 20, Streams: 512 << 10, Fragments: 64 << 10}}, in)
	require.Greater(t, n.StreamsEvicted, uint64(connections/2))
	require.Len(t, out.lines(event.AppLayer), connections, "what was gathered before the eviction is emitted")
}

func TestNamesAreBounded(t *testing.T) {
	var in []decap.Datagram
	for i := range 200 {
		c := newConversation()
		c.client.port = uint16(10000 + i)
		c.open()
		c.say(get("/"))
		in = append(in, c.frames...)
	}
	_, n := inspect(t, Config{Memory: Memory{Flows: 4 << 20, Names: 1, Streams: 4 << 20, Fragments: 64 << 10}}, in)
	require.EqualValues(t, 200-64, n.NamesRefused)
}

func TestReusedPortsAreAnotherFlow(t *testing.T) {
	c := newConversation()
	for i := range 2 {
		c.client.seq += 1000 // another initial sequence number
		c.open()
		c.say(get("/" + string(rune('a'+i))))
		c.hear(ok(""))
		c.close()
	}
	out, n := inspect(t, Config{}, c.frames)
	require.EqualValues(t, 1, n.FlowsEnded[event.EndReused])
	require.Equal(t, []string{"/a 200", "/b 200"}, urls(out))
}

// TestClient: who opened a flow, and how we know.
func TestClient(t *testing.T) {
	for name, c := range map[string]struct {
		play func(c *conversation)
		want string
	}{
		"syn":            {func(c *conversation) { c.open() }, "10.0.0.1:40000 > 192.0.2.80:8080 by=syn"},
		"syn-ack":        {func(c *conversation) { c.open(); c.frames = c.frames[1:] }, "10.0.0.1:40000 > 192.0.2.80:8080 by=synack"},
		"request, late":  {func(c *conversation) { c.hear("x"); c.say(get("/")) }, "10.0.0.1:40000 > 192.0.2.80:8080 by=http_request"},
		"response alone": {func(c *conversation) { c.hear(ok("x")) }, "10.0.0.1:40000 > 192.0.2.80:8080 by=http_request"},
		"ports":          {func(c *conversation) { c.server.port = 443; c.hear("x") }, "10.0.0.1:40000 > 192.0.2.80:443 by=ports"},
		"hello, late": {func(c *conversation) { c.server.port = 9443; c.hear("x"); c.hello("a.example") },
			"10.0.0.1:40000 > 192.0.2.80:9443 by=tls_client_hello"},
		"query, late": {func(c *conversation) { c.lookup("a.example", "192.0.2.1", time.Minute); c.frames = c.frames[1:] },
			"10.0.0.1:5000 > 10.0.0.2:53 by=dns_query"},
		"QUIC": {func(c *conversation) { c.datagram("\x40 the server's"); c.quicHello(t) },
			"10.0.0.1:40000 > 192.0.2.80:8080 by=quic_initial"},
		"banner": {func(c *conversation) { c.hear("220 mail.example.com ESMTP Postfix\r\n") },
			"10.0.0.1:40000 > 192.0.2.80:8080 by=server_banner"},
		"another request": {func(c *conversation) { c.hear("x"); c.say("get session:17\r\n"); c.hear("END\r\n") },
			"10.0.0.1:40000 > 192.0.2.80:8080 by=request"},

		// The question that flow logs of a NAT gateway cannot answer: it shows accepted packets from outside. Were they asked for?
		"behind a NAT gateway, answers": {func(c *conversation) {
			c.server.port = 9443
			c.hear("the mirror began in the middle of an answer")
			c.hello("updates.example")
		}, "10.0.0.1:40000 > 192.0.2.80:9443 by=tls_client_hello"},
		"behind a NAT gateway, opened from outside": {func(c *conversation) {
			c.client, c.server = host{netip.MustParseAddr("192.0.2.80"), 40000, 1}, host{netip.MustParseAddr("10.0.0.1"), 8443, 2}
			c.open()
		}, "192.0.2.80:40000 > 10.0.0.1:8443 by=syn"},
		"first packet": {func(c *conversation) { c.hear("x") }, "192.0.2.80:8080 > 10.0.0.1:40000 by=first_packet"},
		"echo reply first": {func(c *conversation) {
			c.add(ipv4(c.server, c.client, layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(0, 0)}, nil)
		}, "10.0.0.1:0 > 192.0.2.80:0 by=icmp_type"},
	} {
		t.Run(name, func(t *testing.T) {
			conv := newConversation()
			c.play(conv)
			out, _ := inspect(t, Config{}, conv.frames)
			flows := out.lines(event.Flow)
			require.Len(t, flows, 1)
			for _, word := range strings.Fields(c.want) {
				require.Contains(t, flows[0], word)
			}
			ends := strings.Join(strings.Fields(c.want)[:3], " ")
			require.Contains(t, flows[0], ends)
		})
	}
}

// datagram adds a UDP payload of the server, and quicHello one of the client: a real one.
func (c *conversation) datagram(payload string) { c.udp(c.server, c.client, []byte(payload)) }

func (c *conversation) quicHello(t *testing.T) {
	recorded, err := os.ReadFile("../testdata/l7/quic.txtar")
	require.NoError(t, err)
	for _, f := range txtar.Parse(recorded).Files {
		if f.Name != "datagrams" {
			continue
		}
		first := strings.TrimPrefix(string(f.Data), "> ")
		first, _, _ = strings.Cut(first, "\n>")
		first, _, _ = strings.Cut(first, "\n<")
		payload, err := hex.DecodeString(strings.NewReplacer("\n", "", " ", "").Replace(first))
		require.NoError(t, err)
		c.udp(c.client, c.server, payload)
	}
}

func (c *conversation) udp(from, to host, payload []byte) {
	c.nanos += millisecond
	c.add(ipv4(from, to, layers.IPProtocolUDP), &layers.UDP{SrcPort: layers.UDPPort(from.port), DstPort: layers.UDPPort(to.port)}, payload)
}

func ipv4(from, to host, proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: from.addr.AsSlice(), DstIP: to.addr.AsSlice()}
}

// loop is a Source that gives the same batch again and again, later each time.
type loop struct {
	in    []decap.Datagram
	left  int
	nanos int64
}

func (l *loop) Read(b *decap.Batch) error {
	if l.left == 0 {
		return io.EOF
	}
	l.left--
	b.N = copy(b.D[:], l.in)
	for i := range b.N {
		l.nanos += millisecond
		b.D[i].Nanos = l.nanos
	}
	return nil
}

// steady makes a worker that knows the flows of a batch of packets: established connections, and UDP that no parser
// recognizes.
func steady(tb testing.TB, cfg Config, rounds int) *Worker {
	c := newConversation()
	c.open()
	for range 30 {
		c.say("\x00\x01\x02 not a protocol that we know")
		c.hear("\x00\x03")
	}
	src := &loop{in: mirrored(c.frames[:decap.BatchSize-1], "10.0.0.1", 7), left: rounds, nanos: 1e18}
	cfg.Memory = Share(1 << 20)
	return New(cfg, src, &collected{})
}

// TestNoAllocations: a packet of a known flow costs no allocation, from Read to the counters.
func TestNoAllocations(t *testing.T) {
	noAllocations(t, Config{})
	noAllocations(t, Config{Interval: time.Minute})
}

func noAllocations(t *testing.T, cfg Config) {
	w := steady(t, cfg, 1<<30)
	for range 100 {
		step(t, w) // the parsers give up
	}
	require.Zero(t, testing.AllocsPerRun(1000, func() { step(t, w) }))
}

// step is one round of Run.
func step(t *testing.T, w *Worker) {
	require.NoError(t, w.source.Read(&w.batch))
	w.parse()
	w.tracker.Lookup(w.items[:w.batch.N])
	w.update()
	w.adopt()
	w.age()
	w.publish()
}

func BenchmarkKnownFlows(b *testing.B) { benchmarkKnownFlows(b, Config{}) }

// BenchmarkAggregating is the same with aggregation windows, of which about one in a thousand rounds ends one.
func BenchmarkAggregating(b *testing.B) { benchmarkKnownFlows(b, Config{Interval: time.Minute}) }

func benchmarkKnownFlows(b *testing.B, cfg Config) {
	w := steady(b, cfg, b.N)
	b.ReportAllocs()
	require.NoError(b, w.Run())
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(w.tracker.stats.Datagrams), "ns/packet")
}

func TestNothingOfPacketsStays(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(get("/x"))
	c.hear(ok("y"))
	var out collected
	src := frames(c.frames)
	require.NoError(t, New(Config{Memory: Share(1 << 20)}, &src, &out).Run())
	want := out.lines(event.AppLayer)
	for _, d := range c.frames {
		clear(d.Data) // the source uses its memory again
	}
	require.Equal(t, want, out.lines(event.AppLayer))
}
