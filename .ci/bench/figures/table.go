package figures

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// Row is one figure that was measured several times, or the reason why it was not measured.
type Row struct {
	Name    string
	Values  []float64
	Bound   Bound
	Skipped string // why the figure was not measured; "" if it was
}

// Bound is the promised range of a figure's median. The zero Bound promises nothing.
type Bound struct {
	Least, Most float64
	Zero        bool // the figure is 0
}

// Table is the result of a benchmark.
type Table []Row

// Print writes the table, then the figures that were not measured, and the number of missed bounds.
func (t Table) Print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "figure\tmin\tmedian\tmax\twanted\theld")
	missed := 0
	for _, r := range t {
		if r.Skipped != "" {
			continue
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Name,
			Format(slices.Min(r.Values)), Format(Median(r.Values)), Format(slices.Max(r.Values)), r.Bound, r.Held())
		if r.Held() == "no" {
			missed++
		}
	}
	err := tw.Flush()
	for _, r := range t {
		if r.Skipped != "" {
			_, e := fmt.Fprintf(w, "left out: %s: %s\n", r.Name, r.Skipped)
			err = errors.Join(err, e)
		}
	}
	if missed > 0 {
		_, e := fmt.Fprintf(w, "\n%d bounds missed. The load average above shows whether the machine was busy.\n", missed)
		err = errors.Join(err, e)
	}
	return err
}

// Held compares the median, unrounded, with the bound. It returns yes, no, or "" if nothing is promised.
func (r *Row) Held() string {
	m := Median(r.Values)
	switch {
	case r.Bound == Bound{}:
		return ""
	case m < r.Bound.Least, r.Bound.Most > 0 && m > r.Bound.Most, r.Bound.Zero && m != 0:
		return "no"
	}
	return "yes"
}

func (b Bound) String() string {
	switch {
	case b.Zero:
		return "none"
	case b.Least > 0:
		return ">= " + Format(b.Least)
	case b.Most > 0:
		return "<= " + Format(b.Most)
	}
	return ""
}
