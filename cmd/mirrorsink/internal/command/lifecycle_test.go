package command

import (
	"hash/fnv"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/lifecycle/lifecycletest"
)

// balancer passes datagrams on to sinks as a Network Load Balancer does: each source stays with one sink, until that fails its health check.
type balancer struct {
	conn  *net.UDPConn
	mu    sync.Mutex
	sinks []*balanced
}

// balanced is a sink behind a balancer.
type balanced struct {
	*running
	cmd      *exec.Cmd
	instance *lifecycletest.Instance
	eve      string
	conn     net.Conn
	gone     bool   // it fails its health check
	sent     uint64 // datagrams to it
}

// newBalancer listens on a port of its own, until the test ends.
func newBalancer(t *testing.T) *balancer {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	require.NoError(t, conn.SetReadBuffer(4<<20))
	b := &balancer{conn: conn}
	ended := make(chan struct{})
	var working sync.WaitGroup
	working.Go(b.pass)
	working.Go(func() { b.check(ended) })
	t.Cleanup(func() { close(ended); conn.Close(); working.Wait() })
	return b
}

func (b *balancer) pass() {
	datagram := make([]byte, 65536)
	for {
		n, from, err := b.conn.ReadFromUDPAddrPort(datagram)
		if err != nil {
			return
		}
		b.mu.Lock()
		s := b.choose(from)
		s.sent++
		b.mu.Unlock()
		_, _ = s.conn.Write(datagram[:n]) // a sink that was killed refuses
	}
}

// choose returns the sink of a source, among those that are healthy; of all, if none is.
func (b *balancer) choose(from netip.AddrPort) *balanced {
	h := fnv.New32a()
	text, _ := from.MarshalBinary()
	_, _ = h.Write(text)
	var healthy []*balanced
	for _, s := range b.sinks {
		if !s.gone {
			healthy = append(healthy, s)
		}
	}
	if len(healthy) == 0 {
		healthy = b.sinks
	}
	return healthy[int(h.Sum32())%len(healthy)]
}

// check checks the health of all sinks again and again, until the test has ended.
func (b *balancer) check(ended <-chan struct{}) {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-ended:
			return
		case <-again.C:
		}
		b.mu.Lock()
		sinks := slices.Clone(b.sinks)
		b.mu.Unlock()
		for _, s := range sinks {
			status, _ := get("http://" + s.healthy + "/readyz")
			b.mu.Lock()
			s.gone = status != http.StatusOK
			b.mu.Unlock()
		}
	}
}

func (b *balancer) sentTo(s *balanced) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return s.sent
}

// add starts a sink on an instance of its own.
func (b *balancer) add(t *testing.T, args ...string) *balanced {
	s := &balanced{running: &running{t: t}, eve: eveFile(t), instance: lifecycletest.New(t, lifecycletest.Settings{Group: "sinks", Hook: "drain", Timeout: 60})}
	s.cmd = program(t, append([]string{"listen", "--listen=127.0.0.1:0", "--metrics=127.0.0.1:0", "--health=127.0.0.1:0", "--workers=1", "--memory=64MiB",
		"--stats-interval=0", "--lifecycle=drain", "--eve", s.eve}, args...)...)
	s.cmd.Stderr = &s.stderr
	require.NoError(t, s.cmd.Start())
	s.udp = s.stderr.await(t, `msg=receiving address=(\S+)`)
	s.metrics = s.stderr.await(t, `what=metrics address=(\S+)`)
	s.running.healthy = s.stderr.await(t, `what=health address=(\S+)`)
	s.awaitStatus("/readyz", http.StatusOK)
	var err error
	s.conn, err = net.Dial("udp", s.udp)
	require.NoError(t, err)
	t.Cleanup(func() { s.conn.Close() })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sinks = append(b.sinks, s)
	return s
}

// packets adds up the packets of the flows that a sink has written.
func (s *balanced) packets() (n uint64) {
	for _, e := range readEvents(s.t, s.eve) {
		if flow, ok := e["flow"].(map[string]any); ok && e["event_type"] == "flow" {
			n += uint64(flow["pkts_toserver"].(float64) + flow["pkts_toclient"].(float64))
		}
	}
	return n
}

// TestDrain: of three sinks behind a balancer one is terminated while copies come. It fails its health check and goes on receiving until the
// balancer has moved the sources. No copy is lost, all flows are written, and the hook is completed, once. Another one is killed: it loses what
// it had, and no other loses anything.
func TestDrain(t *testing.T) {
	needsLinux(t)
	capture := newScene(t)
	const flows = 150
	for i := range flows {
		capture.upload(time.Duration(i)*time.Millisecond, sceneServer, 443, 500)
	}
	file, frames := capture.file(), uint64(len(capture.frames))
	b := newBalancer(t)
	ending, killed, last := b.add(t, "--drain=8s"), b.add(t), b.add(t)
	send := func() {
		require.Equal(t, frames, simulated(t, "--to", b.conn.LocalAddr().String(), "--vni=7", "--speed=0", "--rate=1000", file))
	}
	total := uint64(0)
	until := func(condition func() bool) {
		require.Eventually(t, func() bool {
			send()
			total += frames
			return condition()
		}, testTimeout, time.Millisecond)
	}
	until(func() bool { return b.sentTo(ending) > 0 && b.sentTo(killed) > 0 && b.sentTo(last) > 0 })

	ending.instance.Set("autoscaling/target-lifecycle-state", "Terminated")
	ended := make(chan error, 1)
	go func() { ended <- ending.cmd.Wait() }()
	until(func() bool { return len(ended) > 0 })
	require.NoError(t, <-ended, &ending.stderr)
	require.Equal(t, []string{"CompleteLifecycleAction i-0a1 sinks drain CONTINUE"}, ending.instance.Calls("CompleteLifecycleAction"))
	require.Equal(t, b.sentTo(ending), ending.packets(), &ending.stderr)
	require.Less(t, b.sentTo(ending), total/2, "the balancer moved its sources")

	require.NoError(t, killed.cmd.Process.Kill())
	require.Error(t, killed.cmd.Wait())
	before := b.sentTo(last)
	until(func() bool { return b.sentTo(last) > before })
	require.Eventually(t, func() bool { return b.sentTo(ending)+b.sentTo(killed)+b.sentTo(last) == total }, testTimeout, time.Millisecond)
	last.awaitAll(b.sentTo(last))
	require.NoError(t, last.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, last.cmd.Wait(), &last.stderr)
	require.Equal(t, b.sentTo(last), last.packets())
	require.Empty(t, killed.instance.Calls("CompleteLifecycleAction"))
}
