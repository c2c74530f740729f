package insights_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// row is a log event or a row computed by a command: values by field.
type row map[string]any

// result is rows, and the fields of them that are shown.
type result struct {
	rows  []row
	shown []string
}

// column is a field that a command computes.
type column struct {
	name string
	of   expression
}

// run runs a query over log events. Events in JSON have their fields, with dotted names for nested objects.
func (q query) run(messages []string) (*result, error) {
	r := &result{shown: []string{"@timestamp", "@message"}}
	for _, message := range messages {
		event := row{"@message": message}
		discover(event, message)
		r.rows = append(r.rows, event)
	}
	for _, c := range q {
		if err := c(r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func discover(event row, message string) {
	var object map[string]any
	if json.Unmarshal([]byte(message), &object) != nil {
		return
	}
	flatten(event, "", object)
	if at, err := time.Parse("2006-01-02T15:04:05.000000-0700", show(event["timestamp"])); err == nil {
		event["@timestamp"] = float64(at.UnixMilli())
	}
}

func flatten(event row, prefix string, object map[string]any) {
	for k, v := range object {
		switch v := v.(type) {
		case map[string]any:
			flatten(event, prefix+k+".", v)
		case []any:
			for i := range v {
				flatten(event, prefix, map[string]any{fmt.Sprintf("%s.%d", k, i): v[i]})
			}
		default:
			event[prefix+k] = v
		}
	}
}

// fields adds fields and shows them.
func fields(columns []column) command {
	return func(r *result) error {
		r.shown = nil
		for _, c := range columns {
			r.shown = append(r.shown, c.name)
			for _, event := range r.rows {
				v, err := c.of.eval(event)
				if err != nil {
					return err
				}
				event[c.name] = v
			}
		}
		return nil
	}
}

func filter(condition expression) command {
	return func(r *result) (err error) {
		r.rows = slices.DeleteFunc(r.rows, func(event row) bool {
			keep, e := truth(condition, event)
			if e != nil {
				err = e
			}
			return !keep
		})
		return err
	}
}

// extract adds the fields that a regular expression captures. Events that do not match are kept without them.
func extract(from string, re *regexp.Regexp, names []string) command {
	return func(r *result) error {
		for _, event := range r.rows {
			if m := re.FindStringSubmatch(show(event[from])); m != nil {
				for i, name := range names {
					event[name] = m[i+1]
				}
			}
		}
		return nil
	}
}

// stats computes a row for each group, in the order of their first events.
func stats(aggregates, by []column) command {
	return func(r *result) error {
		groups, order, err := group(r.rows, by)
		if err != nil {
			return err
		}
		r.rows, r.shown = nil, nil
		for _, c := range append(slices.Clone(by), aggregates...) {
			r.shown = append(r.shown, c.name)
		}
		for _, k := range order {
			out := row{}
			for _, c := range by {
				out[c.name], _ = c.of.eval(groups[k][0]) // without an error in group
			}
			for _, c := range aggregates {
				if out[c.name], err = aggregate(c.of, groups[k]); err != nil {
					return err
				}
			}
			r.rows = append(r.rows, out)
		}
		return nil
	}
}

func group(rows []row, by []column) (groups map[string][]row, order []string, err error) {
	groups = map[string][]row{}
	for _, event := range rows {
		key := ""
		for _, c := range by {
			v, err := c.of.eval(event)
			if err != nil {
				return nil, nil, err
			}
			key += fmt.Sprintf("%T %q ", v, show(v))
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], event)
	}
	return groups, order, nil
}

// aggregate is a function of a field over the events of a group that have the field. Texts that are not numbers have no sum,
// minimum or maximum.
func aggregate(e expression, events []row) (any, error) {
	if !e.call() || len(e.args) != 1 {
		return nil, fmt.Errorf("%s is no function of one field", e.op)
	}
	if e.op == "count(" && e.args[0].op == "*" {
		return float64(len(events)), nil
	}
	var values []any
	for _, event := range events {
		v, err := e.args[0].eval(event)
		if err != nil {
			return nil, err
		}
		if v != nil {
			values = append(values, v)
		}
	}
	switch e.op {
	case "count(":
		return float64(len(values)), nil
	case "count_distinct(":
		distinct := map[string]bool{}
		for _, v := range values {
			distinct[show(v)] = true
		}
		return float64(len(distinct)), nil
	}
	var numbers []float64
	for _, v := range values {
		if n, ok := number(v); ok {
			numbers = append(numbers, n)
		}
	}
	return ofNumbers(e.op, numbers)
}

func ofNumbers(op string, numbers []float64) (any, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	switch op {
	case "sum(":
		sum := 0.0
		for _, n := range numbers {
			sum += n
		}
		return sum, nil
	case "min(":
		return slices.Min(numbers), nil
	case "max(":
		return slices.Max(numbers), nil
	}
	return nil, fmt.Errorf("%s is not known", op)
}

// sortBy sorts stably, with rows without a value last.
func sortBy(e expression, descending bool) command {
	return func(r *result) (err error) {
		slices.SortStableFunc(r.rows, func(a, b row) int {
			x, errX := e.eval(a)
			y, errY := e.eval(b)
			err = cmpErr(err, cmpErr(errX, errY))
			switch {
			case x == nil || y == nil:
				return boolOrder(x == nil, y == nil)
			case compared("=", x, y):
				return 0
			case compared("<", x, y) != descending:
				return -1
			default:
				return 1
			}
		})
		return err
	}
}

// boolOrder sorts false before true.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

func limit(n int) command {
	return func(r *result) error {
		r.rows = r.rows[:min(n, len(r.rows))]
		return nil
	}
}

// dedup keeps the first row of each combination of values, and all rows that lack a value.
func dedup(columns []column) command {
	return func(r *result) (err error) {
		seen := map[string]bool{}
		r.rows = slices.DeleteFunc(r.rows, func(event row) bool {
			key := ""
			for _, c := range columns {
				v, e := c.of.eval(event)
				if err = cmpErr(err, e); v == nil {
					return false
				}
				key += fmt.Sprintf("%q ", show(v))
			}
			had := seen[key]
			seen[key] = true
			return had
		})
		return err
	}
}

// String returns the names of the columns and then the rows, one per line, with bars between columns.
func (r *result) String() string {
	var b strings.Builder
	b.WriteString(strings.Join(r.shown, " | ") + "\n")
	for _, event := range r.rows {
		for i, name := range r.shown {
			if i > 0 {
				b.WriteString(" | ")
			}
			b.WriteString(show(event[name]))
		}
		b.WriteString("\n")
	}
	return b.String()
}
