package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cpuList is a repeatable flag for CPUs by number, N or A-B, several with commas between, as taskset has them. Their order is the
// order in which workers get them. Empty is for any.
type cpuList []int

// maxCPU is the last one that the C library's sets have room for (CPU_SETSIZE), and so programs that start others.
const maxCPU = 1023

// Replace empties the list and adds values.
func (l *cpuList) Replace(texts []string) error {
	*l = nil
	return appendAll(l, texts)
}

// Append adds values, in a configuration too as taskset has them: several with commas between.
func (l *cpuList) Append(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if err := l.add(strings.TrimSpace(part)); err != nil {
			return err
		}
	}
	return nil
}

// Set adds values.
func (l *cpuList) Set(text string) error { return l.Append(text) }

// add adds one CPU or a range of them.
func (l *cpuList) add(text string) error {
	first, last, ok := numberRange(text, maxCPU)
	if !ok {
		return fmt.Errorf("%q: want the number of a CPU or a range of them such as 2-5, up to %d", text, maxCPU)
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
func (l *cpuList) String() string {
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

// Type names the value in help texts.
func (*cpuList) Type() string { return "cpus" }

// check says which of the CPUs this process cannot use. The calling goroutine must not be on a thread of its own.
func (l *cpuList) check() error {
	if len(*l) == 0 {
		return nil
	}
	allowed, err := usableCPUs()
	if errors.Is(err, errors.ErrUnsupported) {
		return usagef("--cpus: only on Linux can a worker keep to a CPU")
	}
	if err != nil {
		return err
	}
	without := slices.DeleteFunc(slices.Clone(*l), func(n int) bool { return slices.Contains(allowed, n) })
	if len(without) > 0 {
		return usagef("--cpus %v: %v not there, or not allowed to this process, which may use %v", l, &without, &allowed)
	}
	return nil
}

// of returns the CPU of the n-th worker. The list must not be empty.
func (l cpuList) of(n int) int { return l[n%len(l)] }
