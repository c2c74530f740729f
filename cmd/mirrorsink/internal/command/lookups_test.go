package command

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The connections of TestLookupsExplainConnections: those that had a lookup, and those that had none.
const (
	lookedUp = 400
	notAsked = 20
)

// mirroredHost is a client that looks names up and connects, and whose packets are mirrored to a sink.
type mirroredHost struct {
	t     *testing.T
	to    net.Conn // the sink
	hello []byte   // with the name of connection 0
	n     int
}

// connectionName has the same length for all.
func connectionName(n int) string { return fmt.Sprintf("host-%03d.example.com", n) }

func connectionServer(n int) netip.Addr {
	if n%2 == 0 {
		return netip.AddrFrom4([4]byte{198, 51, 100 + byte(n/500), byte(n / 2)})
	}
	return netip.AddrFrom4([4]byte{203, 0, 113 + byte(n/500), byte(n / 2)})
}

// mirror sends the copy of a packet between the client of connection n and an address. Each has ports of its own, which divide the
// traffic among workers.
func (m *mirroredHost) mirror(fromClient bool, other netip.Addr, transport gopacket.SerializableLayer, payload []byte) {
	src, dst := netip.MustParseAddr("10.0.0.1"), other
	if !fromClient {
		src, dst = dst, src
	}
	ip := &layers.IPv4{Version: 4, TTL: 64, SrcIP: src.AsSlice(), DstIP: dst.AsSlice(), Protocol: layers.IPProtocolTCP}
	switch l := transport.(type) {
	case *layers.UDP:
		ip.Protocol = layers.IPProtocolUDP
		_ = l.SetNetworkLayerForChecksum(ip)
	case *layers.TCP:
		_ = l.SetNetworkLayerForChecksum(ip)
	}
	buf := gopacket.NewSerializeBuffer()
	eth := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.VXLAN{ValidIDFlag: true, VNI: 7}, eth, ip, transport, gopacket.Payload(payload))
	assert.NoError(m.t, err)
	_, err = m.to.Write(buf.Bytes())
	assert.NoError(m.t, err)
	m.n++
}

// answer mirrors the response to a lookup.
func (m *mirroredHost) answer(n int) {
	name := []byte(connectionName(n))
	dns := &layers.DNS{
		ID: uint16(n), QR: true, RD: true, RA: true, Questions: []layers.DNSQuestion{{Name: name, Type: layers.DNSTypeA, Class: layers.DNSClassIN}},
		Answers: []layers.DNSResourceRecord{
			{Name: name, Type: layers.DNSTypeA, Class: layers.DNSClassIN, TTL: 60, IP: connectionServer(n).AsSlice()},
		},
	}
	buf := gopacket.NewSerializeBuffer()
	assert.NoError(m.t, dns.SerializeTo(buf, gopacket.SerializeOptions{FixLengths: true}))
	m.mirror(false, netip.MustParseAddr("10.0.0.2"), &layers.UDP{SrcPort: 53, DstPort: layers.UDPPort(20000 + n)}, buf.Bytes())
}

// connect mirrors a SYN and a hello.
func (m *mirroredHost) connect(n int) {
	tcp := &layers.TCP{SrcPort: layers.TCPPort(30000 + n), DstPort: 443, Seq: 1000, SYN: true, Window: 65535}
	m.mirror(true, connectionServer(n), tcp, nil)
	hello := bytes.Replace(m.hello, []byte(connectionName(0)), []byte(connectionName(n)), 1)
	tcp = &layers.TCP{SrcPort: tcp.SrcPort, DstPort: 443, Seq: 1001, Ack: 5001, ACK: true, Window: 65535}
	m.mirror(true, connectionServer(n), tcp, hello)
}

// helloOf returns the ClientHello of Go's client.
func helloOf(t *testing.T, name string) []byte {
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		defer client.Close()
		_ = tls.Client(client, &tls.Config{ServerName: name, CurvePreferences: []tls.CurveID{tls.X25519}}).Handshake() // nobody answers
	}()
	hello := make([]byte, 1200)
	n, err := server.Read(hello)
	require.NoError(t, err)
	return hello[:n]
}

// A lookup explains the connection that follows it, although the kernel gives the answer to another worker; and a connection without one
// is reported.
func TestLookupsExplainConnections(t *testing.T) {
	needsLinux(t)
	hello := helloOf(t, connectionName(0))
	for _, workers := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			eve := eveFile(t)
			s := startListen(t, fmt.Sprintf("--workers=%d", workers), "--eve", eve)
			to, err := net.Dial("udp", s.udp)
			require.NoError(t, err)
			defer to.Close()
			const hosts = 8 // at the same time
			var all [hosts]mirroredHost
			var wg sync.WaitGroup
			for i := range all {
				m := &all[i]
				*m = mirroredHost{t: t, to: to, hello: hello}
				wg.Go(func() {
					for n := 1 + i; n <= lookedUp+notAsked; n += hosts {
						if n <= lookedUp {
							m.answer(n)
							time.Sleep(time.Duration(n%6) * time.Millisecond)
						}
						m.connect(n)
					}
				})
			}
			wg.Wait()
			sent := 0
			for i := range all {
				sent += all[i].n
			}
			last := s.awaitAll(uint64(sent))
			require.Zero(t, last["mirrorsink_kernel_drops_total"])
			require.Equal(t, exitOK, s.end(), s.stderr.String())
			var alarms, want []string
			for _, e := range readEvents(t, eve) {
				hint := e["hint"].(map[string]any)
				if conflicts := hint["conflicts"]; conflicts != nil || hint["direct_to_address"] != nil {
					alarms = append(alarms, fmt.Sprint(e["event_type"], hint["name"], conflicts, hint["direct_to_address"]))
				}
			}
			for n := lookedUp + 1; n <= lookedUp+notAsked; n++ {
				for _, kind := range []string{"flow", "tls"} {
					want = append(want, fmt.Sprint(kind, connectionName(n), []string{"sni_not_in_dns"}, "no_lookup"))
				}
			}
			slices.Sort(alarms)
			slices.Sort(want)
			require.Equal(t, want, alarms)
		})
	}
}
