package parallel

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// moments makes frames that are seen in another order than they were sent in.
type moments struct {
	session  int // the host at which they are mirrored and 1; 0 for none
	v6       bool
	datagram []decap.Datagram
	at       []int64 // when they are seen
}

// addresses of a client, its resolver, and servers.
func (m *moments) address(n byte) netip.Addr {
	switch {
	case n < 100 && m.v6:
		return netip.AddrFrom16([16]byte{0: 0xfd, 15: n})
	case n < 100:
		return netip.AddrFrom4([4]byte{10, 0, 0, n})
	case m.v6:
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: n})
	}
	return netip.AddrFrom4([4]byte{203, 0, 113, n})
}

// send adds a packet that was sent at one time and is seen at another.
func (m *moments) send(sent, seen int64, from, to byte, transport gopacket.SerializableLayer, payload []byte) {
	src, dst, eth := m.address(from), m.address(to), ethernet()
	proto := layers.IPProtocolTCP
	if _, ok := transport.(*layers.UDP); ok {
		proto = layers.IPProtocolUDP
	}
	var ip interface {
		gopacket.SerializableLayer
		gopacket.NetworkLayer
	} = &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}
	if m.v6 {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip = &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}
	}
	_ = transport.(interface {
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
	}).SetNetworkLayerForChecksum(ip)
	data := serialize(eth, ip, transport, gopacket.Payload(payload))
	if m.session > 0 {
		tr := new(traffic)
		tr.copies(data, []int{m.session - 1})
		data = tr.frames[0].Data
	}
	m.datagram = append(m.datagram, decap.Datagram{Data: data, WireLen: len(data), Nanos: sent})
	m.at = append(m.at, seen)
}

// answer adds a response for a name and the address of a server.
func (m *moments) answer(sent, seen int64, port uint16, name string, server byte) {
	typ := layers.DNSTypeA
	if m.v6 {
		typ = layers.DNSTypeAAAA
	}
	dns := &layers.DNS{
		ID: port, QR: true, RD: true, RA: true, Questions: []layers.DNSQuestion{{Name: []byte(name), Type: typ, Class: layers.DNSClassIN}},
		Answers: []layers.DNSResourceRecord{
			{Name: []byte(name), Type: typ, Class: layers.DNSClassIN, TTL: 60, IP: m.address(server).AsSlice()},
		},
	}
	m.send(sent, seen, 2, 1, &layers.UDP{SrcPort: 53, DstPort: layers.UDPPort(port)}, serialize(dns))
}

// frames returns the frames in the order in which they are seen.
func (m *moments) frames() (all frames) {
	order := make([]int, len(m.at))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.at[a], m.at[b]) })
	for _, i := range order {
		all = append(all, m.datagram[i])
	}
	return all
}

// helloOf returns the ClientHello of Go's client.
func helloOf(name string) []byte {
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		defer client.Close()
		_ = tls.Client(client, &tls.Config{ServerName: name, CurvePreferences: []tls.CurveID{tls.X25519}}).Handshake() // nobody answers
	}()
	hello := make([]byte, 4096)
	n, err := server.Read(hello)
	if err != nil {
		panic(err)
	}
	return hello[:n]
}

// aConnection is one to a server, with the time of the answer that gives its address.
type aConnection struct {
	start, answered int64
	udp             bool
}

// add adds the packets of connection number n, and its lookup.
func (c *aConnection) add(t *rapid.T, m *moments, n byte, hello []byte) {
	name, server := "www.example.com", 100+n
	late := int64(rapid.SampledFrom([]time.Duration{0, 0, time.Microsecond, 20 * time.Millisecond, 45 * time.Millisecond}).Draw(t, "late"))
	m.answer(c.answered, c.answered+late, 2000+uint16(n), name, server)
	port := 40000 + uint16(n)
	if c.udp {
		m.send(c.start, c.start, 1, server, &layers.UDP{SrcPort: layers.UDPPort(port), DstPort: 9}, []byte("nothing that is known"))
		return
	}
	tcp := &layers.TCP{SrcPort: layers.TCPPort(port), DstPort: 443, Seq: 7, SYN: true, Window: 65535}
	m.send(c.start, c.start, 1, server, tcp, nil)
	said := c.start + int64(rapid.SampledFrom([]time.Duration{0, time.Millisecond, 60 * time.Millisecond, time.Second}).Draw(t, "said"))
	tcp = &layers.TCP{SrcPort: layers.TCPPort(port), DstPort: 443, Seq: 8, Ack: 1, ACK: true, Window: 65535}
	m.send(said, said, 1, server, tcp, hello)
}

// TestAnswersAroundTheFirstPacket: an answer explains a connection if its time is at most 50 ms after the first packet, wherever it
// stands in the capture and whichever worker has it; a later one does not.
func TestAnswersAroundTheFirstPacket(t *testing.T) {
	hello := helloOf("www.example.com")
	rapid.Check(t, func(t *rapid.T) {
		m := &moments{session: rapid.IntRange(0, 1).Draw(t, "session"), v6: rapid.Bool().Draw(t, "v6")}
		now := int64(1_700_000_000_000_000_000)
		m.answer(now-int64(2*time.Second), now-int64(2*time.Second), 1999, "other.example.com", 99)
		want := map[uint16]bool{}
		for n := range byte(rapid.IntRange(1, 12).Draw(t, "connections")) {
			now += rapid.Int64Range(0, int64(100*time.Millisecond)).Draw(t, "next")
			c := aConnection{start: now, udp: rapid.Bool().Draw(t, "udp")}
			after := rapid.SampledFrom([]time.Duration{
				-time.Second, -time.Millisecond, -1, 0, 1, 20 * time.Microsecond, 5 * time.Millisecond, 50 * time.Millisecond,
				50*time.Millisecond + 1, 51 * time.Millisecond, 99 * time.Millisecond, 101 * time.Millisecond, time.Second,
			}).Draw(t, "after")
			c.answered = now + int64(after)
			c.add(t, m, n, hello)
			want[40000+uint16(n)] = after <= 50*time.Millisecond
		}
		for _, workers := range []int{0, 1, 2, 3} {
			in, out := m.frames(), new(collected)
			cfg := inspect.Config{Memory: inspect.Share(16 << 20)}
			var r runner = inspect.New(cfg, &in, out)
			if workers > 0 {
				var err error
				r, err = New(cfg, workers, &in, out)
				require.NoError(t, err)
			}
			require.NoError(t, r.Run())
			checkExplained(t, out, want, fmt.Sprint(workers, " workers"))
		}
	})
}

// checkExplained checks which connections are explained, by their client's port, in all of their events.
func checkExplained(t *rapid.T, out *collected, want map[uint16]bool, how string) {
	seen := map[uint16]bool{}
	for _, b := range out.batches {
		for i := range b.Events {
			e := &b.Events[i]
			explained, ok := want[e.SrcPort]
			if !ok {
				continue
			}
			seen[e.SrcPort] = true
			require.Equal(t, explained, e.Direct == event.NotDirect, "%s: %s %d", how, e.Kind, e.SrcPort)
			if explained {
				require.Zero(t, e.Conflicts, "%s: %s", how, e.Kind)
				require.Equal(t, "www.example.com", string(b.Text(e.Name)), "%s: %s", how, e.Kind)
			}
		}
	}
	require.Len(t, seen, len(want))
}
