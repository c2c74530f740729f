package sessions

import (
	"net/netip"
	"time"
)

// Inventory says whose packets they are: for each mirror session the envelope's source and VNI, and the interface behind
// them. It stands in a file as JSON, or is made from a State.
type Inventory struct {
	Format  int       `json:"format"` // 1
	Made    time.Time `json:"made"`
	Region  string    `json:"region,omitempty"`
	Entries []Entry   `json:"sessions"`
}

// Entry is one mirror session and its interface.
type Entry struct {
	Outer     netip.Addr   `json:"outer"` // the interface's primary address, from which the copies come
	VNI       uint32       `json:"vni"`
	Session   string       `json:"session"`
	Interface string       `json:"interface"`
	MAC       string       `json:"mac,omitempty"`
	Addresses []netip.Addr `json:"addresses,omitempty"` // all private ones, the primary one first
	Instance  string       `json:"instance,omitempty"`
	VPC       string       `json:"vpc,omitempty"`
	Subnet    string       `json:"subnet,omitempty"`
	Zone      string       `json:"zone,omitempty"`
	Account   string       `json:"account,omitempty"`
	Tags      Tags         `json:"tags,omitempty"` // of the instance, and over them those of the interface
}
