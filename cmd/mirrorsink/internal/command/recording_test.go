package command

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/tx/pcap"
)

// readResult is the result of one read of a relay: some bytes of a stream, or a datagram.
type readResult struct {
	fromClient bool
	data       []byte
}

// A recording is what relays saw pass, in an order that keeps causes before their effects.
type recording struct {
	relays sync.WaitGroup // of streams

	mu   sync.Mutex
	seen []readResult
}

// note keeps a copy of data. It must be called before data is passed on.
func (r *recording) note(fromClient bool, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, readResult{fromClient, slices.Clone(data)})
}

func (r *recording) exchanged() []readResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

// wait waits until both sides of the relayed stream have ended.
func (r *recording) wait() { r.relays.Wait() }

// relayTCP relays one connection to a server and returns where the client shall dial.
func (r *recording) relayTCP(t *testing.T, server string) (address string) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close(); r.wait() })
	r.relays.Go(func() {
		client, err := listener.Accept()
		if err != nil {
			return // the test ended before a client came
		}
		defer client.Close()
		server, err := net.DialTimeout("tcp4", server, testTimeout)
		if !assert.NoError(t, err) {
			return
		}
		defer server.Close()
		var toServer sync.WaitGroup
		toServer.Go(func() { r.pass(client, server, true) })
		r.pass(server, client, false)
		toServer.Wait()
	})
	return listener.Addr().String()
}

// pass passes one direction of a stream on until its end, which it passes on too.
func (r *recording) pass(from, to net.Conn, fromClient bool) {
	defer to.(*net.TCPConn).CloseWrite()
	_ = from.SetReadDeadline(time.Now().Add(testTimeout))
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return // its end, or a reset by who has captured enough
		}
		r.note(fromClient, buf[:n])
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// relayUDP relays the datagrams of one client until the test ends, and returns where the client shall send them.
func (r *recording) relayUDP(t *testing.T, server net.Addr) net.Addr {
	front, back := loopbackUDP(t), loopbackUDP(t)
	var relay sync.WaitGroup
	t.Cleanup(func() { front.Close(); back.Close(); relay.Wait() })
	relay.Go(func() {
		buf := make([]byte, 1<<16)
		n, client, err := front.ReadFrom(buf)
		if err != nil {
			return // the test ended before a client came
		}
		relay.Go(func() { r.passDatagrams(back, front, client, false) })
		r.note(true, buf[:n])
		if _, err := back.WriteTo(buf[:n], server); err == nil {
			r.passDatagrams(front, back, server, true)
		}
	})
	return front.LocalAddr()
}

// passDatagrams sends what comes to one socket from another one, until one of them is closed.
func (r *recording) passDatagrams(in, out net.PacketConn, to net.Addr, fromClient bool) {
	buf := make([]byte, 1<<16)
	for {
		n, _, err := in.ReadFrom(buf)
		if err != nil {
			return
		}
		r.note(fromClient, buf[:n])
		if _, err := out.WriteTo(buf[:n], to); err != nil {
			return
		}
	}
}

// loopbackUDP opens a socket that is closed with the test.
func loopbackUDP(t *testing.T) *net.UDPConn {
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	require.NoError(t, err)
	t.Cleanup(func() { socket.Close() })
	return socket
}

// The ends of recorded conversations in captures.
const (
	clientAddress = "192.0.2.10"
	serverAddress = "198.51.100.20"
	clientPort    = 49152
	serverPort    = 443
)

// segmentSize is how many bytes of a stream a frame carries: less than a post-quantum hello has.
const segmentSize = 1400

// A framer lays a recorded conversation out as frames, a millisecond apart.
type framer struct {
	t     *testing.T
	w     *pcap.Writer
	nanos int64

	clientSeq, serverSeq uint32 // of the next byte
}

// writeCapture makes a capture of what was recorded.
func writeCapture(t *testing.T, name string, seen []readResult, frames func(*framer, []readResult)) {
	file, err := os.Create(name)
	require.NoError(t, err)
	defer file.Close()
	w, err := pcap.NewWriter(file)
	require.NoError(t, err)
	frames(&framer{t: t, w: w, nanos: time.Now().UnixNano(), clientSeq: 1000, serverSeq: 5000}, seen)
	require.NoError(t, w.Flush())
}

// stream writes a TCP connection from its first SYN to its last ACK.
func (f *framer) stream(seen []readResult) {
	f.segment(true, layers.TCP{SYN: true}, nil)
	f.segment(false, layers.TCP{SYN: true, ACK: true}, nil)
	f.segment(true, layers.TCP{ACK: true}, nil)
	for _, p := range seen {
		for data := range slices.Chunk(p.data, segmentSize) {
			f.segment(p.fromClient, layers.TCP{ACK: true, PSH: true}, data)
			f.segment(!p.fromClient, layers.TCP{ACK: true}, nil)
		}
	}
	f.segment(false, layers.TCP{ACK: true, FIN: true}, nil)
	f.segment(true, layers.TCP{ACK: true, FIN: true}, nil)
	f.segment(false, layers.TCP{ACK: true}, nil)
}

// segment writes a TCP segment that acknowledges all that came before it. The header's flags are the caller's.
func (f *framer) segment(fromClient bool, tcp layers.TCP, data []byte) {
	sender, receiver := &f.clientSeq, &f.serverSeq
	tcp.SrcPort, tcp.DstPort = clientPort, serverPort
	if !fromClient {
		sender, receiver = receiver, sender
		tcp.SrcPort, tcp.DstPort = serverPort, clientPort
	}
	tcp.Seq, tcp.Window = *sender, 65535
	if tcp.ACK {
		tcp.Ack = *receiver
	}
	*sender += uint32(len(data))
	if tcp.SYN || tcp.FIN {
		*sender++
	}
	ip := addresses(fromClient, layers.IPProtocolTCP)
	require.NoError(f.t, tcp.SetNetworkLayerForChecksum(ip))
	f.frame(fromClient, ip, &tcp, data)
}

// datagrams writes UDP datagrams as they were.
func (f *framer) datagrams(seen []readResult) {
	for _, p := range seen {
		udp := &layers.UDP{SrcPort: clientPort, DstPort: serverPort}
		if !p.fromClient {
			udp.SrcPort, udp.DstPort = udp.DstPort, udp.SrcPort
		}
		ip := addresses(p.fromClient, layers.IPProtocolUDP)
		require.NoError(f.t, udp.SetNetworkLayerForChecksum(ip))
		f.frame(p.fromClient, ip, udp, p.data)
	}
}

func addresses(fromClient bool, protocol layers.IPProtocol) *layers.IPv4 {
	ip := &layers.IPv4{
		Version: 4, TTL: 64, Protocol: protocol, Flags: layers.IPv4DontFragment,
		SrcIP: net.ParseIP(clientAddress), DstIP: net.ParseIP(serverAddress),
	}
	if !fromClient {
		ip.SrcIP, ip.DstIP = ip.DstIP, ip.SrcIP
	}
	return ip
}

func (f *framer) frame(fromClient bool, ip *layers.IPv4, transport gopacket.SerializableLayer, data []byte) {
	link := &layers.Ethernet{
		SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2},
		EthernetType: layers.EthernetTypeIPv4,
	}
	if !fromClient {
		link.SrcMAC, link.DstMAC = link.DstMAC, link.SrcMAC
	}
	buf := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	require.NoError(f.t, gopacket.SerializeLayers(buf, options, link, ip, transport, gopacket.Payload(data)))
	f.nanos += int64(time.Millisecond)
	require.NoError(f.t, f.w.Write(f.nanos, buf.Bytes(), len(buf.Bytes())))
}
