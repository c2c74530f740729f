package event

import "net/netip"

// Owner is whose packets those of a mirror session are: the mirrored interface and what it belongs to, as the inventory says.
// Texts that are not known are empty. It is immutable, and lives as long as an event refers to it.
type Owner struct {
	ENI      string // the elastic network interface's ID
	Instance string // none for interfaces of services
	VPC      string
	Subnet   string
	Region   string
	Zone     string // by the account's name for it, as eu-west-1a
	ZoneID   string // by the name that all accounts have for it, as euw1-az1
	Type     string // the interface's, as EC2 names it: interface, nat_gateway
	Account  string // the interface's
	Session  string // the mirror session's ID
	MAC      [6]byte
	HasMAC   bool
	Addrs    []netip.Addr      // the interface's private addresses, the primary one first; none is IPv4-mapped
	Tags     map[string]string // the instance's, and over them the interface's
}

// Direction is the way of the client's packets at the mirrored interface.
type Direction uint8

// Directions.
const (
	NoDirection Direction = iota // not known
	Ingress                      // the interface received them: it, or what is behind it, is the server
	Egress                       // the interface sent them: it, or what is behind it, is the client
	numDirections
)

var directionNames = [numDirections]string{NoDirection: "none", Ingress: "ingress", Egress: "egress"}

// String returns the spelling of mirror.direction.
func (d Direction) String() string { return directionNames[d] }

// Opposite is the other way.
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
