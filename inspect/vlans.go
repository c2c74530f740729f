package inspect

import "github.com/mirrorsink/mirrorsink/decap"

// maxVLANStacks bounds the table of VLAN stacks; flows of further ones are told without tags.
const maxVLANStacks = 1 << 12

// vlanStack is the VLAN tags of a frame, outermost first.
type vlanStack struct {
	tags [decap.MaxVLANs]uint16
	n    uint8
}

// vlans numbers stacks of VLAN tags, so that a flow record needs two bytes for them. Number 0 is no tag.
type vlans struct {
	list   []vlanStack
	number map[vlanStack]uint16
}

func newVLANs() *vlans {
	return &vlans{list: make([]vlanStack, 1), number: map[vlanStack]uint16{{}: 0}}
}

// of returns the number of a packet's tags. It is asked once a flow.
func (v *vlans) of(p *decap.Packet) uint16 {
	s := vlanStack{p.VLANs, p.NumVLANs}
	n, ok := v.number[s]
	if !ok && len(v.list) < maxVLANStacks {
		n = uint16(len(v.list))
		v.list = append(v.list, s)
		v.number[s] = n
	}
	return n
}
