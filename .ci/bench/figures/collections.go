package figures

import (
	"regexp"
	"strconv"
)

// Collections is what GODEBUG=gctrace=1 says of the garbage collections of a program.
type Collections struct {
	N    float64
	Stop float64 // ms: the longest time that the world was stopped, at the beginning or the end of one
	Heap float64 // MiB, after the last one
}

var traceLine = regexp.MustCompile(`(?m)^gc \d+ @.*: ([\d.]+)\+[\d.]+\+([\d.]+) ms clock, .* \d+->\d+->(\d+) MB,`)

// ParseTrace reads what package runtime says of each collection. Other lines may stand in between.
func ParseTrace(trace string) (c Collections) {
	for _, m := range traceLine.FindAllStringSubmatch(trace, -1) {
		c.N++
		c.Stop = max(c.Stop, Number(m[1]), Number(m[2]))
		c.Heap = Number(m[3])
	}
	return c
}

// Number is that of digits which an expression has found.
func Number(digits string) float64 {
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0
	}
	return n
}
