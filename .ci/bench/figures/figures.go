// Package figures is the arithmetic of measuring, for the programs that make bench and make bench-live run.
package figures

import (
	"fmt"
	"slices"
)

// Print gives three digits of a figure, and all those before the point.
func Print(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// Median returns the value in the middle, the upper one of two. There must be a value.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Ratios divides pair by pair: what disturbs the machine for a while disturbs both sides of a pair.
func Ratios(over, under []float64) []float64 {
	out := make([]float64, len(over))
	for i := range out {
		out[i] = over[i] / under[i]
	}
	return out
}
