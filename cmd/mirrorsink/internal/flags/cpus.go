package flags

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// CPUs is a repeatable flag for CPUs by number, N or A-B, several with commas between, as taskset has them. Their order is the
// order in which workers get them. Empty is for any.
type CPUs []int

// MaxCPU is the last one that the C library's sets have room for (CPU_SETSIZE), and so programs that start others.
const MaxCPU = 1023

// Replace empties the list and adds values.
func (l *CPUs) Replace(texts []string) error {
	*l = nil
	return appendAll(l, texts)
}

// Append adds values, in a configuration too as taskset has them: several with commas between.
func (l *CPUs) Append(text string) error {
	parts := strings.Split(text, ",")
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if err := l.add(part); err != nil && len(parts) > 1 {
			return fmt.Errorf("%q: %w", part, err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Set adds values.
func (l *CPUs) Set(text string) error { return l.Append(text) }

// add adds one CPU or a range of them.
func (l *CPUs) add(text string) error {
	first, last, ok := numberRange(text, MaxCPU)
	if !ok {
		return fmt.Errorf("want the number of a CPU or a range of them such as 2-5, up to %d", MaxCPU)
	}
	for n := first; n <= last; n++ {
		if slices.Contains(*l, int(n)) {
			return fmt.Errorf("CPU %d is there twice", n)
		}
		*l = append(*l, int(n))
	}
	return nil
}

// String returns the CPUs as Set takes them, those that follow each other as ranges.
func (l *CPUs) String() string {
	var parts []string
	for left := *l; len(left) > 0; {
		n := 1
		for n < len(left) && left[n] == left[0]+n {
			n++
		}
		part := strconv.Itoa(left[0])
		if n > 1 {
			part += "-" + strconv.Itoa(left[n-1])
		}
		parts, left = append(parts, part), left[n:]
	}
	return strings.Join(parts, ",")
}

// Type implements pflag.Value.
func (*CPUs) Type() string { return "cpus" }

// Of returns the CPU of the n-th worker. The list must not be empty.
func (l CPUs) Of(n int) int { return l[n%len(l)] }
