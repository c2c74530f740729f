package flowlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/gaissmai/bart"
)

// Services says which of AWS's services an address belongs to. The zero value knows none, nil likewise. It is immutable, and safe
// for concurrent use.
type Services struct{ table bart.Table[string] }

// umbrella is the service that all of AWS's networks belong to beside their own.
const umbrella = "AMAZON"

// ipRanges is what ip-ranges.json has that we need.
// https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html
type ipRanges struct {
	SyncToken string `json:"syncToken"`
	V4        []struct {
		Prefix  netip.Prefix `json:"ip_prefix"`
		Service string       `json:"service"`
	} `json:"prefixes"`
	V6 []struct {
		Prefix  netip.Prefix `json:"ipv6_prefix"`
		Service string       `json:"service"`
	} `json:"ipv6_prefixes"`
}

// ReadServices reads AWS's ip-ranges.json. Where networks lie within each other the smallest counts; where one network has
// several services, the most specific: any one is before AMAZON, and EC2, in which others run, is before that only.
func ReadServices(r io.Reader) (*Services, error) {
	var in ipRanges
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return nil, fmt.Errorf("want AWS's ip-ranges.json: %w", err)
	}
	if in.SyncToken == "" || len(in.V4) == 0 {
		return nil, errors.New("want AWS's ip-ranges.json: it has a syncToken and prefixes")
	}
	s := new(Services)
	for i := range in.V4 {
		if err := s.add(in.V4[i].Prefix, in.V4[i].Service); err != nil {
			return nil, err
		}
	}
	for i := range in.V6 {
		if err := s.add(in.V6[i].Prefix, in.V6[i].Service); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Services) add(p netip.Prefix, service string) error {
	if !p.IsValid() || service == "" {
		return fmt.Errorf("want AWS's ip-ranges.json: network %v has service %q", p, service)
	}
	if known, ok := s.table.Get(p); ok && specific(known, service) {
		return nil
	}
	s.table.Insert(p, service)
	return nil
}

// specific says whether the service a says more than b. Among equals the one whose name comes first does, so that the order of
// the file changes nothing.
func specific(a, b string) bool {
	if weight(a) != weight(b) {
		return weight(a) > weight(b)
	}
	return a < b
}

func weight(service string) int {
	switch service {
	case umbrella:
		return 0
	case "EC2":
		return 1
	default:
		return 2
	}
}

// Of returns the service of an address; "" if it is none of AWS's.
func (s *Services) Of(a netip.Addr) string {
	if s == nil {
		return ""
	}
	service, _ := s.table.Lookup(a.Unmap())
	return service
}
