package account

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// protocols are the IP protocols by their names at IANA, in lower case; "all" is AWS's. IP in IP is "ipv4" there.
var protocols = map[string]int{
	"all": 0, "icmp": 1, "igmp": 2, "ipv4": 4, "tcp": TCP, "egp": 8, "udp": UDP, "dccp": 33, "ipv6": 41, "rsvp": 46, "gre": 47, "esp": 50,
	"ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "eigrp": 88, "ospf": 89, "etherip": 97, "pim": 103, "ipcomp": 108, "vrrp": 112,
	"l2tp": 115, "sctp": 132, "udplite": 136, "mpls-in-ip": 137,
}

// IP protocols that have ports.
const (
	TCP = 6
	UDP = 17
)

// ProtocolNames returns the names of all known protocols, sorted.
func ProtocolNames() []string { return slices.Sorted(maps.Keys(protocols)) }

// ProtocolNumber returns the number of a protocol by its name, in upper or lower case.
func ProtocolNumber(name string) (number int, ok bool) {
	number, ok = protocols[strings.ToLower(name)]
	return number, ok
}

// ProtocolName returns the name of a protocol, the first in alphabetical order if it has several, or its number.
func ProtocolName(number int) string {
	if name := firstNames()[number]; name != "" {
		return name
	}
	return strconv.Itoa(number)
}

var firstNames = sync.OnceValue(func() map[int]string {
	names := map[int]string{}
	for name, n := range protocols {
		if first := names[n]; first == "" || name < first {
			names[n] = name
		}
	}
	return names
})
