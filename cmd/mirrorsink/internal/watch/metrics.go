package watch

import (
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what sessions watch counts. Label values are the program's own words and the names of EC2's actions.
type metrics struct {
	registry *prometheus.Registry
	rounds   *prometheus.CounterVec
	changes  *prometheus.CounterVec
	calls    *prometheus.CounterVec
	success  prometheus.Gauge
	sessions prometheus.Gauge
	foreign  prometheus.Gauge
	held     prometheus.Gauge
	answered atomic.Uint64 // the sum of calls
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		rounds: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrorsink_watch_rounds_total",
			Help: "Rounds, by their outcome."}, []string{"outcome"}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrorsink_watch_changes_total",
			Help: "Changes made, by what they were and their outcome."}, []string{"op", "kind", "outcome"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrorsink_watch_api_calls_total",
			Help: "Calls of the EC2 API, each try counted, by their outcome."}, []string{"action", "outcome"}),
		success: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mirrorsink_watch_last_success_timestamp_seconds",
			Help: "When the last round without an error ended, in Unix seconds; 0 for never."}),
		sessions: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mirrorsink_watch_sessions_wanted",
			Help: "Sessions that the spec asks for."}),
		foreign: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mirrorsink_watch_sessions_foreign",
			Help: "Sessions of others on the interfaces that the spec chooses."}),
		held: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mirrorsink_watch_deletions_held",
			Help: "Deletions that the last round left for the next one because of --max-deletions."}),
	}
	m.registry.MustRegister(m.rounds, m.changes, m.calls, m.success, m.sessions, m.foreign, m.held,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, outcome := range []string{"ok", "error"} {
		m.rounds.WithLabelValues(outcome) // so that rates have a start
	}
	return m
}

func (m *metrics) planned(sessions, foreign, held int) {
	m.sessions.Set(float64(sessions))
	m.foreign.Set(float64(foreign))
	m.held.Set(float64(held))
}

// called counts a call of the API. It is safe for concurrent use.
func (m *metrics) called(action, outcome string) {
	m.calls.WithLabelValues(action, outcome).Inc()
	m.answered.Add(1)
}

func (m *metrics) handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), EnableOpenMetrics: true,
	}))
	return mux
}
