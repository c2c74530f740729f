package main

import (
	"fmt"
	"strings"
)

// group is a group of alert rules. Prometheus evaluates one rule after another.
type group struct {
	name  string
	rules []rule
}

// rule is an alert rule with its unit test.
type rule struct {
	name     string // behind "Mirrorsink"
	severity string // warning or critical
	expr     string
	pending  string // how long the expression holds before the alert fires
	// What people read. {{ $labels.x }} is the value of a label.
	summary, description string
	docs                 string // a heading of docs/operations.md, or another page
	test                 test
}

// test is when a rule fires after half an hour, and when it does not. Both are series by their names without "mirrorsink_", job and instance, with their
// values minute by minute, as promtool takes them.
type test struct {
	fires, quiet map[string]string
	labels       map[string]string // of the alert, besides severity; job and instance are added if it has them
	noInstance   bool              // the alert is that of a job
	late         bool              // it takes 90 minutes
	value        string            // of {{ $value | ... }} in the texts
}

// The severities. Critical is a loss, or a sink that does nothing: somebody should look now.
const (
	warning  = "warning"
	critical = "critical"
)

const pages = "https://github.com/mirrorsink/mirrorsink/blob/main/docs/"

// made is how generated files begin.
const made = "# Made by make generate from the tables in .ci/monitoring. Do not edit.\n"

// quote writes a text as a YAML scalar.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// rulesFile returns the rules as Prometheus reads them.
func rulesFile() string {
	var b strings.Builder
	b.WriteString(made + "groups:\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "  - name: mirrorsink-%s\n    rules:\n", g.name)
		for _, r := range g.rules {
			fmt.Fprintf(&b, "      - alert: Mirrorsink%s\n        expr: %s\n        for: %s\n        labels:\n          severity: %s\n        annotations:\n",
				r.name, quote(r.expr), r.pending, r.severity)
			for _, a := range r.annotations() {
				fmt.Fprintf(&b, "          %s: %s\n", a[0], quote(a[1]))
			}
		}
	}
	return b.String()
}

// annotations returns what people read, by name.
func (r *rule) annotations() [][2]string {
	return [][2]string{{"summary", r.summary}, {"description", r.description}, {"runbook_url", pages + r.docs}}
}
