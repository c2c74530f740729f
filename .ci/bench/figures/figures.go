// Package figures is what make bench and make bench-live share: the arithmetic of figures, the table that they print, the order
// of runs, and the description of the machine.
package figures

import (
	"fmt"
	"slices"
	"strconv"
)

// Format prints a figure with three significant digits, or all digits before the point.
func Format(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// Number returns the number of digits that a regular expression found.
func Number(digits string) float64 {
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0
	}
	return n
}

// Median returns the middle value, or the upper one of two. There must be a value.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Ratios divides pair by pair. A disturbance of the machine affects both sides of a pair.
func Ratios(over, under []float64) []float64 {
	out := make([]float64, len(over))
	for i := range out {
		out[i] = over[i] / under[i]
	}
	return out
}

// Alternate calls run for each of n candidates in each round, in alternating order, so that none always runs first.
func Alternate(rounds, n int, run func(round, candidate int) error) error {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for round := range rounds {
		for _, i := range order {
			if err := run(round, i); err != nil {
				return err
			}
		}
		slices.Reverse(order)
	}
	return nil
}

// Thousands formats a number with commas.
func Thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", Thousands(n/1000), n%1000)
}
