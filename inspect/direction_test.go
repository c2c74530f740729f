package inspect

import (
	"encoding/binary"
	"io"
	"net/netip"
	"testing"

	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// inventory is Owners as a test wants them. It counts how often it was asked.
type inventory struct {
	owners     map[event.MirrorSession]*event.Owner
	generation uint64
	asked      int
}

func (i *inventory) Owner(outer netip.Addr, vni uint32) *event.Owner {
	i.asked++
	return i.owners[event.MirrorSession{Outer: outer, VNI: vni}]
}

func (i *inventory) Generation() uint64 { return i.generation }

// owned is an inventory with one interface, which sends its copies from 10.0.0.1 with VNI 7.
func owned(o event.Owner) *inventory {
	return &inventory{owners: map[event.MirrorSession]*event.Owner{{Outer: netip.MustParseAddr("10.0.0.1"), VNI: 7}: &o}}
}

var (
	mac    = [6]byte{2, 0, 0, 0, 0, 0x0a} // of the mirrored interface
	router = [6]byte{2, 0, 0, 0, 0, 0xff}
)

// at gives frames the MAC addresses that they have at an interface behind which a host is: mac is the interface's own.
func (c *conversation) at(own host) *conversation {
	for i, d := range c.frames {
		from, to := router, mac
		if netip.AddrFrom4([4]byte(d.Data[26:30])) == own.addr {
			from, to = mac, router
		}
		copy(c.frames[i].Data, append(to[:], from[:]...))
	}
	return c
}

// nested puts the frames into VXLAN of their own, which two other hosts exchange.
func (c *conversation) nested(from, to string) *conversation {
	outside := newConversation()
	for _, d := range c.frames {
		head := binary.BigEndian.AppendUint32([]byte{8, 0, 0, 0}, 99<<8)
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: netip.MustParseAddr(from).AsSlice(), DstIP: netip.MustParseAddr(to).AsSlice()}
		outside.nanos = d.Nanos
		outside.add(ip, &layers.UDP{SrcPort: 50000, DstPort: 4789}, append(head, d.Data...))
	}
	return outside
}

// overGENEVE sends the IP packets of the frames as a GENEVE envelope with VNI 7 and no Ethernet header.
func (c *conversation) overGENEVE() (out []decap.Datagram) {
	for _, d := range c.frames {
		head := []byte{0, 0, 0x08, 0x00, 0, 0, 7, 0}
		data := append(head, d.Data[14:]...)
		out = append(out, decap.Datagram{
			Data: data, Outer: netip.MustParseAddrPort("10.0.0.1:65500"), Nanos: d.Nanos, WireLen: len(data), Link: decap.LinkGENEVE,
		})
	}
	return out
}

// ofFlows returns the events of flows that ended.
func (c *collected) ofFlows() (flows []*event.Event) {
	for _, b := range c.batches {
		for i := range b.Events {
			if e := &b.Events[i]; e.Kind == event.Flow {
				flows = append(flows, e)
			}
		}
	}
	return flows
}

// between returns a conversation of two hosts.
func between(client, server string) *conversation {
	c := newConversation()
	c.client.addr, c.server.addr = netip.MustParseAddr(client), netip.MustParseAddr(server)
	return c
}

// TestDirection has a case for each way to find out which side is the mirrored interface's, at 10.0.0.1.
func TestDirection(t *testing.T) {
	const egress, ingress, unknown = event.Egress, event.Ingress, event.NoDirection
	byMAC := event.Owner{ENI: "eni-1", MAC: mac, HasMAC: true}
	byAddress := event.Owner{ENI: "eni-1", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("198.51.100.5"), netip.MustParseAddr("2001:db8::5")}}
	both := byAddress
	both.MAC, both.HasMAC = mac, true
	opened := func(client, server string) *conversation {
		c := between(client, server)
		c.open()
		return c
	}
	pod := func() *conversation { return opened("172.16.0.9", "203.0.113.9") }
	for name, c := range map[string]struct {
		owner *event.Owner
		in    []decap.Datagram
		want  event.Direction
	}{
		"from its MAC":                        {&byMAC, mirrored(pod().at(pod().client).frames, "10.0.0.1", 7), egress},
		"to its MAC":                          {&byMAC, mirrored(pod().at(pod().server).frames, "10.0.0.1", 7), ingress},
		"the MAC weighs more than an address": {&both, mirrored(opened("203.0.113.9", "198.51.100.5").at(host{addr: netip.MustParseAddr("203.0.113.9")}).frames, "10.0.0.1", 7), egress},

		"MAC not known, secondary address":     {&byAddress, mirrored(opened("198.51.100.5", "203.0.113.9").frames, "10.0.0.1", 7), egress},
		"MAC not known, to secondary address":  {&byAddress, mirrored(opened("203.0.113.9", "198.51.100.5").frames, "10.0.0.1", 7), ingress},
		"MAC not known, primary address":       {&event.Owner{ENI: "eni-1"}, mirrored(opened("203.0.113.9", "10.0.0.1").frames, "10.0.0.1", 7), ingress},
		"another MAC, secondary address":       {&both, mirrored(opened("198.51.100.5", "203.0.113.9").frames, "10.0.0.1", 7), egress},
		"no Ethernet header":                   {&both, opened("198.51.100.5", "203.0.113.9").overGENEVE(), egress},
		"no Ethernet header, to it":            {&both, opened("203.0.113.9", "10.0.0.1").overGENEVE(), ingress},
		"neither by MAC nor by address":        {&both, mirrored(pod().frames, "10.0.0.1", 7), unknown},
		"from itself to itself":                {&byAddress, mirrored(opened("198.51.100.5", "10.0.0.1").frames, "10.0.0.1", 7), unknown},
		"no inventory, primary address":        {nil, mirrored(opened("10.0.0.1", "203.0.113.9").frames, "10.0.0.1", 7), egress},
		"no inventory, to the primary address": {nil, mirrored(opened("203.0.113.9", "10.0.0.1").frames, "10.0.0.1", 7), ingress},
		"no inventory, secondary address":      {nil, mirrored(opened("198.51.100.5", "203.0.113.9").frames, "10.0.0.1", 7), unknown},
		"a session that it does not know":      {&byMAC, mirrored(opened("10.0.0.1", "203.0.113.9").frames, "10.0.0.1", 8), egress},
		"no mirror":                            {&both, opened("10.0.0.1", "203.0.113.9").frames, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{}
			if c.owner != nil {
				cfg.Owners = owned(*c.owner)
			}
			out, _ := inspect(t, cfg, c.in)
			flows := out.ofFlows()
			require.Len(t, flows, 1)
			require.Equal(t, c.want.String(), flows[0].Direction.String())
		})
	}
}

// In a tunnel the outermost frame shows who sent it, whatever the addresses within. All packets of one side here.
func TestDirectionInATunnel(t *testing.T) {
	c := between("172.16.0.9", "203.0.113.9")
	c.packet(&c.client, &c.server, 0, decap.SYN, nil)
	inside := c.at(c.server) // the frames within have the interface's MAC address too, the other way round
	for _, w := range []struct {
		from, to string
		own      string
		want     event.Direction
	}{{"10.0.0.1", "10.0.0.2", "10.0.0.1", event.Egress}, {"10.0.0.2", "10.0.0.1", "10.0.0.1", event.Ingress}} {
		nested := inside.nested(w.from, w.to).at(host{addr: netip.MustParseAddr(w.own)})
		out, _ := inspect(t, Config{Owners: owned(event.Owner{MAC: mac, HasMAC: true})}, mirrored(nested.frames, "10.0.0.1", 7))
		require.Len(t, out.ofFlows(), 1)
		require.Equal(t, "172.16.0.9", out.ofFlows()[0].Src.Netip().String())
		require.Equal(t, w.want, out.ofFlows()[0].Direction)
	}
}

// A flow that is turned round goes the other way: which side is the interface's does not change.
func TestDirectionTurnsWithTheFlow(t *testing.T) {
	c := newConversation()
	c.hear("x")
	out, _ := inspect(t, Config{}, mirrored(c.frames, "10.0.0.1", 7))
	require.Equal(t, event.Ingress, out.ofFlows()[0].Direction, "the first packet came from the server")
	c.say(get("/"))
	out, _ = inspect(t, Config{}, mirrored(c.frames, "10.0.0.1", 7))
	require.Equal(t, event.Egress, out.ofFlows()[0].Direction)
}

// What the first packet does not show a later one may.
func TestDirectionIsFoundLater(t *testing.T) {
	c := between("172.16.0.9", "203.0.113.9")
	c.open()
	strange := c.frames[:1]
	later := (&conversation{frames: c.frames[1:]}).at(c.client)
	in := mirrored(append(append([]decap.Datagram{}, strange...), later.frames...), "10.0.0.1", 7)
	cfg := Config{Owners: owned(event.Owner{MAC: mac, HasMAC: true})}
	out, _ := inspect(t, cfg, in[:1])
	require.Equal(t, event.NoDirection, out.ofFlows()[0].Direction)
	out, _ = inspect(t, cfg, in)
	require.Equal(t, event.Egress, out.ofFlows()[0].Direction)
}

// Fragments that were put together have lost their frame; addresses remain.
func TestDirectionOfFragments(t *testing.T) {
	c := fragmented(t, query())
	o := event.Owner{MAC: mac, HasMAC: true, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
	out, n := inspect(t, Config{Owners: owned(o)}, mirrored(c.frames, "10.0.0.1", 7))
	require.EqualValues(t, 1, n.Reassembled)
	require.Equal(t, event.Egress, out.ofFlows()[0].Direction)
}

// steps is a Source that runs a function before each batch.
type steps []func() []decap.Datagram

func (s *steps) Read(b *decap.Batch) error {
	if len(*s) == 0 {
		b.N = 0
		return io.EOF
	}
	b.N = copy(b.D[:], (*s)[0]())
	*s = (*s)[1:]
	return nil
}

// TestInventoryChanges: a flow goes on when the inventory changes; events carry the owner of the time at which they are emitted,
// and packets are counted while there was none.
func TestInventoryChanges(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(get("/a"))
	c.hear(ok("a"))
	first := mirrored(c.frames, "10.0.0.1", 7)
	c.say(get("/b"))
	c.hear(ok("b"))
	second := mirrored(c.frames, "10.0.0.1", 7)[len(first):]
	c.say(get("/c"))
	c.hear(ok("c"))
	third := mirrored(c.frames, "10.0.0.1", 7)[len(first)+len(second):]

	known := owned(event.Owner{ENI: "eni-old"})
	session := event.MirrorSession{Outer: netip.MustParseAddr("10.0.0.1"), VNI: 7}
	old := known.owners[session]
	delete(known.owners, session)
	src := steps{
		func() []decap.Datagram { return first },
		func() []decap.Datagram { known.owners[session] = old; known.generation++; return second },
		func() []decap.Datagram {
			known.owners[session] = &event.Owner{ENI: "eni-new"}
			known.generation++
			return third
		},
		func() []decap.Datagram { return nil },
	}
	var out collected
	w := New(Config{Memory: Share(1 << 20), Owners: known}, &src, &out)
	require.NoError(t, w.Run())
	n := w.Counters()
	require.EqualValues(t, 1, n.FlowsNew)
	require.EqualValues(t, len(first), n.Unattributed)
	require.Equal(t, 3, known.asked, "once for the session, and once for each change")
	var enis []string
	for _, b := range out.batches {
		for i := range b.Events {
			eni := ""
			if o := b.Events[i].Owner; o != nil {
				eni = o.ENI
			}
			enis = append(enis, b.Events[i].Kind.String()+" "+eni)
		}
	}
	require.Equal(t, []string{"app_layer ", "app_layer eni-old", "app_layer eni-new", "flow eni-new"}, enis)
}

// TestUnknownSessions: what the inventory does not know is inspected as ever, and counted; a plain capture is not asked for.
func TestUnknownSessions(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(get("/x"))
	c.hear(ok("y"))
	in := append(mirrored(c.frames, "10.0.0.1", 8), mirrored(c.frames, "10.0.0.1", 7)...)
	in = append(in, c.frames...)
	out, n := inspect(t, Config{Owners: owned(event.Owner{ENI: "eni-1"})}, in)
	require.EqualValues(t, len(c.frames), n.Unattributed)
	require.Len(t, urls(out), 3)
	for _, e := range out.ofFlows() {
		require.Equal(t, e.Mirrored && e.VNI == 7, e.Owner != nil)
	}
	_, n = inspect(t, Config{}, in)
	require.Zero(t, n.Unattributed, "without an inventory nothing is unknown")
	_, n = inspect(t, Config{Owners: owned(event.Owner{})}, mirrored(fragmented(t, query()).frames, "10.0.0.1", 8))
	require.Equal(t, n.Datagrams, n.Unattributed, "each fragment is a packet")
}

// TestInventoryAllocatesNothing: neither what is decided by MAC, nor what by many addresses cannot be.
func TestInventoryAllocatesNothing(t *testing.T) {
	for _, o := range []event.Owner{
		{MAC: [6]byte{2, 0, 0, 0, 0, 1}, HasMAC: true},
		{MAC: mac, HasMAC: true, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("2001:db8::1")}},
	} {
		noAllocations(t, Config{Owners: owned(o)})
	}
	noAllocations(t, Config{Owners: &inventory{}})
}

// TestPairsWithSecondaryAddresses: an inventory knows that an address is the interface's, and a MAC address that a packet is.
func TestPairsWithSecondaryAddresses(t *testing.T) {
	c := between("10.0.0.1", "10.0.0.81")
	c.open()
	for range 5 {
		c.say(get("/"))
		c.hear(ok("x"))
	}
	here, there := mirrored(c.frames, "10.0.0.1", 7), mirrored(c.frames, "10.0.0.80", 8)
	var both []decap.Datagram
	for i := range here {
		both = append(both, here[i], there[i])
	}
	server := event.MirrorSession{Outer: netip.MustParseAddr("10.0.0.80"), VNI: 8}
	for name, o := range map[string]*event.Owner{
		"":        nil,
		"address": {Addrs: []netip.Addr{server.Outer, netip.MustParseAddr("10.0.0.81")}},
		"MAC":     {MAC: mac, HasMAC: true},
	} {
		known := &inventory{owners: map[event.MirrorSession]*event.Owner{}}
		if o != nil {
			known.owners[server] = o
		}
		if name == "MAC" {
			c.at(c.server)
			for i, d := range c.frames {
				copy(there[i].Data[8:], d.Data)
			}
		}
		_, n := inspect(t, Config{Owners: known}, both)
		if o == nil {
			require.Zero(t, n.Paired)
		} else {
			require.EqualValues(t, len(here)-1, n.Paired, name)
		}
	}
}

// TestPairsAtARouter: a router receives and sends the same packet at one interface. The copy of its arrival belongs to the one
// of the sender, that of its departure to the one of the receiver.
func TestPairsAtARouter(t *testing.T) {
	c := between("10.0.0.1", "10.0.0.80")
	c.open()
	through := func(from, to [6]byte) []decap.Datagram {
		moved := between("10.0.0.1", "10.0.0.80")
		for _, d := range c.frames {
			moved.frames = append(moved.frames, decap.Datagram{Data: append(append(append([]byte{}, to[:]...), from[:]...), d.Data[12:]...), Nanos: d.Nanos, WireLen: d.WireLen})
		}
		return mirrored(moved.frames, "10.0.0.50", 50)
	}
	sent, arrived, left, received := mirrored(c.frames, "10.0.0.1", 7), through(router, mac), through(mac, router), mirrored(c.frames, "10.0.0.80", 8)
	known := &inventory{owners: map[event.MirrorSession]*event.Owner{{Outer: netip.MustParseAddr("10.0.0.50"), VNI: 50}: {MAC: mac, HasMAC: true}}}
	var in []decap.Datagram
	for i := range sent {
		in = append(in, sent[i], arrived[i], left[i], received[i])
	}
	out, n := inspect(t, Config{Owners: known}, in)
	require.EqualValues(t, 2*len(sent)-1, n.Paired, "all but the first, before the other end is known to be mirrored")
	paired := map[uint32]uint32{}
	for _, e := range out.ofFlows() {
		paired[e.VNI] = e.Paired.VNI
	}
	require.EqualValues(t, 50, paired[7])
	require.EqualValues(t, 50, paired[8])
}

// What is the interface's, or behind it, is on our side, whatever its address.
func TestOutboundByInventory(t *testing.T) {
	at := func(c *conversation) *conversation { return &conversation{frames: mirrored(c.frames, "10.0.0.1", 7)} }
	outside := between("198.51.100.5", "203.0.113.9")
	outside.open()
	require.Contains(t, described(t, Config{}, at(outside)), " no ")
	require.Contains(t, described(t, Config{Owners: owned(event.Owner{Addrs: []netip.Addr{netip.MustParseAddr("198.51.100.5")}})}, at(outside)), " no_dns_seen ")
	require.Contains(t, described(t, Config{Owners: owned(event.Owner{MAC: mac, HasMAC: true})}, at(outside.at(outside.client))), " no_dns_seen ")

	inside := between("10.0.0.7", "198.51.100.5")
	inside.open()
	require.Contains(t, described(t, Config{}, at(inside)), " no_dns_seen ")
	require.Contains(t, described(t, Config{Owners: owned(event.Owner{Addrs: []netip.Addr{netip.MustParseAddr("198.51.100.5")}})}, at(inside)), " no ")
	require.Contains(t, described(t, Config{Owners: owned(event.Owner{MAC: mac, HasMAC: true})}, at(inside.at(inside.server))), " no_dns_seen ",
		"forwarded to where no lookup is known of")
}
