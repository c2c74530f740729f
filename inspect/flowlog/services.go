package flowlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/gaissmai/bart"
)

// Services maps addresses to AWS's services. The zero value and nil have none. It is immutable, and safe for concurrent use.
type Services struct{ table bart.Table[string] }

// umbrella is the service of all of AWS's networks, besides their specific ones.
const umbrella = "AMAZON"

// ipRanges are the fields of ip-ranges.json that are used.
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

// ReadServices reads AWS's ip-ranges.json. Of nested networks the smallest counts. Of several services of one network the most
// specific counts: EC2 is more specific than AMAZON, and all others are more specific than EC2, in which they run.
func ReadServices(r io.Reader) (*Services, error) {
	var in ipRanges
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return nil, errors.New("want AWS's ip-ranges.json: this is not JSON, incomplete, or of other fields")
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

// specific reports whether service a is more specific than b. Equal ones are ordered by name, so that the result does not depend on the
// order of the file.
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

// Networks returns the networks of a service, in order. Those of AMAZON are all.
func (s *Services) Networks(service string) (list []netip.Prefix) {
	for p, of := range s.table.AllSorted() {
		if of == service || service == umbrella {
			list = append(list, p)
		}
	}
	return list
}

// Of returns the service of an address; "" if it is none of AWS's.
func (s *Services) Of(a netip.Addr) string {
	if s == nil {
		return ""
	}
	service, _ := s.table.Lookup(a.Unmap())
	return service
}
