package controls

import (
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// portsOf returns the ranges that a rule has of a protocol. all is true if it has every port.
func portsOf(list []policy.Ports, protocol uint8) (of []policy.Ports, all bool) {
	if len(list) == 0 {
		return nil, true
	}
	for _, p := range list {
		if p.Protocol == 0 || p.Protocol == protocol {
			of = append(of, p)
		}
	}
	return of, false
}

// rawProtocolOnly reports whether a rule has no port of TCP.
func rawProtocolOnly(list []policy.Ports) bool {
	of, all := portsOf(list, policy.TCP)
	return len(of) == 0 && !all
}

// suricataPorts returns the ports of a protocol in the syntax of Suricata; "" for none.
func suricataPorts(list []policy.Ports, protocol uint8) string {
	of, all := portsOf(list, protocol)
	switch {
	case all:
		return "any"
	case len(of) == 0:
		return ""
	}
	texts := make([]string, len(of))
	for i, p := range of {
		texts[i] = rangeText(p, ":")
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return "[" + strings.Join(texts, ",") + "]"
}

func rangeText(p policy.Ports, dash string) string {
	if p.From == p.To {
		return strconv.Itoa(int(p.From))
	}
	return strconv.Itoa(int(p.From)) + dash + strconv.Itoa(int(p.To))
}
