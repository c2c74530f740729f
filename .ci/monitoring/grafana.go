package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// dashboard is a page of Grafana.
type dashboard struct {
	name, title string
	panels      []panel
}

// panel shows queries. In their expressions SEL is the selector of the chosen jobs and instances.
type panel struct {
	title, help string
	kind        string
	unit        string // of Grafana
	queries     []query
	stacked     bool
	wide        bool
}

// query is an expression, and the name of its series.
type query struct{ expr, legend string }

// object is a JSON object.
type object = map[string]any

// selector is what SEL stands for.
const selector = `job=~"$job",instance=~"$instance"`

// Widths and heights in Grafana's grid of 24 columns.
const (
	columns     = 24
	panelWidth  = 12
	statWidth   = 6
	panelHeight = 8
	statHeight  = 4
)

// file returns the dashboard as Grafana imports it.
func (d *dashboard) file() string {
	page, err := json.MarshalIndent(object{
		"uid": "mirrorsink-" + d.name, "title": "mirrorsink / " + d.title, "tags": []string{"mirrorsink"},
		"description":   "Made by make generate from the tables in .ci/monitoring.",
		"schemaVersion": 39, "version": 1, "editable": true, "graphTooltip": 1, "timezone": "utc", "refresh": "1m",
		"time":       object{"from": "now-3h", "to": "now"},
		"links":      []object{{"type": "dashboards", "tags": []string{"mirrorsink"}, "title": "mirrorsink", "asDropdown": true, "includeVars": true, "keepTime": true}},
		"templating": object{"list": variables()},
		"panels":     d.grid(),
	}, "", "  ")
	if err != nil {
		panic(err) // maps, texts and numbers have JSON
	}
	return string(page) + "\n"
}

// variables returns what is chosen at the top of a dashboard.
func variables() []object {
	values := func(name, label, of string) object {
		query := "label_values({__name__=~\"mirrorsink_datagrams_received_total|mirrorsink_watch_rounds_total\"" + of + "}, " + name + ")"
		return object{
			"name": name, "label": label, "type": "query", "datasource": source, "query": object{"query": query, "refId": name}, "definition": query,
			"multi": true, "includeAll": true, "allValue": ".*", "refresh": 2, "sort": 1, "current": object{"text": "All", "value": "$__all"},
		}
	}
	return []object{
		{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
		values("job", "Job", ""),
		values("instance", "Instance", `,job=~"$job"`),
	}
}

var source = object{"type": "prometheus", "uid": "${datasource}"}

// grid places the panels from left to right, in lines.
func (d *dashboard) grid() (all []object) {
	x, y, line := 0, 0, 0
	for i := range d.panels {
		p := &d.panels[i]
		w, h := p.size()
		if x+w > columns {
			x, y, line = 0, y+line, 0
		}
		all = append(all, p.object(i+1, object{"x": x, "y": y, "w": w, "h": h}))
		x, line = x+w, max(line, h)
	}
	return all
}

func (p *panel) size() (w, h int) {
	w, h = panelWidth, panelHeight
	if p.kind != seriesPanel {
		w, h = statWidth, statHeight
	}
	if p.wide {
		w = columns
	}
	return w, h
}

// The kinds of panels.
const (
	seriesPanel = "timeseries"
	statPanel   = "stat"
	textPanel   = "text"
)

// object returns the panel as Grafana has it.
func (p *panel) object(id int, at object) object {
	if p.kind == textPanel {
		return object{"id": id, "type": textPanel, "title": p.title, "gridPos": at, "options": object{"mode": "markdown", "content": p.help}}
	}
	var targets []object
	for i, q := range p.queries {
		targets = append(targets, object{
			"refId": string(rune('A' + i)), "datasource": source, "expr": strings.ReplaceAll(q.expr, "SEL", selector), "legendFormat": q.legend,
		})
	}
	o := object{
		"id": id, "type": p.kind, "title": p.title, "description": p.help, "datasource": source, "gridPos": at, "targets": targets,
		"fieldConfig": object{"defaults": object{"unit": p.unit, "min": 0, "custom": p.style()}, "overrides": []object{}},
	}
	if p.kind == statPanel {
		o["options"] = object{"reduceOptions": object{"calcs": []string{"lastNotNull"}}, "colorMode": "value", "graphMode": "area"}
	} else {
		o["options"] = object{
			"legend": object{"displayMode": "table", "placement": "right", "calcs": []string{"lastNotNull", "max"}}, "tooltip": object{"mode": "multi", "sort": "desc"},
		}
	}
	return o
}

// style is how the lines of a panel are drawn.
func (p *panel) style() object {
	if p.stacked {
		return object{"fillOpacity": 30, "stacking": object{"mode": "normal"}}
	}
	return object{"fillOpacity": 5}
}

// The shapes that most panels have. A metric is by its name without "mirrorsink_".

// rates shows the rates of a counter, by labels.
func rates(title, help, unit, metric string, by ...string) panel {
	expr, legend := rateOf(metric, by...)
	return panel{title: title, help: help, kind: seriesPanel, unit: unit, queries: []query{{expr, legend}}, stacked: len(by) > 1 || len(by) == 1 && by[0] != "instance"}
}

// several shows the rates of several counters, each under a name.
func several(title, help, unit string, metrics ...[2]string) panel {
	p := panel{title: title, help: help, kind: seriesPanel, unit: unit}
	for _, m := range metrics {
		expr, _ := rateOf(m[0])
		p.queries = append(p.queries, query{expr, m[1]})
	}
	return p
}

// rateOf returns the sum of rates by labels, and its legend.
func rateOf(metric string, by ...string) (expr, legend string) {
	name, labels, _ := strings.Cut(strings.TrimSuffix(metric, "}"), "{")
	if labels != "" {
		labels = "," + labels
	}
	expr = fmt.Sprintf("rate(mirrorsink_%s{SEL%s}[$__rate_interval])", name, labels)
	if len(by) == 0 {
		return "sum(" + expr + ")", ""
	}
	return "sum by (" + strings.Join(by, ", ") + ") (" + expr + ")", "{{" + strings.Join(by, "}} {{") + "}}"
}

// gauge shows a gauge by labels.
func gauge(title, help, unit, metric string, by ...string) panel {
	return panel{title: title, help: help, kind: seriesPanel, unit: unit, queries: []query{{
		"sum by (" + strings.Join(by, ", ") + ") (mirrorsink_" + metric + "{SEL})", "{{" + strings.Join(by, "}} {{") + "}}",
	}}}
}

// number shows one number, which is an expression.
func number(title, help, unit, expr string) panel {
	return panel{title: title, help: help, kind: statPanel, unit: unit, queries: []query{{expr, ""}}}
}

// lines shows expressions by instance.
func lines(title, help, unit string, queries ...query) panel {
	return panel{title: title, help: help, kind: seriesPanel, unit: unit, queries: queries}
}
