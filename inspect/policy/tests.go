package policy

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// tests reads the flows whose verdicts the author expects.
func (l *loader) tests(_ string, n *strictyaml.Node) {
	for _, e := range strictyaml.Items(n) {
		t := Test{At: strictyaml.At(e)}
		given := l.Mapping(e, "a test", strictyaml.Fields{
			"from": strictyaml.One(l.Loader, &t.From, l.workloadName),
			"to":   strictyaml.One(l.Loader, &t.To, strictyaml.Text),
			"want": strictyaml.One(l.Loader, &t.Want, parseWant),
		})
		l.Require(t.At, "a test", given, "to", "want")
		if err := t.parseTo(); given["to"] && err != nil {
			l.Problem(t.At, "to: %v", err)
		}
		l.policy.Tests = append(l.policy.Tests, t)
	}
}

// parseWant reads an expected verdict. Blocked is what an enforcing firewall would make of not-allowed.
func parseWant(text string) (Kind, error) {
	if text == "blocked" {
		return NotAllowed, nil
	}
	if k := KindOf(text); k != None {
		return k, nil
	}
	return None, fmt.Errorf("want allowed, blocked (or not-allowed), exempt or inconclusive, found %s", strictyaml.Quote(text))
}

// parseTo reads the destination of a test.
func (t *Test) parseTo() (err error) {
	t.Name, t.Addr, t.Protocol, t.Port, err = ParseEndpoint(t.To)
	return err
}

// ParseEndpoint reads host:port, where host is a name, an address, or an IPv6 address in brackets. The port is of TCP unless udp/ stands in
// front of it all, as in udp/dns.example.com:53.
func ParseEndpoint(text string) (name string, addr netip.Addr, protocol uint8, port uint16, err error) {
	protocol, rest := cutProtocol(text)
	if protocol == 0 {
		protocol = TCP
	}
	at := strings.LastIndexByte(rest, ':')
	if at < 0 {
		return "", addr, 0, 0, fmt.Errorf("%s has no port: want host:port, such as www.example.com:443 or udp/192.0.2.1:53", strictyaml.Quote(text))
	}
	p, ok := strictyaml.Decimal(rest[at+1:])
	if !ok || p > 65535 {
		return "", addr, 0, 0, fmt.Errorf("%s has no port: want host:port, such as www.example.com:443 or [2001:db8::1]:443", strictyaml.Quote(text))
	}
	host := rest[:at]
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	if addr, err = netip.ParseAddr(host); err == nil {
		return "", addr.Unmap(), protocol, uint16(p), nil
	}
	if name, err = canonical(host); err != nil || looksLikeAddress(host) {
		return "", netip.Addr{}, 0, 0, fmt.Errorf("%s is neither a name nor an address", strictyaml.Quote(host))
	}
	return name, netip.Addr{}, protocol, uint16(p), nil
}
