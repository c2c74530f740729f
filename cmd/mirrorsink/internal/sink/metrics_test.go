package sink

import (
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/inventory"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
	"github.com/mirrorsink/mirrorsink/inspect/export/rotate"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/send"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text, "if this is meant, run the test with -update")
}

// someSnapshot has another value in each field.
func someSnapshot() snapshot {
	s := snapshot{Named: 31, Oversized: 32, HandoversDropped: 33, InterfaceLosses: 39, ClockSteps: 40, RingFreezes: 41, Inventory: inventory.Counts{Sessions: 37, Failures: 38, Loaded: 1800000000}, Found: alert.Counters{Activities: 45, Opened: 46, Updated: 47, Resolved: 48, Suppressed: 49, Evicted: 50, Open: 51}, Policy: egress.Counts{Reloads: 43, Failures: 44, Loaded: 1800000001}, Elapsed: 2500 * time.Millisecond}
	s.Uptime, s.KernelDrops = 2, 34
	s.DNS = pdns.Counts{Live: 35, Evicted: 36}
	s.Counters = event.Counters{
		Bytes: 1234567, ReservedBits: 1, Truncated: 2, BadChecksum: 3,
		FragmentsHeld: 4, Reassembled: 5, FragmentsIncomplete: 6, FragmentsEvicted: 7, FragmentsDuplicate: 64, FragmentsOverlapping: 65, ReassembledBad: 66, Sessions: 8, SessionsRefused: 9,
		FlowsNew: 50, NamesRefused: 10, Undecided: 42, StreamsNew: 11, StreamsEvicted: 12, SegmentsHeld: 61, SegmentsEmptied: 62, SegmentsEvicted: 63, Gaps: 13, LostBytes: 14, Retransmits: 15,
		FlowsActive: 16, StreamsActive: 17, Paired: 18, PairsEvicted: 19, SecondCopies: 67, Unattributed: 20,
		Misdated: 21,
	}
	for r := range decap.Reasons {
		s.Reasons[r] = 100 + uint64(r)
		s.Datagrams += s.Reasons[r]
	}
	for why := range s.TunnelSkips {
		s.TunnelSkips[why] = 150 + uint64(why)
	}
	for r := event.NotRefused + 1; r < event.NumRefusals; r++ {
		s.Refused[r] = 170 + uint64(r)
	}
	for r := range s.FlowsEnded {
		s.FlowsEnded[r] = 200 + uint64(r)
	}
	s.Hints[l7.HTTP], s.Hints[l7.TLS], s.Hints[l7.DNS] = 301, 302, 303
	for k := range event.Kinds {
		s.Export.Produced[k], s.Export.Written[k], s.Export.Dropped[k] = 410+uint64(k), 400+uint64(k), 10
	}
	s.Forward.Passed, s.VLANs = event.Tally{Frames: 701, Bytes: 702}, 703
	for why := range event.Exclusions {
		s.Forward.Excluded[why] = event.Tally{Frames: 710 + uint64(why), Bytes: 720 + uint64(why)}
	}
	s.Fixed = event.Fixed{Truncated: 704, Lengths: 705, Checksums: 706}
	s.Targets = []event.Target{
		{Name: "iface:veth0", Frames: 731, Bytes: 732, Segments: 733, Queued: 734, QueueFull: 735, Unreachable: 736, Oversize: 737, Outages: 738, Moved: 739},
		{Name: "pcap:/var/spool", Frames: 741},
	}
	for d := range s.Delivered {
		c, n := &s.Delivered[d], uint64(500+100*d)
		c.Spooled, c.Delivered = spool.Amount{Files: n + 1, Bytes: n + 2, Records: n + 3}, spool.Amount{Files: n + 4, Bytes: n + 5, Records: n + 6}
		c.Dropped, c.Waiting = spool.Amount{Files: n + 7, Bytes: n + 8, Records: n + 9}, spool.Amount{Files: n + 10, Bytes: n + 11, Records: n + 12}
		c.Rejected, c.Unspooled, c.OldestAge = n+13, n+14, time.Duration(n+15)*time.Second
		for class := range c.Failures {
			c.Failures[class] = n + 20 + uint64(class)
		}
	}
	for l := range s.Rotated {
		n := uint64(850 + 10*l)
		s.Rotated[l] = rotate.Counts{Rotated: n, Compressed: n + 1, Deleted: n + 2, DeletedBytes: n + 3, Failures: n + 4, Kept: n + 5, KeptBytes: n + 6}
	}
	a := output.AlertCounts{Output: "sns", Counts: send.Counts{Taken: 801, Sent: 802, Refused: 803, Dropped: 804, Retried: 805, Digests: 808, Digested: 809, Waiting: 806, OldestAge: 807 * time.Second, Failing: true}}
	s.Metrics = aws.MetricCounts{Taken: 831, Sent: 832, Refused: 833, Dropped: 834, Waiting: 835}
	for class := range a.Failed {
		a.Failed[class], s.Metrics.Failures[class] = 810+uint64(class), 840+uint64(class)
	}
	s.Alerts = append(s.Alerts, a, output.AlertCounts{Output: "webhook-2"})
	return s
}

func TestMetricsPage(t *testing.T) {
	c := newCollector(someSnapshot)
	problems, err := testutil.CollectAndLint(c)
	require.NoError(t, err)
	assert.Empty(t, problems)

	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	page := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	// A protocol without messages has its line too, but another one in the table is no change of the page.
	silent := regexp.MustCompile(`(?m)^mirrorsink_messages_total\{.*\} 0\n`)
	golden(t, "metrics.txt", silent.ReplaceAllString(page.Body.String(), ""))
}

// TestEveryCounterIsAMetric: a counter that is not on the page is a loss that nobody sees.
func TestEveryCounterIsAMetric(t *testing.T) {
	shown := map[uint64]bool{}
	s := someSnapshot()
	names := eventtest.Number(&s.Counters)
	for _, m := range metricTable {
		m.values(&s, func(value uint64, _ ...string) { shown[value] = true })
	}
	for v, name := range names {
		assert.True(t, shown[v], "no metric has the counter %s", name)
	}
	for v := uint64(501); v <= 515; v++ {
		assert.True(t, shown[v], "the counter with value %d in someSnapshot", v)
	}
	for v := uint64(703); v <= 706; v++ {
		assert.True(t, shown[v], "the counter with value %d in someSnapshot", v)
	}
	for v := uint64(731); v <= 738; v++ {
		assert.True(t, shown[v], "the counter with value %d in someSnapshot", v)
	}
	for v := uint64(801); v <= 807; v++ {
		assert.True(t, shown[v], "the counter with value %d in someSnapshot", v)
	}
	for v := uint64(860); v <= 866; v++ {
		assert.True(t, shown[v], "the counter with value %d in someSnapshot", v)
	}
	for _, v := range []uint64{s.Named, s.Oversized, s.HandoversDropped, s.KernelDrops, 37, 38, 39, 40, 41, 1800000000} {
		assert.True(t, shown[v], "the counter with value %d in someSnapshot", v)
	}
}
