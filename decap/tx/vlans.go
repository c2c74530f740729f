package tx

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A VLANMode is how mirror sessions get their 802.1Q tags.
type VLANMode uint8

// The modes.
const (
	VLANAuto  VLANMode = iota // each session has a tag of its own
	VLANOff                   // no tags
	VLANFixed                 // each VNI has the tag that VLANConfig.Fixed gives it; others have none
)

// MaxVLAN is the largest tag: 4095 is reserved, as 0 is for no tag (IEEE 802.1Q-2022 table 9-2).
const MaxVLAN = 4094

// VLANConfig is which sessions get which tags.
type VLANConfig struct {
	Mode  VLANMode
	Fixed map[uint32]uint16 // by VNI, for VLANFixed
	// File keeps the tags of VLANAuto over restarts. If it is "", most tags stay the same nevertheless, unless sessions compete for
	// them. One process may use a file: two would overwrite each other's tags.
	File string
	Log  *slog.Logger // slog's default if nil
}

// A VLAN is the tag of a mirror session. The tags of VLANFixed apply to all sources.
type VLAN struct {
	Tag   uint16     `json:"vlan"`
	VNI   uint32     `json:"vni"`
	Outer netip.Addr `json:"source,omitzero"`
}

// A vlanSession identifies a mirror session as AWS does.
type vlanSession struct {
	outer netip.Addr
	vni   uint32
}

// VLANs gives mirror sessions 802.1Q tags, which keep networks with equal addresses apart. It is safe for concurrent use.
type VLANs struct {
	cfg   VLANConfig
	state *vlanFile // nil without one

	mu       sync.Mutex // guards the following
	tags     map[vlanSession]uint16
	sessions [MaxVLAN + 1]vlanSession // by tag; the zero session has none
	full     bool                     // it was logged that all tags are in use
}

// OpenVLANs reads the file, if there is one. An error is one line that says what to do.
func OpenVLANs(cfg VLANConfig) (*VLANs, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	v := &VLANs{cfg: cfg, tags: map[vlanSession]uint16{}}
	for vni, tag := range cfg.Fixed {
		if tag == 0 || tag > MaxVLAN || vni > decap.MaxVNI {
			return nil, fmt.Errorf("VLAN %d for VNI %d cannot be: a VLAN is 1 to %d, a VNI 0 to %d", tag, vni, MaxVLAN, decap.MaxVNI)
		}
	}
	if cfg.Mode != VLANAuto || cfg.File == "" {
		return v, nil
	}
	known, err := readVLANs(cfg.File)
	if err != nil {
		return nil, err
	}
	for _, k := range known {
		v.give(vlanSession{k.Outer, k.VNI}, k.Tag)
	}
	v.state = newVLANFile(cfg.File, cfg.Log, v.Table)
	return v, nil
}

// Tag returns the tag of a mirror session, or 0 for none. Frames of no session, whose outer address is the zero Addr, have none. Tag does
// not wait for the disk.
func (v *VLANs) Tag(outer netip.Addr, vni uint32) uint16 {
	switch {
	case v.cfg.Mode == VLANOff || !outer.IsValid():
		return 0
	case v.cfg.Mode == VLANFixed:
		return v.cfg.Fixed[vni]
	}
	s := vlanSession{outer.Unmap(), vni}
	v.mu.Lock()
	defer v.mu.Unlock()
	if tag, known := v.tags[s]; known {
		return tag
	}
	if len(v.tags) == MaxVLAN {
		v.warnFull(s)
		return 0
	}
	tag := s.firstChoice()
	for v.sessions[tag].outer.IsValid() {
		tag = tag%MaxVLAN + 1
	}
	v.give(s, tag)
	if v.state != nil {
		v.state.changed()
	}
	return tag
}

func (v *VLANs) give(s vlanSession, tag uint16) { v.tags[s], v.sessions[tag] = tag, s }

// warnFull logs, once, that a session gets no tag.
func (v *VLANs) warnFull(s vlanSession) {
	if v.full {
		return
	}
	v.full = true
	hint := ""
	if v.cfg.File != "" {
		hint = ", and remove " + v.cfg.File + " before starting again if many of its sessions are gone"
	}
	v.cfg.Log.Warn(fmt.Sprintf("all %d VLANs are in use: frames of %v, VNI %d, and of further sessions are forwarded without a tag; "+
		"accept fewer sessions%s", MaxVLAN, s.outer, s.vni, hint))
}

// firstChoice returns the tag that a session gets if no other session has it. It must not change between versions.
func (s vlanSession) firstChoice() uint16 {
	outer := s.outer.As16()
	h := fnv.New32a()
	h.Write(outer[:])
	h.Write(binary.BigEndian.AppendUint32(nil, s.vni))
	return uint16(h.Sum32()%MaxVLAN) + 1
}

// Table returns all assigned tags in ascending order. For VLANFixed it returns those of the configuration in the order of VNIs.
func (v *VLANs) Table() []VLAN {
	table := []VLAN{}
	if v.cfg.Mode == VLANFixed {
		for _, vni := range slices.Sorted(maps.Keys(v.cfg.Fixed)) {
			table = append(table, VLAN{Tag: v.cfg.Fixed[vni], VNI: vni})
		}
		return table
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for tag := range v.sessions {
		if s := &v.sessions[tag]; s.outer.IsValid() {
			table = append(table, VLAN{Tag: uint16(tag), VNI: s.vni, Outer: s.outer})
		}
	}
	return table
}

// Close writes the file if it is out of date. Tag may still be called, but further tags are not kept.
func (v *VLANs) Close() {
	if v.state != nil {
		v.state.close()
	}
}
