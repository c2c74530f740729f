package sink

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/testdata/realserver"
)

// arrival is a mirrored copy that is received at a time.
type arrival struct {
	at   time.Time
	data []byte
}

// wire is a source that gives mirrored copies when they arrive, by the clock of the test, and returns as a socket does where none comes.
type wire struct {
	coming []arrival // in the order of their times
	once   sync.Once
	closed chan struct{}
}

func newWire(coming ...arrival) *wire { return &wire{coming: coming, closed: make(chan struct{})} }

// quietRead is how long a Read waits for datagrams: as long as one of a socket.
const quietRead = 100 * time.Millisecond

// Read implements inspect.Source.
func (w *wire) Read(b *decap.Batch) error {
	b.N = 0
	wait := quietRead
	if len(w.coming) > 0 {
		wait = min(wait, time.Until(w.coming[0].at))
	}
	select {
	case <-w.closed:
		return os.ErrClosed
	case <-time.After(wait):
	}
	for len(w.coming) > 0 && !w.coming[0].at.After(time.Now()) && b.N < decap.BatchSize {
		a := w.coming[0]
		b.D[b.N] = decap.Datagram{
			Data: a.data, Outer: netip.MustParseAddrPort("10.0.0.1:50000"), Nanos: a.at.UnixNano(), WireLen: len(a.data), Link: decap.LinkVXLAN,
		}
		w.coming = w.coming[1:]
		b.N++
	}
	return nil
}

// Close implements source.
func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

// workload is a mirrored interface, whose copies have a VNI.
type workload struct {
	t      *testing.T
	copies []arrival
}

// Ends of the connections of workloads.
var (
	workloadAddr = []byte{10, 0, 0, 1}
	resolverAddr = []byte{10, 0, 0, 2}
	serverAddr   = []byte{203, 0, 113, 7}
)

// packet adds the copy of a packet that the workload sends or receives.
func (w *workload) packet(at time.Time, out bool, peer []byte, transport gopacket.SerializableLayer, payload ...gopacket.SerializableLayer) {
	ip := &layers.IPv4{Version: 4, TTL: 64, SrcIP: workloadAddr, DstIP: peer}
	if !out {
		ip.SrcIP, ip.DstIP = ip.DstIP, ip.SrcIP
	}
	switch l := transport.(type) {
	case *layers.UDP:
		ip.Protocol = layers.IPProtocolUDP
		require.NoError(w.t, l.SetNetworkLayerForChecksum(ip))
	case *layers.TCP:
		ip.Protocol, l.Window = layers.IPProtocolTCP, 65535
		require.NoError(w.t, l.SetNetworkLayerForChecksum(ip))
	}
	buf := gopacket.NewSerializeBuffer()
	eth := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	all := append([]gopacket.SerializableLayer{&layers.VXLAN{ValidIDFlag: true, VNI: 7}, eth, ip, transport}, payload...)
	require.NoError(w.t, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...))
	w.copies = append(w.copies, arrival{at, buf.Bytes()})
}

// lookup adds a lookup of the server's name.
func (w *workload) lookup(at time.Time) {
	question := layers.DNSQuestion{Name: []byte("evil.example"), Type: layers.DNSTypeA, Class: layers.DNSClassIN}
	w.packet(at, true, resolverAddr, &layers.UDP{SrcPort: 5000, DstPort: 53}, &layers.DNS{ID: 1, RD: true, Questions: []layers.DNSQuestion{question}})
	w.packet(at.Add(time.Millisecond), false, resolverAddr, &layers.UDP{SrcPort: 53, DstPort: 5000}, &layers.DNS{
		ID: 1, QR: true, Questions: []layers.DNSQuestion{question},
		Answers: []layers.DNSResourceRecord{{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 60, IP: serverAddr}},
	})
}

// upload adds a connection on which the workload sends the bytes of an alert's bound at once, and one more byte at another time.
func (w *workload) upload(at, last time.Time) {
	client, server := layers.TCP{SrcPort: 40000, DstPort: 443}, layers.TCP{SrcPort: 443, DstPort: 40000}
	segment := func(at time.Time, out bool, tcp layers.TCP, n int) {
		w.packet(at, out, serverAddr, &tcp, gopacket.Payload(make([]byte, n)))
	}
	client.Seq, client.SYN = 1000, true
	segment(at, true, client, 0)
	server.Seq, server.Ack, server.SYN, server.ACK = 5000, 1001, true, true
	segment(at.Add(time.Millisecond), false, server, 0)
	client.SYN, client.Seq, client.Ack, client.ACK = false, 1001, 5001, true
	server.SYN, server.Seq = false, 5001
	for range 100 {
		at = at.Add(2 * time.Millisecond)
		segment(at, true, client, 1000)
		client.Seq += 1000
		server.Ack = client.Seq
		segment(at.Add(time.Millisecond), false, server, 0)
	}
	segment(last, true, client, 1)
}

// noise adds datagrams of another flow.
func (w *workload) noise(from time.Time, n int) {
	for i := range n {
		w.packet(from.Add(time.Duration(i)*70*time.Millisecond), true, []byte{203, 0, 113, 9}, &layers.UDP{SrcPort: 6000, DstPort: 9999}, gopacket.Payload("x"))
	}
}

// topic is a stand-in for SNS, which counts what is published.
type topic struct {
	mu        sync.Mutex
	published []url.Values
}

func (s *topic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published = append(s.published, form)
	_, _ = io.WriteString(w, `<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
}

func (s *topic) calls() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]url.Values(nil), s.published...)
}

// alertDelay is the promise: an alert is sent at most this long after the packet with the last of the bytes.
const alertDelay = 10 * time.Second

// TestFromTheLastByteToSNS: a sink that runs as listen does calls SNS at most ten seconds after the byte that is one too many, by one clock
// for the packets, the workers, the alerts and the calls. It does not matter where in a second the byte comes, whether other packets follow,
// whether a lookup explains the server, and how many workers share the traffic.
func TestFromTheLastByteToSNS(t *testing.T) {
	sns := &topic{}
	server := httptest.NewUnstartedServer(sns)
	server.Config.SetKeepAlivesEnabled(false) // the clock stands still while a connection is open
	server.Start()
	defer server.Close()
	realserver.UseAWS(t, server.URL)
	hangups := make(chan os.Signal, 1) // the runtime's goroutine for signals is not one of the test's
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for _, workers := range []int{1, 3} {
		for _, looked := range []bool{false, true} {
			for _, busy := range []bool{false, true} {
				for _, phase := range []time.Duration{0, 300 * time.Millisecond, 999 * time.Millisecond} {
					t.Run(fmt.Sprintf("workers=%d,lookup=%v,busy=%v,phase=%v", workers, looked, busy, phase), func(t *testing.T) {
						sns.published = nil
						synctest.Test(t, func(t *testing.T) {
							delay := delayOf(t, sns, workers, looked, busy, phase)
							t.Log("from the last byte to the call: ", delay)
							require.Positive(t, delay)
							require.LessOrEqual(t, delay, alertDelay)
						})
					})
				}
			}
		}
	}
}

// delayOf runs a sink and returns how long after the last byte SNS was called.
func delayOf(t *testing.T, sns *topic, workers int, looked, busy bool, phase time.Duration) time.Duration {
	start := time.Now().Truncate(time.Second).Add(2 * time.Second)
	last := start.Add(3*time.Second + phase)
	w := &workload{t: t}
	if looked {
		w.lookup(start)
	}
	w.upload(start.Add(10*time.Millisecond), last)
	if busy {
		w.noise(last.Add(time.Millisecond), 1000)
	}
	l := alertingListener(t)
	group := []source{newWire(w.copies...)}
	for len(group) < workers {
		group = append(group, newWire())
	}
	l.groups = [][]source{group}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	time.Sleep(time.Until(last) - time.Millisecond)
	synctest.Wait()
	require.Empty(t, sns.calls(), "the bound is not passed yet")
	for len(sns.calls()) == 0 && time.Since(last) < 10*alertDelay {
		time.Sleep(10 * time.Millisecond)
	}
	delay := time.Since(last)
	stop()
	require.NoError(t, <-ended)
	require.Len(t, sns.calls(), 1)
	to := "203.0.113.7"
	if looked {
		to = "evil.example"
	}
	require.Contains(t, sns.calls()[0].Get("Subject"), to)
	require.Contains(t, sns.calls()[0].Get("Message"), "100001")
	return delay
}

// alertingListener returns a listener with an alert of exfiltration that goes to SNS, without sources.
func alertingListener(t *testing.T) *Listener {
	opts := DefaultListenConfig()
	opts.Memory, opts.StatsInterval = 64<<20, 0
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	opts.Outputs.AddTo(f)
	require.NoError(t, f.Parse([]string{"--alert=sns:arn:aws:sns:eu-west-1:111122223333:alerts", "--spool=" + t.TempDir()}))
	opts.Policy.File, opts.Policy.Text = "policy.yaml", []byte("allow: []\nalert: {exfiltration: {bytes: 100kB, within: 5m}}\n")
	opts.Outputs.Judged = true
	l, err := OpenListener(t.Context(), opts, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return l
}
