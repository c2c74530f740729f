package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// A row is one figure, measured several times.
type row struct {
	what   string
	values []float64
	wanted bound
}

// bound is what is promised of a figure's median; the zero bound promises nothing.
type bound struct {
	least, most float64
	none        bool // it is 0
}

type table []row

// print writes the table, and below it how many of the promised figures were missed.
func (t table) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.TabIndent)
	fmt.Fprintln(tw, "figure\tmin\tmedian\tmax\twanted\theld")
	missed := 0
	for _, r := range t {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what,
			figure(slices.Min(r.values)), figure(figures.Median(r.values)), figure(slices.Max(r.values)), r.wanted, r.held())
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
	m := figures.Median(r.values)
	switch {
	case r.wanted == bound{}:
		return ""
	case m < r.wanted.least, r.wanted.most > 0 && m > r.wanted.most, r.wanted.none && m != 0:
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
	case b.most > 0:
		return "<= " + figure(b.most)
	}
	return ""
}

// figure prints three digits, and of none nothing behind the point.
func figure(v float64) string {
	if v == 0 {
		return "0"
	}
	return figures.Print(v)
}
