package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// A row is one figure, measured several times, or why it was not.
type row struct {
	what    string
	values  []float64
	wanted  bound
	leftOut string
}

// bound is what is promised of a figure's median; the zero bound promises nothing.
type bound struct{ least, most float64 }

type table []row

// print writes the table, and below it what was left out and how many of the promised figures were missed.
func (t table) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "figure\tmin\tmedian\tmax\twanted\theld")
	missed := 0
	for _, r := range t {
		if r.leftOut != "" {
			continue
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what,
			figures.Print(slices.Min(r.values)), figures.Print(figures.Median(r.values)), figures.Print(slices.Max(r.values)), r.wanted, r.held())
		if r.held() == "no" {
			missed++
		}
	}
	err := tw.Flush()
	for _, r := range t {
		if r.leftOut != "" {
			_, e := fmt.Fprintf(w, "left out: %s: %s\n", r.what, r.leftOut)
			err = errors.Join(err, e)
		}
	}
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
	case r.wanted.least > 0 && m < r.wanted.least, r.wanted.most > 0 && m > r.wanted.most:
		return "no"
	}
	return "yes"
}

func (b bound) String() string {
	switch {
	case b.least > 0:
		return ">= " + figures.Print(b.least)
	case b.most > 0:
		return "<= " + figures.Print(b.most)
	}
	return ""
}
