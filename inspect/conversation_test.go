package inspect

import (
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// frames is a Source of frames made by a test.
type frames []decap.Datagram

func (f *frames) Read(b *decap.Batch) error {
	b.N = copy(b.D[:], *f)
	*f = (*f)[b.N:]
	if len(*f) == 0 {
		return io.EOF
	}
	return nil
}

// collected is a Sink that keeps everything.
type collected struct{ batches []*event.Batch }

func (c *collected) Events(b *event.Batch) { c.batches = append(c.batches, b) }

// lines prints the events of a kind in a form that a test can compare: what they say, not when.
func (c *collected) lines(kind event.Kind) (out []string) {
	for _, b := range c.batches {
		for i := range b.Events {
			if e := &b.Events[i]; e.Kind == kind {
				out = append(out, line(b, e))
			}
		}
	}
	return out
}

func line(b *event.Batch, e *event.Event) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %v:%d > %v:%d", e.Proto, e.Src.Netip(), e.SrcPort, e.Dst.Netip(), e.DstPort)
	if e.Mirrored {
		fmt.Fprintf(&s, " vni=%d@%v", e.VNI, e.Outer)
	}
	if name := b.Text(e.Name); len(name) > 0 {
		fmt.Fprintf(&s, " %s=%s", e.NameSource, name)
	}
	for _, f := range b.Fields(e) {
		switch f.Kind {
		case l7.String:
			fmt.Fprintf(&s, " %s=%q", f.Key, b.Text(f.Text))
		case l7.Int, l7.Bool:
			fmt.Fprintf(&s, " %s=%d", f.Key, f.Num())
		case l7.Object, l7.Array:
			fmt.Fprintf(&s, " %s(", f.Key)
		case l7.End:
			s.WriteString(")")
		}
	}
	if e.Kind == event.Flow {
		f := &e.Flow
		fmt.Fprintf(&s, " %s %s by=%s packets=%d bytes=%d payload=%d lost=%d", f.State, f.Reason, e.Initiator, f.Packets, f.Bytes,
			f.Payload, f.Lost)
	}
	return s.String()
}

// inspect runs frames through a worker and returns its events and counters.
func inspect(t require.TestingT, cfg Config, in []decap.Datagram) (*collected, event.Counters) {
	if cfg.Memory == (Memory{}) {
		cfg.Memory = Share(8 << 20)
	}
	var out collected
	src := frames(in)
	w := New(cfg, &src, &out)
	require.NoError(t, w.Run())
	n := w.Counters()
	var sum uint64
	for _, reason := range n.Reasons {
		sum += reason
	}
	require.Equal(t, n.Datagrams, sum, "the loss identity")
	require.Equal(t, n.FlowsNew, n.FlowsEnded[0]+n.FlowsEnded[1]+n.FlowsEnded[2]+n.FlowsEnded[3], "every flow ends once")
	streams := w.tracker.streams.Counts()
	require.Zero(t, streams.Bytes, "every buffer and every request comes back")
	require.Zero(t, streams.Live)
	return &out, n
}

// host is one end of a made-up conversation.
type host struct {
	addr netip.Addr
	port uint16
	seq  uint32
}

// conversation makes the frames of a TCP connection, a millisecond apart.
type conversation struct {
	client, server host
	nanos          int64
	frames         []decap.Datagram
}

const millisecond = int64(1e6)

func newConversation() *conversation {
	return &conversation{
		client: host{netip.MustParseAddr("10.0.0.1"), 40000, 0xffffff00}, // wraps soon
		server: host{netip.MustParseAddr("192.0.2.80"), 8080, 5000},
		nanos:  1e18,
	}
}

// packet adds a segment of a host with the payload at a distance from its next sequence number.
func (c *conversation) packet(from, to *host, distance int, flags uint8, payload []byte) {
	c.nanos += millisecond
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: from.addr.AsSlice(), DstIP: to.addr.AsSlice()}
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(from.port), DstPort: layers.TCPPort(to.port), Seq: from.seq + uint32(distance), Ack: to.seq,
		SYN: flags&decap.SYN != 0, ACK: flags&decap.ACK != 0, FIN: flags&decap.FIN != 0, RST: flags&decap.RST != 0, Window: 65535,
	}
	if flags&decap.ACK == 0 {
		tcp.Ack = 0
	}
	c.add(ip, tcp, payload)
}

func (c *conversation) add(ip *layers.IPv4, transport gopacket.SerializableLayer, payload []byte) {
	if l, ok := transport.(interface {
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
	}); ok {
		_ = l.SetNetworkLayerForChecksum(ip)
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	eth := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	if err := gopacket.SerializeLayers(buf, opts, eth, ip, transport, gopacket.Payload(payload)); err != nil {
		panic(err)
	}
	c.frames = append(c.frames, decap.Datagram{Data: buf.Bytes(), WireLen: len(buf.Bytes()), Nanos: c.nanos})
}

// open adds the handshake.
func (c *conversation) open() {
	c.packet(&c.client, &c.server, 0, decap.SYN, nil)
	c.client.seq++
	c.packet(&c.server, &c.client, 0, decap.SYN|decap.ACK, nil)
	c.server.seq++
	c.packet(&c.client, &c.server, 0, decap.ACK, nil)
}

// say adds a host's bytes in one segment; hear is the answer of the other.
func (c *conversation) say(text string) {
	c.packet(&c.client, &c.server, 0, decap.ACK, []byte(text))
	c.client.seq += uint32(len(text))
}

func (c *conversation) hear(text string) {
	c.packet(&c.server, &c.client, 0, decap.ACK, []byte(text))
	c.server.seq += uint32(len(text))
}

// close adds the FINs.
func (c *conversation) close() {
	c.packet(&c.client, &c.server, 0, decap.FIN|decap.ACK, nil)
	c.client.seq++
	c.packet(&c.server, &c.client, 0, decap.FIN|decap.ACK, nil)
	c.server.seq++
	c.packet(&c.client, &c.server, 0, decap.ACK, nil)
}
