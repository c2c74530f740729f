package report

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// row is one record of a file.
type row struct {
	flowlog.Record
	earlier bool // from the earlier files of New
}

// Values of fields that queries compare with.
const (
	ingress      = "ingress" // of flow-direction
	egress       = "egress"
	initiatorSrc = "src" // of x-initiator
	initiatorDst = "dst"
	reject       = "REJECT" // of action, in AWS's own records
)

// src and dst return the addresses of the packets if they are known, else those of AWS's default format.
func (r *row) src() netip.Addr { return firstValid(r.PktSrcAddr, r.SrcAddr) }
func (r *row) dst() netip.Addr { return firstValid(r.PktDstAddr, r.DstAddr) }

func firstValid(a, b netip.Addr) netip.Addr {
	if a.IsValid() {
		return a
	}
	return b
}

// serverIsDst reports whether the destination is the server. If the initiator is not known, the server is the end with the
// lower port, as it is for nearly all services.
func (r *row) serverIsDst() bool {
	switch r.Initiator {
	case initiatorSrc:
		return true
	case initiatorDst:
		return false
	default:
		return r.SrcPort == 0 || r.DstPort <= r.SrcPort
	}
}

// server returns the server's address and port.
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

// remote returns the address at the other end from the interface. If the direction is not known it is the public one of
// the two addresses, else the server's.
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

// owner returns the instance of the interface; else the interface, else its address.
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

// role is the interface's end of a connection.
type role uint8

const (
	unknownRole role = iota
	clientRole
	serverRole
)

func (o role) String() string {
	return [...]string{unknownRole: "", clientRole: "client", serverRole: "server"}[o]
}

func (r *row) role() role {
	switch {
	case r.Initiator == "" || r.FlowDirection == "":
		return unknownRole
	case (r.Initiator == initiatorSrc) == (r.FlowDirection == egress):
		return clientRole
	default:
		return serverRole
	}
}

// isOutbound reports whether the packets left an interface. If the direction is not known, packets from a private address
// are outbound.
func (r *row) isOutbound() bool {
	if r.FlowDirection == "" {
		return where.Private(r.src())
	}
	return r.FlowDirection == egress
}

// addrText returns the text of an address; "" if it is not valid.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
