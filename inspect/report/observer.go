package report

import (
	"strconv"
	"strings"
)

// observer is where a record was seen: the interface, and its mirror session's VNI. What is not known is "" and 0.
type observer struct {
	eni string
	vni uint32
}

func observerOf(r *row) observer { return observer{r.InterfaceID, r.VNI} }

// same says whether two observers are one, of which the interface has more than one session at times.
func (o observer) same(as observer) bool {
	if o.eni != "" || as.eni != "" {
		return o.eni == as.eni
	}
	return o.vni == as.vni
}

// mayBe says whether an observer may be the one that a record names at its other end, in x-paired. It may if the record names
// none, or by what is not known of the observer.
func (o observer) mayBe(paired string) bool {
	if vni, _, unnamed := strings.Cut(paired, "/"); unnamed {
		n, err := strconv.ParseUint(vni, 10, 32)
		return err == nil && (o.vni == 0 || uint64(o.vni) == n)
	}
	return paired == "" || o.eni == "" || paired == o.eni
}
