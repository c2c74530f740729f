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

// VLANMode says how mirror sessions get their 802.1Q tags.
type VLANMode uint8

// The modes.
const (
	VLANAuto  VLANMode = iota // each session has a tag of its own
	VLANOff                   // no tags
	VLANFixed                 // each VNI has the tag that VLANConfig.Fixed gives it; others have none
)

// MaxVLAN is the largest tag: 4095 is reserved, as 0 is for no tag (IEEE 802.1Q-2022 table 9-2).
const MaxVLAN = 4094

// VLANConfig says which sessions get which tags.
type VLANConfig struct {
	Mode  VLANMode
	Fixed map[uint32]uint16 // by VNI, for VLANFixed
	// File keeps the tags of VLANAuto over restarts; "" keeps none, and then most tags stay the same nevertheless, as long as
	// sessions do not contend for them. It is one process's: of two on one file each writes over what the other wrote.
	File string
	Log  *slog.Logger // slog's default if nil
}

// A VLAN is the tag of a mirror session. Those of VLANFixed are for all sources.
type VLAN struct {
	Tag   uint16     `json:"vlan"`
	VNI   uint32     `json:"vni"`
	Outer netip.Addr `json:"source,omitzero"`
}

// A vlanSession is one mirrored interface's, as AWS tells them apart.
type vlanSession struct {
	outer netip.Addr
	vni   uint32
}

// VLANs tells networks that look alike apart by 802.1Q tags. It is safe for concurrent use.
type VLANs struct {
	cfg   VLANConfig
	state *vlanFile // nil without one

	mu       sync.Mutex // guards the following
	tags     map[vlanSession]uint16
	sessions [MaxVLAN + 1]vlanSession // by tag; the zero session has none
	refused  uint64
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

// Tag returns the tag of a mirror session, 0 for none: frames of no session, whose outer address is the zero Addr, have none. It does not
// wait for the disk.
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
		v.refuse(s)
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

// refuse counts a session that goes without a tag, and says so once.
func (v *VLANs) refuse(s vlanSession) {
	if v.refused == 0 {
		hint := ""
		if v.cfg.File != "" {
			hint = ", and remove " + v.cfg.File + " before starting again if many of its sessions are gone"
		}
		v.cfg.Log.Warn(fmt.Sprintf("all %d VLANs are in use: frames of %v, VNI %d, and of further sessions are forwarded without a tag; "+
			"accept fewer sessions%s", MaxVLAN, s.outer, s.vni, hint))
	}
	v.refused++
}

// firstChoice is the tag that a session has if no other has it already. It must stay the same from version to version.
func (s vlanSession) firstChoice() uint16 {
	outer := s.outer.As16()
	h := fnv.New32a()
	h.Write(outer[:])
	h.Write(binary.BigEndian.AppendUint32(nil, s.vni))
	return uint16(h.Sum32()%MaxVLAN) + 1
}

// Untagged returns how often a session was to have a tag and all were in use.
func (v *VLANs) Untagged() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.refused
}

// Table returns all tags that were given, in their order; for VLANFixed, those of the configuration, in the order of VNIs.
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

// Close writes what is not yet in the file. Tag may still be called, but what it gives is not kept.
func (v *VLANs) Close() {
	if v.state != nil {
		v.state.close()
	}
}
