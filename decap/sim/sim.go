// Package sim makes the copies of a captured frame that VPC Traffic Mirroring would send: it decides which interface the frame passed in
// which direction, and which session's filter accepts it, truncates the frame and adds the outer headers. It is pure: no I/O, no clock,
// and no allocation once its buffers have grown. The caller reads captures, paces and sends.
package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/mirrorsink/mirrorsink/decap"
)

// MaxMTU is the largest IP packet. As Config.MTU it truncates nothing that a datagram can hold.
const MaxMTU = 65535

// A Session mirrors one network interface. Sessions with the same Source are of the same interface.
type Session struct {
	// Number orders an interface's sessions: only the first whose filter accepts a frame mirrors it.
	Number int
	VNI    uint32
	// Source is the interface's primary address, from which its copies come.
	Source netip.Addr
	// MAC is the interface's own, by which its frames and their direction are known; zero if unknown. Then the
	// interface's frames are those from and to Source and Addresses.
	MAC       [6]byte
	Addresses []netip.Addr
	// PacketLength is how many bytes of a frame are kept, counted after the VXLAN header; 0 keeps all.
	PacketLength int
	// Filter is what is mirrored. Nil accepts every frame, of any host, also those that AWS never mirrors.
	Filter *Filter
}

// A Config is what is mirrored, and where to.
type Config struct {
	Sessions []Session
	// Target is the address that copies are sent to. Where it is IPv6, so must be the sources.
	Target netip.Addr
	// MTU is the target's. An encapsulated packet, from its outer IP header, is truncated to it.
	MTU int
	// Resolvers are addresses of Amazon's DNS besides the link-local ones: the VPC's base address plus two.
	Resolvers []netip.Addr
	// Gateway, if set, sends the copies behind a Gateway Load Balancer endpoint, in GENEVE.
	Gateway *Gateway
}

// Default mirrors every frame of a capture in one session and truncates nothing, whatever AWS would do with it.
func Default(vni uint32, source, target netip.Addr) Config {
	return Config{Sessions: []Session{{Number: 1, VNI: vni, Source: source}}, Target: target, MTU: MaxMTU}
}

// A Copy is one mirrored frame. Its slices are valid until its place in the list is used again.
type Copy struct {
	// Frame is the copy as a capture at the target holds it, from the outer Ethernet header.
	Frame []byte
	// Payload is the end of Frame that a UDP socket would receive, from the VXLAN or GENEVE header.
	Payload []byte
	// From and To are the outermost source and destination.
	From, To netip.AddrPort
}

// A Mirror makes the copies of a set of sessions. Its methods do not change it.
type Mirror struct {
	cfg        Config
	interfaces []networkInterface
}

// A networkInterface has its sessions in ascending order of their numbers.
type networkInterface struct {
	mac       [6]byte
	addresses []netip.Addr
	sessions  []Session
}

// New checks a configuration and returns its Mirror.
func New(cfg Config) (*Mirror, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &Mirror{cfg: cfg}
	bySource := map[netip.Addr]int{}
	for _, s := range cfg.Sessions {
		at, known := bySource[s.Source]
		if !known {
			at = len(m.interfaces)
			bySource[s.Source] = at
			m.interfaces = append(m.interfaces, networkInterface{addresses: []netip.Addr{s.Source}})
		}
		err := cfg.checkSession(&s)
		if err == nil {
			err = m.interfaces[at].add(s)
		}
		if err != nil {
			return nil, fmt.Errorf("session %d of %v: %w", s.Number, s.Source, err)
		}
	}
	return m, nil
}

// check validates what concerns all sessions.
func (cfg *Config) check() error {
	switch {
	case cfg.MTU < MinMTU || cfg.MTU > MaxMTU:
		return fmt.Errorf("mtu %d is not within %d and %d", cfg.MTU, MinMTU, MaxMTU)
	case !cfg.Target.IsValid():
		return errors.New("no target")
	case len(cfg.Sessions) == 0:
		return errors.New("no sessions")
	case cfg.Gateway != nil:
		return cfg.Gateway.check()
	}
	return nil
}

// checkSession validates one session.
func (cfg *Config) checkSession(s *Session) error {
	switch {
	case s.VNI > decap.MaxVNI:
		return fmt.Errorf("vni %d is not a 24-bit number", s.VNI)
	case !s.Source.IsValid() || s.Source.Is4() != cfg.Target.Is4():
		return fmt.Errorf("source %v is not of the target's address family", s.Source)
	case s.PacketLength < 0 || s.PacketLength > MaxPacketLength:
		return fmt.Errorf("packet length %d is not within 1 and %d", s.PacketLength, MaxPacketLength)
	case s.Filter != nil:
		return s.Filter.check()
	}
	return nil
}

// MaxPacketLength is what EC2 accepts.
const MaxPacketLength = 8500

// add gives the interface another session.
func (n *networkInterface) add(s Session) error {
	if s.MAC != [6]byte{} {
		if n.mac != [6]byte{} && n.mac != s.MAC {
			return fmt.Errorf("another session says that the interface's MAC is %x", n.mac)
		}
		n.mac = s.MAC
	}
	n.addresses = append(n.addresses, s.Addresses...)
	at, taken := slices.BinarySearchFunc(n.sessions, s.Number, func(o Session, number int) int { return o.Number - number })
	if taken {
		return errors.New("the number is taken")
	}
	if s.Filter != nil {
		s.Filter = s.Filter.sorted()
	}
	n.sessions = slices.Insert(n.sessions, at, s)
	return nil
}

// Encapsulate appends the copies of an Ethernet frame to dst: none, one, or more if several interfaces that the frame
// passed are mirrored. It reuses the buffers of what dst held past its length, so a caller that goes on with dst[:0]
// allocates nothing. The frame may be truncated, as in a capture; then so are its copies.
func (m *Mirror) Encapsulate(dst []Copy, frame []byte) []Copy {
	h := parseHeaders(frame)
	for i := range m.interfaces {
		n := &m.interfaces[i]
		dir := n.direction(&h)
		if s := m.session(n, dir, &h); s != nil {
			dst = m.append(dst, s, &h, frame)
		}
	}
	return dst
}

// direction is from the interface's point of view.
type direction uint8

const (
	elsewhere direction = iota // the frame did not pass the interface
	ingress
	egress
)

// direction goes by the MAC, and where that is not known by the addresses.
func (n *networkInterface) direction(h *headers) direction {
	if n.mac != [6]byte{} {
		switch n.mac {
		case h.srcMAC:
			return egress
		case h.dstMAC:
			return ingress
		}
		return elsewhere
	}
	switch {
	case slices.Contains(n.addresses, h.src):
		return egress
	case slices.Contains(n.addresses, h.dst):
		return ingress
	}
	return elsewhere
}

// session returns the session that mirrors the frame, or nil. AWS does not say whether a rule that rejects ends the
// search; here it does not, and the next session's filter is asked.
func (m *Mirror) session(n *networkInterface, dir direction, h *headers) *Session {
	for i := range n.sessions {
		s := &n.sessions[i]
		if s.Filter == nil {
			return s
		}
		if dir == elsewhere || h.neverMirrored() {
			continue
		}
		if m.amazonDNS(h) {
			if s.Filter.AmazonDNS {
				return s
			}
			continue
		}
		if s.Filter.takes(dir, h) {
			return s
		}
	}
	return nil
}

// append writes one copy into the next place of dst.
func (m *Mirror) append(dst []Copy, s *Session, h *headers, frame []byte) []Copy {
	if s.PacketLength > 0 {
		frame = frame[:min(len(frame), s.PacketLength)]
	}
	if len(dst) < cap(dst) {
		dst = dst[:len(dst)+1]
	} else {
		dst = append(dst, Copy{})
	}
	port := uint16(firstSourcePort)
	if !m.amazonDNSAnswer(h) {
		port |= h.hash()
	}
	c := &dst[len(dst)-1]
	o := outer{cfg: &m.cfg, from: netip.AddrPortFrom(s.Source, port), vni: s.VNI}
	o.write(c, frame)
	return dst
}

// firstSourcePort is where the 128 outer source ports begin, as seen in a genuine mirror capture. Answers of Amazon's
// DNS all come from this one, whatever port their questions had.
const firstSourcePort = 0xff80

// MinMTU is what IPv6 requires of a link; IPv4 hosts are nowhere near its own minimum either.
const MinMTU = 1280
