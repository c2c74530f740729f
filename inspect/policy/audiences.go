package policy

import "slices"

// audiences are the sets of workloads that rules are for. Rules for the same workloads have the same audience.
type audiences struct {
	sets [][]int32 // by audience: its workloads, ascending; the first is everyone
	of   [][]int32 // by workload: its audiences, ascending
}

// everyoneAlone are the audiences of a flow without a workload: everyone, the first audience.
var everyoneAlone = []int32{0}

// newAudiences returns the audiences of rules, and sets that of each rule. named are the workloads by name.
func newAudiences(named map[string]int, rules []Rule) *audiences {
	a := &audiences{sets: [][]int32{nil}, of: make([][]int32, len(named))}
	for i := range a.of {
		a.of[i] = everyoneAlone[:1:1]
	}
	known := map[string]int{}
	for i := range rules {
		r := &rules[i]
		var set []int32
		for _, name := range r.From {
			set = append(set, int32(named[name]))
		}
		slices.Sort(set)
		r.audience = a.add(set, known)
	}
	return a
}

// add returns the audience of a set of workloads; everyone if there are none.
func (a *audiences) add(set []int32, known map[string]int) int {
	if len(set) == 0 {
		return 0
	}
	key := make([]byte, 0, 4*len(set))
	for _, w := range set {
		key = append(key, byte(w>>24), byte(w>>16), byte(w>>8), byte(w))
	}
	audience, ok := known[string(key)]
	if !ok {
		audience = len(a.sets)
		known[string(key)] = audience
		a.sets = append(a.sets, set)
		for _, w := range set {
			a.of[w] = append(a.of[w], int32(audience))
		}
	}
	return audience
}

// around returns the audiences that a workload is in; -1 is a flow without one.
func (a *audiences) around(workload int) []int32 {
	if workload < 0 {
		return everyoneAlone
	}
	return a.of[workload]
}

// covers reports whether an audience has all workloads of another.
func (a *audiences) covers(wide, narrow int) bool {
	if wide == 0 || wide == narrow {
		return true
	}
	return narrow != 0 && !slices.ContainsFunc(a.sets[narrow], func(w int32) bool { return !in(a.sets[wide], w) })
}
