package policy

import (
	"fmt"
	"net/netip"
	"strings"
)

// Destination is one entry of a list of destinations. Exactly one field group is set.
type Destination struct {
	Text    string // as written, with names in A-labels and lower case
	File    string // the list file that it is from; "" for the policy itself
	Name    string // a name, lower case, or the part of a wildcard behind its dot
	Below   bool   // names below Name, at any depth
	Apex    bool   // Name itself
	Network netip.Prefix
	Service string // an AWS service as ip-ranges.json spells it, in upper case; "*" for any
	Private bool   // addresses that are not routed on the internet
	Any     bool   // everything
}

// Keywords of destinations.
const (
	keywordPrivate = "private"
	keywordAny     = "any"
	servicePrefix  = "aws:"
	filePrefix     = "file:"
)

// parseDestination reads a destination: a name, *.name for the names below it, .name for it and the names below, a network or an address,
// aws:SERVICE, private, or any. Entries of files are read by the caller.
func parseDestination(text string) (Destination, error) {
	d := Destination{Text: text}
	switch service, isService := strings.CutPrefix(text, servicePrefix); {
	case text == keywordAny:
		d.Any = true
		return d, nil
	case text == keywordPrivate:
		d.Private = true
		return d, nil
	case isService:
		return d, d.parseService(service)
	case strings.ContainsAny(text, "/:") || looksLikeAddress(text):
		return d, d.parseNetwork(text)
	default:
		return d, d.parseName(text)
	}
}

func (d *Destination) parseService(service string) error {
	for _, c := range service {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			service = ""
		}
	}
	if service == "" {
		return fmt.Errorf("%q is not an AWS service: want one of ip-ranges.json, such as aws:S3", d.Text)
	}
	d.Service = strings.ToUpper(service)
	return nil
}

// looksLikeAddress reports whether a text can only be meant as an IPv4 address: digits and dots.
func looksLikeAddress(text string) bool { return strings.Trim(text, "0123456789.") == "" }

func (d *Destination) parseNetwork(text string) (err error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		d.Network = netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	d.Network, err = netip.ParsePrefix(text)
	switch {
	case err != nil && strings.Contains(text, "://"):
		return fmt.Errorf("%q is a URL: want the name alone, and ports under ports", text)
	case err != nil && !strings.Contains(text, "/") && !looksLikeAddress(text):
		return fmt.Errorf("%q has a port: want the name or address alone, and ports under ports", text)
	case err != nil || d.Network.Addr().Is4In6():
		return fmt.Errorf("%q is neither a network nor an address: want such as 192.0.2.0/24 or 2001:db8::/32", text)
	case d.Network != d.Network.Masked():
		return fmt.Errorf("%q has bits behind its length: want %v", text, d.Network.Masked())
	}
	return nil
}

func (d *Destination) parseName(text string) error {
	base, below := strings.CutPrefix(text, "*.")
	if !below {
		base, d.Apex = strings.CutPrefix(text, ".")
		below = d.Apex
	}
	d.Below, d.Apex = below, d.Apex || !below
	name, err := canonical(base)
	switch {
	case strings.Contains(base, "*"):
		return fmt.Errorf("%q: a wildcard stands for whole labels at the front: want such as *.example.com", text)
	case err != nil:
		return fmt.Errorf("%q is neither a name, a network, aws:SERVICE nor file:PATH: %w", text, err)
	}
	d.Name, d.Text = name, strings.TrimSuffix(text, base)+name
	if !below {
		d.Text = DestinationText(name)
	}
	if d.Below && sharingBelow(name) == publicSuffix {
		return fmt.Errorf("%q would allow everyone's names under the public suffix %s: want a registered domain, such as *.example.%s", text, name, name)
	}
	return nil
}

// shared reports whether a wildcard is at a host that many customers share, such as *.cloudfront.net, or above one.
func (d *Destination) shared() bool { return d.Below && sharingBelow(d.Name) == sharedHost }

// String returns the destination as policies have it.
func (d *Destination) String() string { return d.Text }

// DestinationText returns a name or an address as policies have it. A name that is a keyword has a final dot: a client may say that it wants
// a server called any.
func DestinationText(to string) string {
	if to == keywordAny || to == keywordPrivate {
		return to + "."
	}
	return to
}
