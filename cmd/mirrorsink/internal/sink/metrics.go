package sink

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/rotate"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/send"
)

// metricsHandler serves /metrics: the snapshot, the Go runtime and the process. More may be added to what it returns.
func metricsHandler(take func() snapshot, log *slog.Logger) *http.ServeMux {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		newCollector(take),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelError),
		EnableOpenMetrics: true,
	}))
	return mux
}

// metric is a line of the table of metrics. Label values come from the program's own enumerations, never from packets.
type metric struct {
	name   string // behind "mirrorsink_"
	help   string
	gauge  bool
	labels []string
	// values gives every value by its label values. Series that are zero are given too, so that rates have a start.
	values func(s *snapshot, give func(value uint64, labels ...string))
}

// single returns the values of a metric without labels.
func single(value func(s *snapshot) uint64) func(*snapshot, func(uint64, ...string)) {
	return func(s *snapshot, give func(uint64, ...string)) { give(value(s)) }
}

func byReason(s *snapshot, give func(uint64, ...string)) {
	for r := range decap.Reasons {
		give(s.Reasons[r], r.String())
	}
}

func byTunnelSkip(s *snapshot, give func(uint64, ...string)) {
	for why, n := range s.ByTunnelSkip() {
		give(n, why)
	}
}

func byEnd(s *snapshot, give func(uint64, ...string)) {
	for r, n := range s.FlowsEnded {
		give(n, event.EndReason(r).String())
	}
}

func byRefusal(s *snapshot, give func(uint64, ...string)) {
	for r := event.NotRefused + 1; r < event.NumRefusals; r++ {
		give(s.Refused[r], r.String())
	}
}

func byProtocol(s *snapshot, give func(uint64, ...string)) {
	for p := l7.None + 1; p < l7.Protos; p++ {
		give(s.Hints[p], p.String())
	}
}

func byOutcome(s *snapshot, give func(uint64, ...string)) {
	for k := range event.Kinds {
		give(s.Export.Produced[k], k.String(), "produced")
		give(s.Export.Written[k], k.String(), "written")
		give(s.Export.Dropped[k], k.String(), "dropped")
	}
}

// byLines returns the values of a metric of files of each kind of lines.
func byLines(value func(*rotate.Counts) uint64) func(*snapshot, func(uint64, ...string)) {
	return func(s *snapshot, give func(uint64, ...string)) {
		for l := range output.NumLines {
			give(value(&s.Rotated[l]), l.String())
		}
	}
}

// byDestination returns the values of a metric of each destination.
func byDestination(value func(*spool.Counts) uint64) func(*snapshot, func(uint64, ...string)) {
	return func(s *snapshot, give func(uint64, ...string)) {
		for d := range output.Services {
			give(value(&s.Delivered[d]), d.String())
		}
	}
}

// byDelivery returns the values of a metric of what became of files.
func byDelivery(value func(*spool.Amount) uint64) func(*snapshot, func(uint64, ...string)) {
	return func(s *snapshot, give func(uint64, ...string)) {
		for d := range output.Services {
			c := &s.Delivered[d]
			give(value(&c.Spooled), d.String(), "spooled")
			give(value(&c.Delivered), d.String(), "delivered")
			give(value(&c.Dropped), d.String(), "dropped")
		}
	}
}

func byFailure(s *snapshot, give func(uint64, ...string)) {
	for d := range output.Services {
		for class, n := range s.Delivered[d].Failures {
			give(n, d.String(), spool.Class(class).String())
		}
	}
}

// byAlertOutput returns the values of a metric of each output of alerts.
func byAlertOutput(value func(*send.Counts) uint64) func(*snapshot, func(uint64, ...string)) {
	return func(s *snapshot, give func(uint64, ...string)) {
		for i := range s.Alerts {
			give(value(&s.Alerts[i].Counts), s.Alerts[i].Output)
		}
	}
}

func byAlertFailure(s *snapshot, give func(uint64, ...string)) {
	for i := range s.Alerts {
		for class, n := range s.Alerts[i].Failed {
			give(n, s.Alerts[i].Output, spool.Class(class).String())
		}
	}
}

// collector gives a snapshot to Prometheus: one for all metrics of a scrape, so that sums agree.
type collector struct {
	take  func() snapshot
	descs []*prometheus.Desc // of metricTable, in its order
}

func newCollector(take func() snapshot) *collector {
	c := &collector{take: take}
	for _, m := range metricTable {
		c.descs = append(c.descs, prometheus.NewDesc("mirrorsink_"+m.name, m.help, m.labels, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := c.take()
	for i, m := range metricTable {
		kind := prometheus.CounterValue
		if m.gauge {
			kind = prometheus.GaugeValue
		}
		m.values(&s, func(value uint64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(c.descs[i], kind, float64(value), labels...)
		})
	}
}
