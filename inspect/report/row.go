package report

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// row is one record of a file.
type row struct {
	flowlog.Record
	earlier bool // of the records that --since names
}

// Values of fields that are asked for.
const (
	ingress = "ingress"
	egress  = "egress"
	atSrc   = "src" // of x-initiator
	atDst   = "dst"
	reject  = "REJECT" // of AWS's own records
)

// src and dst are the packet's addresses where they are known, else those that AWS's default format has.
func (r *row) src() netip.Addr { return either(r.PktSrcAddr, r.SrcAddr) }
func (r *row) dst() netip.Addr { return either(r.PktDstAddr, r.DstAddr) }

func either(a, b netip.Addr) netip.Addr {
	if a.IsValid() {
		return a
	}
	return b
}

// serverIsDst says which end was connected to: as the record says, else the one with the lower port, as it is for nearly all
// services.
func (r *row) serverIsDst() bool {
	switch r.Initiator {
	case atSrc:
		return true
	case atDst:
		return false
	default:
		return r.SrcPort == 0 || r.DstPort <= r.SrcPort
	}
}

// server returns the address and port that were connected to.
func (r *row) server() (netip.Addr, uint16) {
	if r.serverIsDst() {
		return r.dst(), r.DstPort
	}
	return r.src(), r.SrcPort
}

func (r *row) client() netip.Addr {
	if r.serverIsDst() {
		return r.src()
	}
	return r.dst()
}

// remote returns the address at the other end from the interface. Where the direction is not known it is the public one of
// the two, or the server's.
func (r *row) remote() netip.Addr {
	switch r.FlowDirection {
	case egress:
		return r.dst()
	case ingress:
		return r.src()
	}
	src, dst := r.src(), r.dst()
	switch from, to := where.Private(src), where.Private(dst); {
	case from && !to:
		return dst
	case to && !from:
		return src
	}
	a, _ := r.server()
	return a
}

// owner is whose the interface is, as well as it is known.
func (r *row) owner() string {
	switch {
	case r.InstanceID != "":
		return r.InstanceID
	case r.InterfaceID != "":
		return r.InterfaceID
	case r.FlowDirection == egress:
		return addrText(r.src())
	case r.FlowDirection == ingress:
		return addrText(r.dst())
	default:
		return addrText(r.client())
	}
}

// role is which end of the connection the interface is.
type role uint8

const (
	noRole role = iota // not known
	clientRole
	serverRole
)

func (o role) String() string {
	return [...]string{noRole: "", clientRole: "client", serverRole: "server"}[o]
}

func (r *row) role() role {
	switch {
	case r.Initiator == "" || r.FlowDirection == "":
		return noRole
	case (r.Initiator == atSrc) == (r.FlowDirection == egress):
		return clientRole
	default:
		return serverRole
	}
}

// leaves says whether the record is of packets that left an interface. Where the direction is not known, those of a private
// address do.
func (r *row) leaves() bool {
	if r.FlowDirection == "" {
		return where.Private(r.src())
	}
	return r.FlowDirection == egress
}
