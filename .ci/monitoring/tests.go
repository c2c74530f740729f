package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// testsFile returns the unit tests of the rules as promtool reads them. Each rule has series with which it fires, and under another job some with
// which it does not. Rules without a series in common share a test, and an evaluation every five minutes is enough: promtool takes seconds
// for more.
func testsFile() string {
	var b strings.Builder
	b.WriteString(made + "rule_files:\n  - mirrorsink-rules.yaml\nevaluation_interval: 5m\ntests:\n")
	for _, rules := range shared() {
		b.WriteString("  - interval: 1m\n    input_series:\n")
		for _, r := range rules {
			writeSeries(&b, "mirrorsink", r.test.fires)
			writeSeries(&b, "mirrorsink-quiet", r.test.quiet)
		}
		b.WriteString("    alert_rule_test:\n")
		for _, r := range rules {
			r.writeExpected(&b)
		}
	}
	return b.String()
}

var metricName = regexp.MustCompile(`mirrorsink_\w+`)

// shared divides the rules so that those of a part have no series in common.
func shared() (parts [][]*rule) {
	var used []map[string]bool
	for _, g := range groups {
	rules:
		for i := range g.rules {
			r := &g.rules[i]
			metrics := metricName.FindAllString(r.expr, -1)
			for n, part := range parts {
				if part[0].test.late == r.test.late && !slices.ContainsFunc(metrics, func(m string) bool { return used[n][m] }) {
					parts[n] = append(part, r)
					for _, m := range metrics {
						used[n][m] = true
					}
					continue rules
				}
			}
			parts, used = append(parts, []*rule{r}), append(used, map[string]bool{})
			for _, m := range metrics {
				used[len(used)-1][m] = true
			}
		}
	}
	return parts
}

// writeSeries writes series of a test.
func writeSeries(b *strings.Builder, job string, series map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(series)) {
		fmt.Fprintf(b, "      - series: %s\n        values: %s\n", quote(seriesName(name, job)), quote(series[name]))
	}
}

// writeExpected writes which alerts of a rule fire: one.
func (r *rule) writeExpected(b *strings.Builder) {
	at := "30m"
	if r.test.late {
		at = "90m"
	}
	fmt.Fprintf(b, "      - eval_time: %s\n        alertname: Mirrorsink%s\n", at, r.name)
	labels := map[string]string{"severity": r.severity, "job": "mirrorsink", "instance": "sink-1"}
	if r.test.noInstance {
		delete(labels, "instance")
	}
	maps.Copy(labels, r.test.labels)
	b.WriteString("        exp_alerts:\n          - exp_labels:\n")
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(b, "              %s: %s\n", name, quote(labels[name]))
	}
	b.WriteString("            exp_annotations:\n")
	for _, a := range r.annotations() {
		fmt.Fprintf(b, "              %s: %s\n", a[0], quote(expand(a[1], labels, r.test.value)))
	}
}

// seriesName completes the name of a series of a test.
func seriesName(name, job string) string {
	metric, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	if metric != "up" {
		metric = "mirrorsink_" + metric
	}
	all := `job="` + job + `"`
	if !strings.Contains(labels, "instance=") {
		all += `,instance="sink-1"`
	}
	if labels != "" {
		all += "," + labels
	}
	return metric + "{" + all + "}"
}

// expand puts the values of labels in the place of {{ $labels.x }}, and a value in that of {{ $value ... }}.
func expand(text string, labels map[string]string, value string) string {
	for name, label := range labels {
		text = strings.ReplaceAll(text, "{{ $labels."+name+" }}", label)
	}
	for {
		before, rest, found := strings.Cut(text, "{{ $value")
		if !found {
			return text
		}
		_, after, _ := strings.Cut(rest, "}}")
		text = before + value + after
	}
}
