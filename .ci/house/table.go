package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// printTable prints one row a package, and one for all of them.
func printTable(w io.Writer, t tree) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "package\tfiles\tlines\tfunctions\tmedian\tp90\tmax\tcomplexity\tmethods\tof type\texported\ttests/line\t")
	all := &pkg{dir: "all", methods: map[string]int{}}
	for _, dir := range slices.Sorted(maps.Keys(t)) {
		p := t[dir]
		row(out, p)
		all.files += p.files
		all.lines += p.lines
		all.testLines += p.testLines
		all.exported += p.exported
		all.funcs = append(all.funcs, p.funcs...)
		for name, n := range p.methods {
			all.methods[p.name+"."+name] = max(all.methods[p.name+"."+name], n)
		}
	}
	row(out, all)
	out.Flush()
}

func row(w io.Writer, p *pkg) {
	name, methods := p.largestType()
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%.2f\t\n", p.dir, p.files, p.lines, len(p.funcs), p.quantile(.5), p.quantile(.9),
		p.longest().lines, p.mostComplex().complexity, methods, name, p.exported, float64(p.testLines)/float64(max(p.lines, 1)))
}
