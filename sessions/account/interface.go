package account

import (
	"fmt"
	"net/netip"
	"slices"
)

// Interface is an elastic network interface.
type Interface struct {
	ID               string       `json:"id"`
	Type             string       `json:"type,omitempty"` // "interface", or the service that created it: load_balancer, nat_gateway, …
	MAC              string       `json:"mac,omitempty"`
	Primary          netip.Addr   `json:"primary"`             // primary private address: the source address of the VXLAN packets
	Addresses        []netip.Addr `json:"addresses,omitempty"` // all private addresses, IPv4 and IPv6, the primary one first
	VPC              string       `json:"vpc,omitempty"`
	Subnet           string       `json:"subnet,omitempty"`
	Zone             string       `json:"zone,omitempty"`    // availability zone, such as eu-west-1a
	ZoneID           string       `json:"zone_id,omitempty"` // the zone's name in all accounts, such as euw1-az1
	Account          string       `json:"account,omitempty"`
	Status           string       `json:"status,omitempty"`   // in-use, available, attaching, detaching
	Instance         string       `json:"instance,omitempty"` // that it is attached to; "" if a service attaches it to a machine of its own
	Device           int          `json:"device,omitempty"`   // device index at the instance
	RequesterManaged bool         `json:"requester_managed,omitempty"`
	Groups           []string     `json:"groups,omitempty"` // security groups
	Tags             Tags         `json:"tags,omitempty"`
}

// Instance is an EC2 instance: the fields by which sources are chosen.
type Instance struct {
	ID    string `json:"id"`
	Type  string `json:"type,omitempty"`
	State string `json:"state,omitempty"` // running, stopped, …
	Tags  Tags   `json:"tags,omitempty"`
}

// Describe returns the interface's ID, device index and instance.
func (i *Interface) Describe() string {
	if i.Instance == "" {
		return i.ID
	}
	return fmt.Sprintf("%s, device %d of %s", i.ID, i.Device, i.Instance)
}

// neverMirrored are the types of interfaces that a choice by VPC or subnet includes and EC2 refuses, in the spelling of the API and
// of the SDK. The list is short because EC2 changes what it refuses; it answers for the rest.
var neverMirrored = []string{"nat_gateway", "natGateway", "gateway_load_balancer_endpoint"}

// idle returns the reason why the interface has nothing to mirror now, or "". A session on an idle interface is billed. The instance
// is nil if the interface is attached to none that the caller sees.
func (i *Interface) idle(instance *Instance) string {
	switch {
	case slices.Contains(neverMirrored, i.Type):
		return "EC2 mirrors no interface of type " + i.Type
	case i.Status != "" && i.Status != "in-use":
		return "the interface is " + i.Status
	case instance != nil && instance.State != "" && instance.State != "running" && instance.State != "pending":
		return "its instance " + instance.ID + " is " + instance.State
	}
	return ""
}
