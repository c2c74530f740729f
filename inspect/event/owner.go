package event

import "net/netip"

// Owner is the mirrored interface of a mirror session and what it belongs to, according to the inventory. Unknown texts are
// empty. It is immutable and lives as long as an event refers to it.
type Owner struct {
	ENI      string // the elastic network interface's ID
	Instance string // empty for interfaces of services
	VPC      string
	Subnet   string
	Region   string
	Zone     string // the account's own name, such as eu-west-1a
	ZoneID   string // the name that is the same in all accounts, such as euw1-az1
	Type     string // of the interface, as EC2 names it: interface, nat_gateway
	Account  string // of the interface
	Session  string // the mirror session's ID
	MAC      [6]byte
	HasMAC   bool
	Addrs    []netip.Addr      // the interface's private addresses, the primary one first; none is IPv4-mapped
	Tags     map[string]string // of the instance, overridden by those of the interface
}

// Direction is the direction of the client's packets at the mirrored interface.
type Direction uint8

// Directions.
const (
	NoDirection Direction = iota // not known
	Ingress                      // the interface received them: it, or a host behind it, is the server
	Egress                       // the interface sent them: it, or a host behind it, is the client
	numDirections
)

var directionNames = [numDirections]string{NoDirection: "none", Ingress: "ingress", Egress: "egress"}

// String returns the spelling of mirror.direction.
func (d Direction) String() string { return directionNames[d] }

// Opposite returns the other direction.
func (d Direction) Opposite() Direction {
	switch d {
	case Ingress:
		return Egress
	case Egress:
		return Ingress
	default:
		return NoDirection
	}
}
