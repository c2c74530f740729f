package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// A row is one figure, measured several times.
type row struct {
	what   string
	values []float64
	wanted bound
}

// bound is what is promised of a figure's median; the zero bound promises nothing.
type bound struct {
	least float64
	none  bool // it is 0
}

type table []row

// print writes the table, and below it how many of the promised figures were missed.
func (t table) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.TabIndent)
	fmt.Fprintln(tw, "figure\tmin\tmedian\tmax\twanted\theld")
	missed := 0
	for _, r := range t {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what,
			figure(slices.Min(r.values)), figure(median(r.values)), figure(slices.Max(r.values)), r.wanted, r.held())
		if r.held() == "no" {
			missed++
		}
	}
	err := tw.Flush()
	if missed > 0 {
		_, e := fmt.Fprintf(w, "\n%d missed. Is the machine busy? The load average above tells.\n", missed)
		err = errors.Join(err, e)
	}
	return err
}

// held compares the median, unrounded, with what is wanted.
func (r *row) held() string {
	m := median(r.values)
	switch {
	case r.wanted == bound{}:
		return ""
	case m < r.wanted.least, r.wanted.none && m != 0:
		return "no"
	}
	return "yes"
}

func (b bound) String() string {
	switch {
	case b.none:
		return "none"
	case b.least > 0:
		return ">= " + figure(b.least)
	}
	return ""
}

// figure prints three digits, and all those before the point.
func figure(v float64) string {
	switch {
	case v >= 100 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// median returns the value in the middle, the upper one of two. There must be a value.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// ratios divides pair by pair: what disturbs the machine for a while disturbs both sides of a pair.
func ratios(over, under []float64) []float64 {
	out := make([]float64, len(over))
	for i := range out {
		out[i] = over[i] / under[i]
	}
	return out
}
