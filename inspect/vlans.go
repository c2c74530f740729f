package inspect

import "github.com/mirrorsink/mirrorsink/decap"

// maxVLANStacks bounds the table of VLAN stacks; flows of further ones are reported without tags.
const maxVLANStacks = 1 << 12

// vlanStack is the VLAN tags of a frame, outermost first.
type vlanStack struct {
	tags [decap.MaxVLANs]uint16
	n    uint8
}

// vlanTable numbers stacks of VLAN tags, so that a flow record needs two bytes for them. Number 0 is no tag.
type vlanTable struct {
	stacks  []vlanStack
	numbers map[vlanStack]uint16
}

func newVLANTable() *vlanTable {
	return &vlanTable{stacks: make([]vlanStack, 1), numbers: map[vlanStack]uint16{{}: 0}}
}

// number returns the number of a packet's tags, of which the last is that of an ERSPAN header. It is called once a flow.
func (v *vlanTable) number(p *decap.Packet) uint16 {
	s := vlanStack{p.VLANs, p.NumVLANs}
	if p.SpanVLAN != 0 && s.n < decap.MaxVLANs {
		s.tags[s.n] = p.SpanVLAN
		s.n++
	}
	n, ok := v.numbers[s]
	if !ok && len(v.stacks) < maxVLANStacks {
		n = uint16(len(v.stacks))
		v.stacks = append(v.stacks, s)
		v.numbers[s] = n
	}
	return n
}

// tags returns the tags of a number.
func (v *vlanTable) tags(number uint16) (tags [decap.MaxVLANs]uint16, n uint8) {
	s := &v.stacks[number]
	return s.tags, s.n
}
