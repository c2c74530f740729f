package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// logBuffer collects what a running command says.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// testTimeout is how long a test waits for what must happen. No test measures time.
const testTimeout = 2 * time.Minute

// await waits until the pattern is logged, and returns its group.
func (b *logBuffer) await(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	require.Eventually(t, func() bool {
		found = re.FindStringSubmatch(b.String())
		return found != nil
	}, testTimeout, 5*time.Millisecond, "waiting for %s", pattern)
	return found[1]
}

// running is a listen command that is running.
type running struct {
	t                     *testing.T
	stderr                logBuffer
	stop                  context.CancelFunc // as SIGTERM
	code                  chan int
	udp, metrics, healthy string // addresses
}

// needsLinux skips a test of what receives mirrored traffic elsewhere.
func needsLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("receiving mirrored traffic needs Linux")
	}
}

// startListen runs listen on free loopback ports, with the given arguments after its own, until it is ready.
func startListen(t *testing.T, args ...string) *running {
	needsLinux(t)
	ctx, stop := context.WithCancel(t.Context())
	s := &running{t: t, stop: stop, code: make(chan int, 1)}
	t.Cleanup(stop)
	all := append([]string{"listen", "--listen=127.0.0.1:0", "--metrics=127.0.0.1:0", "--health=127.0.0.1:0",
		"--stats-interval=0", "--memory=64MiB"}, args...)
	go func() { s.code <- Run(ctx, all, io.Discard, &s.stderr) }()
	s.udp = s.stderr.await(t, `msg=receiving address=(\S+)`)
	s.metrics = s.stderr.await(t, `what=metrics address=(\S+)`)
	s.healthy = s.stderr.await(t, `what=health address=(\S+)`)
	s.awaitStatus("/readyz", http.StatusOK)
	return s
}

// end stops the command and returns its exit status.
func (s *running) end() int {
	s.stop()
	return <-s.code
}

// get fetches a page; a status of 0 means that there was no answer.
func get(url string) (status int, body string) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

func (s *running) awaitStatus(path string, want int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		status, _ := get("http://" + s.healthy + path)
		return status == want
	}, testTimeout, 5*time.Millisecond)
}

// scrape is the values of a /metrics page by series.
type scrape map[string]uint64

func (s *running) scrape() scrape {
	s.t.Helper()
	status, page := get("http://" + s.metrics + "/metrics")
	require.Equal(s.t, http.StatusOK, status)
	values := scrape{}
	for _, m := range regexp.MustCompile(`(?m)^(mirrorsink_\S+) (\S+)$`).FindAllStringSubmatch(page, -1) {
		f, err := strconv.ParseFloat(m[2], 64)
		require.NoError(s.t, err)
		values[m[1]] = uint64(f)
	}
	return values
}

// sum adds up the series of a metric.
func (v scrape) sum(metric string) (n uint64) {
	for series, value := range v {
		if strings.HasPrefix(series, metric+"{") {
			n += value
		}
	}
	return n
}

// awaitAll waits until all datagrams that were sent are accounted for, and checks the loss identity at each scrape.
func (s *running) awaitAll(sent uint64) (last scrape) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		last = s.scrape()
		assert.Equal(s.t, last["mirrorsink_datagrams_received_total"], last.sum("mirrorsink_datagrams_total"))
		return last["mirrorsink_datagrams_received_total"]+last["mirrorsink_kernel_drops_total"] == sent
	}, testTimeout, 5*time.Millisecond)
	return last
}

// send simulates mirroring to the sink and returns how many datagrams were sent.
func (s *running) send(args ...string) uint64 {
	s.t.Helper()
	return simulated(s.t, append(args, "--to", s.udp)...)
}

func simulated(t *testing.T, args ...string) uint64 {
	t.Helper()
	r := runHere(t, append([]string{"simulate"}, args...)...)
	require.Equal(t, exitOK, r.code, r.stderr)
	m := regexp.MustCompile(`(?m)^sent +(\d+)$`).FindStringSubmatch(r.stderr)
	require.NotNil(t, m, r.stderr)
	n, err := strconv.ParseUint(m[1], 10, 64)
	require.NoError(t, err)
	return n
}

// timeless takes out of the events what depends on when packets were seen, and returns them as text. That includes what DNS
// explains, since an answer may come to another worker a moment later than the connection.
func timeless(events []anEvent) (texts []string) {
	for _, e := range events {
		delete(e, "timestamp")
		delete(e, "flow_id")
		if hint, ok := e["hint"].(map[string]any); ok {
			delete(hint, "direct_to_address")
			delete(hint, "conflicts")
			if hint["name_source"] == "dns" {
				delete(hint, "name")
				delete(hint, "name_source")
				delete(hint, "name_confidence")
			}
		}
		if flow, ok := e["flow"].(map[string]any); ok {
			delete(flow, "start")
			delete(flow, "end")
			delete(flow, "age")
		}
		texts = append(texts, fmt.Sprint(e)) // maps are printed in the order of their keys
	}
	return texts
}

// The same frames must give the same events from a socket and from a file, whatever the number of workers.
func TestListenSaysWhatReplaySays(t *testing.T) {
	for _, c := range []struct {
		capture string
		listen  []string
		send    []string
	}{
		{"plain-http.pcap", []string{"--workers=1"}, nil},
		{"plain-tls.pcap", []string{"--workers=3"}, nil},
		{"plain-dns.pcap", []string{"--workers=2"}, nil},
		{"plain-misc.pcap", []string{"--workers=4"}, nil},
		{"plain-http.pcap", []string{"--workers=3", "--listen=off", "--geneve=127.0.0.1:0"}, []string{"--geneve"}},
	} {
		t.Run(strings.Join(append(c.listen, c.capture), " "), func(t *testing.T) {
			dir := t.TempDir()
			live, mirrored, replayed := filepath.Join(dir, "live.json"), filepath.Join(dir, "m.pcap"), filepath.Join(dir, "replay.json")
			send := append([]string{testdata(c.capture), "--vni=77", "--source=127.0.0.1"}, c.send...)

			simulated(t, append(send, "--out", mirrored)...)
			require.Equal(t, exitOK, runHere(t, "replay", "--eve", replayed, mirrored).code)

			s := startListen(t, append(c.listen, "--eve", live)...)
			s.awaitAll(s.send(append(send, "--rate=5000")...))
			require.Equal(t, exitOK, s.end(), s.stderr.String())

			want := timeless(readEvents(t, replayed))
			assert.NotEmpty(t, want)
			assert.ElementsMatch(t, want, timeless(readEvents(t, live)))
		})
	}
}

// What was sent is received or dropped by the kernel, and each datagram is counted once.
func TestOverloadIsCountedExactly(t *testing.T) {
	s := startListen(t, "--workers=1", "--receive-buffer=4KiB", "--eve", os.DevNull)
	last := s.awaitAll(s.send(testdata("plain-tls.pcap"), "--speed=0", "--loop=30"))
	assert.Positive(t, last["mirrorsink_kernel_drops_total"])
	assert.Positive(t, last["mirrorsink_datagrams_received_total"])
	assert.Equal(t, exitOK, s.end())
	assert.Regexp(t, `(?m)^kernel drops +\d+ `, s.stderr.String())
}

func TestListenDrainsBeforeItEnds(t *testing.T) {
	eve := eveFile(t)
	s := startListen(t, "--drain=3s", "--eve", eve)
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 404, "/": 404} {
		status, _ := get("http://" + s.healthy + path)
		assert.Equal(t, want, status, path)
	}
	s.stop()
	s.awaitStatus("/readyz", http.StatusServiceUnavailable)
	s.awaitAll(s.send(testdata("plain-http.pcap"), "--speed=0"))
	status, _ := get("http://" + s.healthy + "/livez")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, exitOK, s.end())
	assert.NotEmpty(t, names(readEvents(t, eve), "flow"), "what came during the drain is written")
}

func TestListenWritesStatsEvents(t *testing.T) {
	eve := eveFile(t)
	s := startListen(t, "--stats-interval=10ms", "--eve", eve)
	sent := s.send(testdata("plain-dns.pcap"), "--speed=0")
	s.awaitAll(sent)
	require.Equal(t, exitOK, s.end())
	events := readEvents(t, eve)
	last := events[len(events)-1]
	require.Equal(t, "stats", last["event_type"], "the last event counts the flush")
	stats := last["mirror"].(map[string]any)
	assert.Equal(t, float64(sent), stats["datagrams"])
	assert.Zero(t, stats["flows"].(map[string]any)["active"])
}

// A reader that stopped reading must not keep the program from ending; losses are reported.
func TestListenEndsAtItsDeadline(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "eve.pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0) // and nobody reads
	require.NoError(t, err)
	defer reader.Close()
	s := startListen(t, "--deadline=100ms", "--memory=8MiB", "--workers=2", "--eve", pipe)
	s.awaitAll(s.send(testdata("plain-dns.pcap"), "--speed=0", "--loop=20"))
	assert.Equal(t, exitError, s.end())
	assert.Regexp(t, `mirrorsink: \d+ events lost: they were not written within the --deadline of 100ms\n$`, s.stderr.String())
}

func TestListenOnWhatItCannotHave(t *testing.T) {
	needsLinux(t)
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer udp.Close()
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer tcp.Close()
	for _, c := range []struct{ flag, says string }{
		{"--listen=" + udp.LocalAddr().String(), "address already in use"},
		{"--listen=192.0.2.1:4789", "no interface of this host has it"},
		{"--metrics=" + tcp.Addr().String(), "address already in use"},
		{"--health=" + tcp.Addr().String(), "address already in use"},
		{"--eve=/nonexistent/eve.json", "no such file"},
		{"--eve=unix:/nonexistent/socket", "start its reader first"},
	} {
		r := runHere(t, "listen", "--listen=127.0.0.1:0", "--metrics=off", "--eve", os.DevNull, "--log-level=error", c.flag)
		assert.Equal(t, exitError, r.code, c.flag)
		assert.Contains(t, r.stderr, c.says)
		oneLine(t, r.stderr)
	}
}

// SIGHUP makes a file that was moved away be written anew; SIGTERM ends the program well.
func TestSignals(t *testing.T) {
	needsLinux(t)
	eve := eveFile(t)
	cmd := program(t, "listen", "--listen=127.0.0.1:0", "--metrics=off", "--workers=1", "--stats-interval=20ms", "--eve", eve)
	var stderr logBuffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	udp := stderr.await(t, `msg=receiving address=(\S+)`)
	awaitStats := func() {
		require.Eventually(t, func() bool {
			text, err := os.ReadFile(eve)
			return err == nil && bytes.Contains(text, []byte(`"event_type":"stats"`))
		}, testTimeout, 5*time.Millisecond)
	}
	awaitStats()
	require.NoError(t, os.Rename(eve, eve+".1"))
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	awaitStats()
	sent := simulated(t, testdata("plain-http.pcap"), "--speed=0", "--to", udp)
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(eve)
		return err == nil && strings.Contains(string(text), fmt.Sprintf(`"mirror":{"datagrams":%d,`, sent))
	}, testTimeout, 5*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), stderr.String())
	assert.NotEmpty(t, readEvents(t, eve+".1"))
	assert.NotEmpty(t, names(readEvents(t, eve), "flow"))
}

func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) {
	needsLinux(t)
	cmd := program(t, "listen", "--listen=127.0.0.1:0", "--metrics=off", "--drain=1h", "--eve", os.DevNull)
	var stderr logBuffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	stderr.await(t, `msg=(receiving) `)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	stderr.await(t, `msg="(shutting down)"`)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	require.Eventually(t, func() bool { // the handler of the first one may be at work for a moment
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return len(ended) > 0
	}, testTimeout, 10*time.Millisecond)
	require.Error(t, <-ended)
	assert.Equal(t, syscall.SIGTERM, cmd.ProcessState.Sys().(syscall.WaitStatus).Signal())
}
