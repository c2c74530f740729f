package account

import (
	"cmp"
	"strings"
)

// Target is a mirror target. One of Interface, LoadBalancer and Endpoint is set. AWS has no call to modify one.
type Target struct {
	ID           string `json:"id,omitempty"`
	Interface    string `json:"interface,omitempty"`
	LoadBalancer string `json:"load_balancer,omitempty"` // ARN of a Network Load Balancer
	Endpoint     string `json:"endpoint,omitempty"`      // of a Gateway Load Balancer
	Account      string `json:"account,omitempty"`
	Tags         Tags   `json:"tags,omitempty"`
}

// Address returns the interface, load balancer or endpoint that receives the copies.
func (t *Target) Address() string { return cmp.Or(t.Interface, t.LoadBalancer, t.Endpoint) }

// Session mirrors one interface. Target and Filter are IDs, or references to what a plan creates: see Reference.
type Session struct {
	ID           string `json:"id,omitempty"`
	Interface    string `json:"interface"`
	Target       string `json:"target"`
	Filter       string `json:"filter"`
	Number       int    `json:"number"`                  // 1 to 32766, unique on the interface; the lowest whose filter matches takes the packet
	PacketLength int    `json:"packet_length,omitempty"` // bytes kept after the VXLAN header; 0 is not set
	VNI          uint32 `json:"vni"`
	ChooseVNI    bool   `json:"choose_vni,omitempty"` // of a plan: AWS picks the VNI
	Account      string `json:"account,omitempty"`
	Tags         Tags   `json:"tags,omitempty"`
}

// Reference returns what stands for the ID of a resource that a plan creates, such as "target/sink". No ID has a slash.
func Reference(kind, name string) string { return kind + "/" + name }

// IsReference reports whether a string is a Reference and not an ID.
func IsReference(id string) bool { return strings.Contains(id, "/") }

// ReferenceName returns the name in a Reference, or the ID itself.
func ReferenceName(id string) string { return id[strings.Index(id, "/")+1:] }
