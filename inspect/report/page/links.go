package page

import (
	"cmp"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// node is an instance or a name, with the bytes of its links.
type node struct {
	name  string
	bytes int64
}

// maxNodes is the number of blocks on each side of the flow chart. The smallest nodes beyond it share one block.
const maxNodes = 12

// otherNodes is the name of the shared block.
const otherNodes = "others"

// mergeSmallNodes returns the nodes at one side of the links, descending by bytes, with the smallest merged into one. It
// renames the ends of their links.
func mergeSmallNodes(links []report.Link, end func(*report.Link) *string) (nodes []node) {
	sums := map[string]int64{}
	for i := range links {
		sums[*end(&links[i])] += links[i].Bytes
	}
	for name, n := range sums {
		nodes = append(nodes, node{name, n})
	}
	slices.SortFunc(nodes, func(a, b node) int { return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.name, b.name)) })
	if len(nodes) <= maxNodes {
		return nodes
	}
	rest := node{name: otherNodes}
	small := map[string]bool{}
	for _, n := range nodes[maxNodes-1:] {
		rest.bytes += n.bytes
		small[n.name] = true
	}
	for i := range links {
		if name := end(&links[i]); small[*name] {
			*name = otherNodes
		}
	}
	return append(nodes[:maxNodes-1], rest)
}

// mergeLinks adds up links between the same nodes.
func mergeLinks(links []report.Link) (all []report.Link) {
	index := map[[2]string]int{}
	for _, l := range links {
		key := [2]string{l.From, l.To}
		i, ok := index[key]
		if !ok {
			i = len(all)
			index[key] = i
			all = append(all, report.Link{From: l.From, To: l.To})
		}
		all[i].Bytes += l.Bytes
	}
	return all
}
