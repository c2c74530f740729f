//go:build !linux

package flow

// slab returns zeroed memory for n values of a type without pointers. It belongs to owner.
func slab[T, O any](_ *O, n int) []T { return make([]T, n) }
