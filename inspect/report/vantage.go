package report

import (
	"strconv"
	"strings"
)

// vantage is the vantage point of a record: the interface, and the VNI of its mirror session. Unknown values are "" and 0.
type vantage struct {
	eni string
	vni uint32
}

func vantageOf(r *row) vantage { return vantage{r.InterfaceID, r.VNI} }

// same reports whether two vantage points are the same interface. An interface may have several mirror sessions.
func (v vantage) same(o vantage) bool {
	if v.eni != "" || o.eni != "" {
		return v.eni == o.eni
	}
	return v.vni == o.vni
}

// mayBe reports whether the vantage point may be the one that x-paired of a record names as its other end. A record that
// names none matches every vantage point, and so does an unknown part of the vantage point.
func (v vantage) mayBe(paired string) bool {
	if vni, _, unnamed := strings.Cut(paired, "/"); unnamed {
		n, err := strconv.ParseUint(vni, 10, 32)
		return err == nil && (v.vni == 0 || uint64(v.vni) == n)
	}
	return paired == "" || v.eni == "" || paired == v.eni
}
