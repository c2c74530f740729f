package figures

import "regexp"

// Collections summarizes the garbage collections of a program, from GODEBUG=gctrace=1.
type Collections struct {
	N    float64
	Stop float64 // ms: the longest stop of the world, at the beginning or the end of a collection
	Heap float64 // MiB, after the last collection
}

var traceLine = regexp.MustCompile(`(?m)^gc \d+ @.*: ([\d.]+)\+[\d.]+\+([\d.]+) ms clock, .* \d+->\d+->(\d+) MB,`)

// ParseTrace parses the output of gctrace. It skips other lines.
func ParseTrace(trace string) (c Collections) {
	for _, m := range traceLine.FindAllStringSubmatch(trace, -1) {
		c.N++
		c.Stop = max(c.Stop, Number(m[1]), Number(m[2]))
		c.Heap = Number(m[3])
	}
	return c
}
