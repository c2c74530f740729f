package command

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shownMetrics is the metrics of pages: for each name the labels, and for each label its values.
type shownMetrics map[string]map[string]map[string]bool

var (
	pageSeries = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`)
	pageLabel  = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
)

// add takes the series of a page.
func (s shownMetrics) add(page string) {
	for _, m := range pageSeries.FindAllStringSubmatch(page, -1) {
		if s[m[1]] == nil {
			s[m[1]] = map[string]map[string]bool{}
		}
		for _, l := range pageLabel.FindAllStringSubmatch(m[2], -1) {
			if s[m[1]][l[1]] == nil {
				s[m[1]][l[1]] = map[string]bool{}
			}
			s[m[1]][l[1]][l[2]] = true
		}
	}
}

// livePages returns what listen and sessions watch show while they run, with a policy, outputs of alerts and targets of forwarding.
func livePages(t *testing.T) shownMetrics {
	shown := shownMetrics{"up": {}} // is Prometheus's own
	receiver := httptest.NewServer(http.NotFoundHandler())
	defer receiver.Close()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(policy, []byte("allow: []\nalert: {exfiltration: {bytes: 1GB, within: 5m}}\n"), 0o600))
	s := startListen(t, "--eve="+filepath.Join(t.TempDir(), "eve.json"), "--policy="+policy, "--alert=webhook:"+receiver.URL, "--spool="+t.TempDir(), "--forward=pcap:"+t.TempDir())
	_, page := get("http://" + s.metrics + "/metrics")
	shown.add(page)
	require.Equal(t, exitOK, s.end(), s.stderr.String())

	srv := startEC2(t, workloads())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stderr logBuffer
	code := make(chan int, 1)
	go func() {
		code <- Run(ctx, []string{"sessions", "watch", "-f", specFile(t, workloadSpec), "--metrics", "127.0.0.1:0"}, io.Discard, &stderr)
	}()
	metrics := stderr.await(t, `what=metrics address=(\S+)`)
	require.Eventually(t, func() bool {
		_, page = get("http://" + metrics + "/metrics")
		return strings.Contains(page, `mirrorsink_watch_rounds_total{outcome="ok"} 1`)
	}, testTimeout, 5*time.Millisecond)
	require.NotEmpty(t, srv.Snapshot().Sessions)
	shown.add(page)
	stop()
	require.Equal(t, exitOK, <-code, stderr.String())
	return shown
}

// expression is one of a rule or panel, with the texts that name labels of its result.
type expression struct{ from, expr, texts string }

// monitored returns all expressions of deploy/prometheus and deploy/grafana.
func monitored(t *testing.T) (all []expression) {
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	text, err := os.ReadFile(deployFile("prometheus", "mirrorsink-rules.yaml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &rules))
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			all = append(all, expression{r.Alert, r.Expr, strings.Join(slices.Collect(maps.Values(r.Annotations)), " ")})
		}
	}
	pages, err := filepath.Glob(deployFile("grafana", "*.json"))
	require.NoError(t, err)
	require.Greater(t, len(pages), 5)
	for _, path := range pages {
		var page struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr, LegendFormat string }
			}
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &page))
		for _, p := range page.Panels {
			for _, q := range p.Targets {
				all = append(all, expression{filepath.Base(path) + ": " + p.Title, q.Expr, q.LegendFormat})
			}
		}
	}
	return all
}

// What an expression names. A metric of ours or of the process has a prefix, and "up" has labels.
var (
	namedMetric  = regexp.MustCompile(`\b(mirrorsink_\w+|process_\w+|go_\w+|up)\b(?:\{([^}]*)\})?`)
	namedMatcher = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	namedGroup   = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	namedLabel   = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}`)
)

// ofPrometheus are the labels that a scrape adds.
var ofPrometheus = []string{"job", "instance"}

// unknown returns what an expression names that no page shows.
func (s shownMetrics) unknown(e expression) (wrong []string) {
	labels := slices.Clone(ofPrometheus)
	metrics := namedMetric.FindAllStringSubmatch(e.expr, -1)
	if len(metrics) == 0 {
		return []string{"no metric"}
	}
	for _, m := range metrics {
		of, shown := s[m[1]]
		if !shown {
			wrong = append(wrong, "metric "+m[1])
			continue
		}
		labels = append(labels, slices.Collect(maps.Keys(of))...)
		for _, l := range namedMatcher.FindAllStringSubmatch(m[2], -1) {
			if slices.Contains(ofPrometheus, l[1]) {
				continue
			}
			for value := range strings.SplitSeq(l[3], "|") {
				if !of[l[1]][value] {
					wrong = append(wrong, m[1]+"{"+l[1]+"="+value+"}")
				}
			}
		}
	}
	var named []string
	for _, m := range namedGroup.FindAllStringSubmatch(e.expr, -1) {
		named = append(named, strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	for _, m := range namedLabel.FindAllStringSubmatch(e.texts, -1) {
		named = append(named, m[1])
	}
	for _, l := range named {
		if !slices.Contains(labels, l) {
			wrong = append(wrong, "label "+l)
		}
	}
	return wrong
}

// TestMonitoringNamesWhatIsShown: each metric, label and label's value of rules and panels is on the page of listen or sessions watch, and each
// metric of ours is in a panel.
func TestMonitoringNamesWhatIsShown(t *testing.T) {
	shown := livePages(t)
	all := monitored(t)
	require.Greater(t, len(all), 150)
	inPanels := map[string]bool{}
	for _, e := range all {
		assert.Empty(t, shown.unknown(e), "%s: %s", e.from, e.expr)
		for _, m := range namedMetric.FindAllStringSubmatch(e.expr, -1) {
			inPanels[m[1]] = inPanels[m[1]] || strings.Contains(e.from, ".json")
		}
	}
	for name := range shown {
		if strings.HasPrefix(name, "mirrorsink_") {
			assert.True(t, inPanels[name], "no panel shows %s: add it to .ci/monitoring/dashboards.go and run make generate", name)
		}
	}
}

// TestUnknownNames: the test above finds what is not there.
func TestUnknownNames(t *testing.T) {
	s := shownMetrics{"up": {}}
	s.add("# HELP mirrorsink_a_total x\nmirrorsink_a_total{reason=\"ok\"} 1\nmirrorsink_b 2\n")
	for expr, want := range map[string][]string{
		`sum by (job, reason) (rate(mirrorsink_a_total{reason!="ok"}[5m]))`: nil,
		`mirrorsink_b{job=~"$job"} == 0 and on (job) up == 1`:               nil,
		`mirrorsink_c`:                                       {"metric mirrorsink_c"},
		`mirrorsink_a_total{reason=~"ok|bad"}`:               {"mirrorsink_a_total{reason=bad}"},
		`mirrorsink_b{reason="ok"}`:                          {"mirrorsink_b{reason=ok}"},
		`sum by (kind) (mirrorsink_a_total)`:                 {"label kind"},
		`mirrorsink_b / on (instance, x) mirrorsink_a_total`: {"label x"},
		`1`: {"no metric"},
	} {
		assert.Equal(t, want, s.unknown(expression{"", expr, ""}), expr)
	}
	assert.Equal(t, []string{"label kind"}, s.unknown(expression{"", "mirrorsink_b", "of {{ $labels.instance }} and {{kind}}"}))
}
