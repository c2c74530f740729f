package sim

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/mirrorsink/mirrorsink/decap"
)

// The YAML of a mirror set-up. Keys are as in the EC2 API, in lower case with dashes.
type spec struct {
	Target    netip.Addr            `yaml:"target"`
	MTU       int                   `yaml:"mtu"`
	Resolvers []netip.Addr          `yaml:"resolvers"`
	Gateway   *gatewaySpec          `yaml:"gateway"`
	Sessions  []sessionSpec         `yaml:"sessions"`
	Filters   map[string]filterSpec `yaml:"filters"`
}

type gatewaySpec struct {
	Source     netip.Addr `yaml:"source"`
	Appliance  netip.Addr `yaml:"appliance"`
	Endpoint   uint64     `yaml:"endpoint"`
	Attachment uint64     `yaml:"attachment"`
}

type sessionSpec struct {
	Number       int          `yaml:"session-number"`
	VNI          uint32       `yaml:"vni"`
	Source       netip.Addr   `yaml:"source"`
	MAC          mac          `yaml:"mac"`
	Addresses    []netip.Addr `yaml:"addresses"`
	PacketLength int          `yaml:"packet-length"`
	Filter       string       `yaml:"filter"`
}

type filterSpec struct {
	AmazonDNS bool       `yaml:"amazon-dns"`
	Ingress   []ruleSpec `yaml:"ingress"`
	Egress    []ruleSpec `yaml:"egress"`
}

type ruleSpec struct {
	Number           int          `yaml:"number"`
	Action           string       `yaml:"action"`
	Protocol         protocol     `yaml:"protocol"`
	Source           netip.Prefix `yaml:"source"`
	Destination      netip.Prefix `yaml:"destination"`
	SourcePorts      portRange    `yaml:"source-ports"`
	DestinationPorts portRange    `yaml:"destination-ports"`
}

// Defaults of the YAML: an ENI's MTU, and an interface with one session.
const (
	defaultMTU           = 9001
	defaultSessionNumber = 1
)

// ParseSpec reads a mirror set-up. It is strict: an unknown key, a key given twice or a second document is an error, which
// says the line and column where the YAML itself is at fault. The target may be left out, for the caller to fill in.
func ParseSpec(text []byte) (Config, error) {
	s, err := decodeSpec(text)
	if err != nil {
		return Config{}, err
	}
	return s.config()
}

func decodeSpec(text []byte) (s *spec, err error) {
	// goccy/go-yaml v1.19.2 panics where a list is wanted and a tag stands, as in "resolvers: !x 10.0.0.1".
	defer func() {
		if r := recover(); r != nil {
			s, err = nil, errors.New("a value cannot be read: leave out YAML tags such as !x")
		}
	}()
	s = &spec{MTU: defaultMTU}
	dec := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := dec.Decode(s); errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	} else if err != nil {
		return nil, decodeError(err)
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	return s, nil
}

// YAMLError is an error of the YAML library: malformed YAML, an unknown key, or a value of another type.
type YAMLError struct{ Err yaml.Error }

func (e *YAMLError) Error() string { return strings.TrimSpace(yaml.FormatError(e.Err, false, false)) }

// Unwrap implements errors.Is.
func (e *YAMLError) Unwrap() error { return e.Err }

// decodeError returns the library's own errors as YAMLError. The others are of values.
func decodeError(err error) error {
	var known yaml.Error
	if errors.As(err, &known) {
		return &YAMLError{known}
	}
	text := strings.TrimSpace(yaml.FormatError(err, false, false))
	if m := badAddress.FindStringSubmatch(text); m != nil {
		want := map[string]string{"Addr": "an IP address", "Prefix": "a network such as 10.0.0.0/8"}[m[1]]
		return fmt.Errorf("%s is not %s", m[2], want)
	}
	return errors.New(text)
}

// badAddress matches what package netip reports.
var badAddress = regexp.MustCompile(`Parse(Addr|Prefix)\(("(?:[^"\\]|\\.)*")\)`)

func (s *spec) config() (Config, error) {
	cfg := Config{Target: s.Target, MTU: s.MTU, Resolvers: s.Resolvers}
	if g := s.Gateway; g != nil {
		cfg.Gateway = &Gateway{Source: g.Source, Appliance: g.Appliance, Endpoint: g.Endpoint, Attachment: g.Attachment}
	}
	filters := make(map[string]*Filter, len(s.Filters))
	for name := range s.Filters {
		f, err := s.filter(name)
		if err != nil {
			return Config{}, fmt.Errorf("filter %s: %w", name, err)
		}
		filters[name] = f
	}
	for i := range s.Sessions {
		y := &s.Sessions[i]
		number := cmp.Or(y.Number, defaultSessionNumber)
		f := filters[y.Filter]
		if f == nil {
			return Config{}, fmt.Errorf("session %d of %v: there is no filter %q", number, y.Source, y.Filter)
		}
		cfg.Sessions = append(cfg.Sessions, Session{Number: number, VNI: y.VNI, Source: y.Source, MAC: y.MAC,
			Addresses: y.Addresses, PacketLength: y.PacketLength, Filter: f})
	}
	return cfg, nil
}

func (s *spec) filter(name string) (*Filter, error) {
	y := s.Filters[name]
	ingress, err1 := rules(y.Ingress)
	egress, err2 := rules(y.Egress)
	if err := cmp.Or(err1, err2); err != nil {
		return nil, err
	}
	f := &Filter{Ingress: ingress, Egress: egress, AmazonDNS: y.AmazonDNS}
	return f, f.check()
}

func rules(list []ruleSpec) ([]Rule, error) {
	all := make([]Rule, len(list))
	for i, r := range list {
		if r.Action != "accept" && r.Action != "reject" {
			return nil, fmt.Errorf("rule %d: action %q is neither accept nor reject", r.Number, r.Action)
		}
		all[i] = Rule{Number: r.Number, Accept: r.Action == "accept", Protocol: uint8(r.Protocol), Source: r.Source,
			Destination: r.Destination, SourcePorts: PortRange(r.SourcePorts), DestinationPorts: PortRange(r.DestinationPorts)}
	}
	return all, nil
}

type mac [6]byte

func (m *mac) UnmarshalText(text []byte) error {
	hw, err := net.ParseMAC(string(text))
	if err != nil || len(hw) != len(m) {
		return fmt.Errorf("%q is not an Ethernet address", text)
	}
	*m = mac(hw)
	return nil
}

// A protocol is a number or one of the names below; 0 is all, as is leaving it out.
type protocol uint8

var protocols = map[string]protocol{"all": 0, "icmp": decap.ICMP, "tcp": decap.TCP, "udp": decap.UDP, "icmpv6": decap.ICMPv6}

func (p *protocol) UnmarshalText(text []byte) error {
	if n, ok := protocols[string(text)]; ok {
		*p = n
		return nil
	}
	n, err := strconv.ParseUint(string(text), 10, 8)
	if err != nil {
		return fmt.Errorf("protocol %q is neither a number nor one of all, icmp, icmpv6, tcp, udp", text)
	}
	*p = protocol(n)
	return nil
}

// A portRange is a port, or two with a dash between.
type portRange PortRange

func (r *portRange) UnmarshalText(text []byte) error {
	from, to, ranged := strings.Cut(string(text), "-")
	if !ranged {
		to = from
	}
	f, err1 := strconv.ParseUint(from, 10, 16)
	t, err2 := strconv.ParseUint(to, 10, 16)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("%q is neither a port nor a range of ports", text)
	}
	*r = portRange{From: uint16(f), To: uint16(t)}
	return nil
}
