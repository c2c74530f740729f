package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// TestFilesAreCurrent: the files are what the tables make, and there are no others.
func TestFilesAreCurrent(t *testing.T) {
	made := files()
	for name, want := range made {
		text, err := os.ReadFile(filepath.Join(root, "deploy", name))
		require.NoError(t, err)
		assert.True(t, want == string(text), "deploy/%s is not what the tables say: run make generate", name)
	}
	for _, dir := range []string{"prometheus", "grafana"} {
		entries, err := os.ReadDir(filepath.Join(root, "deploy", dir))
		require.NoError(t, err)
		for _, e := range entries {
			if e.Name() != "README.md" {
				assert.Contains(t, made, dir+"/"+e.Name(), "no table makes it")
			}
		}
	}
}

// TestRulesFollowTheConventions of mixins, and name pages and headings that exist.
func TestRulesFollowTheConventions(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range groups {
		for _, r := range g.rules {
			assert.Regexp(t, `^[A-Z][A-Za-z]+$`, r.name)
			assert.False(t, seen[r.name], "%s is there twice", r.name)
			seen[r.name] = true
			assert.Contains(t, []string{warning, critical}, r.severity, r.name)
			pending, err := time.ParseDuration(r.pending)
			require.NoError(t, err, r.name)
			assert.GreaterOrEqual(t, pending, time.Minute, r.name)
			assert.Regexp(t, `\{\{ \$labels\.(instance|job) \}\}`, r.summary, "%s: whose is it?", r.name)
			assert.NotRegexp(t, `\.$`, r.summary, r.name)
			assert.Regexp(t, `[.?]$`, r.description, r.name)
			assert.NotEmpty(t, r.test.fires, r.name)
			assert.NotEmpty(t, r.test.quiet, r.name)
			page, heading, _ := strings.Cut(r.docs, "#")
			text, err := os.ReadFile(filepath.Join(root, "docs", page))
			require.NoError(t, err, r.name)
			assert.True(t, heading == "" || anchors(string(text))[heading], "%s: no heading #%s in %s", r.name, heading, page)
		}
	}
}

// anchors returns the headings of a page as links name them.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		name := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all[strings.ReplaceAll(name, " ", "-")] = true
	}
	return all
}

// promtool runs promtool in the folder of the rules, or skips the test where it is not installed.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool here: install the Debian package prometheus")
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = filepath.Join(root, "deploy", "prometheus")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("promtool %s: %s", strings.Join(args, " "), strings.TrimSpace(string(out)))
}

// TestRulesAreValid: Prometheus takes them.
func TestRulesAreValid(t *testing.T) { promtool(t, "check", "rules", "mirrorsink-rules.yaml") }

// TestRulesFire: each rule fires in its test, with its labels and texts, and does not in the other one.
func TestRulesFire(t *testing.T) { promtool(t, "test", "rules", "mirrorsink-tests.yaml") }

// TestExpressionsOfPanels: Prometheus parses each, with what Grafana puts in the place of variables.
func TestExpressionsOfPanels(t *testing.T) {
	var b strings.Builder
	b.WriteString("groups:\n  - name: panels\n    rules:\n")
	n := 0
	for _, d := range dashboards {
		for _, p := range d.panels {
			for _, q := range p.queries {
				expr := strings.ReplaceAll(q.expr, "SEL", selector)
				expr = strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*").Replace(expr)
				require.NotContains(t, expr, "$")
				fmt.Fprintf(&b, "      - record: panel:%d\n        expr: %s\n", n, quote(expr))
				n++
			}
		}
	}
	require.Greater(t, n, 100)
	path := filepath.Join(t.TempDir(), "panels.yaml")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	promtool(t, "check", "rules", path)
}

// TestDashboardsAreWellFormed: panels have numbers of their own, lie within the grid, do not overlap, and show something.
func TestDashboardsAreWellFormed(t *testing.T) {
	for _, d := range dashboards {
		var page struct {
			UID    string
			Title  string
			Panels []struct {
				ID      int
				Type    string
				GridPos struct{ X, Y, W, H int }
				Targets []struct{ Expr, LegendFormat string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(d.file()), &page))
		assert.LessOrEqual(t, len(page.UID), 40, "Grafana's bound")
		ids, taken := map[int]bool{}, map[[2]int]bool{}
		for _, p := range page.Panels {
			assert.False(t, ids[p.ID], "%s: panel %d is there twice", d.name, p.ID)
			ids[p.ID] = true
			assert.LessOrEqual(t, p.GridPos.X+p.GridPos.W, columns)
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					assert.False(t, taken[[2]int{x, y}], "%s: panels overlap at %d, %d", d.name, x, y)
					taken[[2]int{x, y}] = true
				}
			}
			assert.True(t, p.Type == textPanel || len(p.Targets) > 0, "%s: panel %d shows nothing", d.name, p.ID)
		}
	}
}
