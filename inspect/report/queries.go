package report

import (
	"fmt"
	"slices"
	"strings"
)

// Measures are what top can order by.
var Measures = []string{"bytes", "packets", "flows"}

// Top is who has most; by interface or instance what each of them saw, else each connection once: by is one of Measures, by which groups, of Dims, in the order of their columns. n is how many rows; 0
// is all.
func Top(by string, groups []string, n int) (*Query, error) {
	g := &grouping{measures: []measure{flows, packets, bytesOf, wide(firstSeen), wide(lastSeen)}, n: n}
	at := slices.Index(Measures, by)
	if at < 0 {
		return nil, fmt.Errorf("no measure %q: want one of %s", by, strings.Join(Measures, ", "))
	}
	g.by = []measure{bytesOf, packets, flows}[at]
	for i, name := range groups {
		d, ok := dimOf(name)
		if !ok {
			return nil, fmt.Errorf("no group %q: want one of %s", name, strings.Join(Dims, ", "))
		}
		if slices.Contains(groups[:i], name) {
			return nil, fmt.Errorf("group %q is there twice", name)
		}
		g.dims = append(g.dims, d)
		if name == "eni" || name == "instance" {
			g.counting = each
		}
	}
	return ask("top", "Most "+by+" by "+strings.ReplaceAll(strings.Join(groups, ", "), "-", " "), g), nil
}

func ask(name, title string, g *grouping) *Query {
	return &Query{name: name, title: title, q: g, grouping: g}
}

// managementPorts are the services of ports: those below 1024 that leave most, and those above by which machines are managed.
var managementPorts = map[uint16]string{
	21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "dns", 80: "http", 88: "kerberos", 123: "ntp", 135: "msrpc", 139: "netbios", 161: "snmp",
	389: "ldap", 443: "https", 445: "smb", 514: "syslog", 587: "smtp", 623: "ipmi", 636: "ldaps", 830: "netconf", 853: "dns over tls", 873: "rsync",
	2375: "docker", 2376: "docker", 3389: "rdp", 5900: "vnc", 5985: "winrm", 5986: "winrm", 6443: "kubernetes", 10250: "kubelet",
}

// firstUserPort is the first that is no system port (RFC 6335 section 6).
const firstUserPort = 1024

// Management is what leaves on management ports, by interface: what AWS's query asks with dstport < 1024, and the ports that
// have come above. Answers to clients that chose such a port are left out where the client is known.
func Management(n int) *Query {
	service := dim{Column{Name: "service"}, []string{"dstport"}, func(r *row) string { return managementPorts[r.DstPort] }}
	return ask("management", "What leaves on management ports, by interface", &grouping{
		dims: []dim{dimENI, dimInstance, dimDstPort, service, dimDst, dimName},
		keep: func(r *row) bool {
			return r.DstPort > 0 && (r.DstPort < firstUserPort || managementPorts[r.DstPort] != "") &&
				r.leaves() && r.Initiator != atDst && r.Action != reject
		},
		reads:    append([]string{"action"}, ends...),
		measures: []measure{flows, packets, bytesOf, wide(firstSeen), wide(lastSeen)}, by: bytesOf, n: n,
	})
}

// Unanswered is what nobody answered, and beside it what AWS's own records call REJECT.
func Unanswered(n int) *Query {
	rejected := func(r *row) bool { return r.Action == reject }
	attempts := flows
	attempts.Name = "unanswered"
	return ask("unanswered", "Attempts that nobody answered", &grouping{
		dims:     []dim{dimENI, dimInstance, dimDirection, dimSrc, dimDst, dimDstPort, dimProtocol, dimName},
		keep:     func(r *row) bool { return r.Unanswered || rejected(r) },
		second:   rejected,
		reads:    []string{"action", "x-unanswered"},
		measures: []measure{attempts, otherNamed("rejected"), packets, wide(bytesOf), wide(firstSeen), lastSeen},
		by:       measure{of: func(s *sum) int64 { return s.flows + s.other }}, n: n,
	})
}

// Direct is the flows made straight to an address, by reason.
func Direct(n int) *Query {
	return ask("direct", "Flows straight to an address, which no lookup explains", &grouping{
		dims: []dim{dimReason, dimENI, dimInstance, dimServer, dimPort, dimAppProto, dimName},
		keep: func(r *row) bool {
			return r.DirectToAddress != "" && r.DirectToAddress != "no" && r.DirectToAddress != "not_armed"
		},
		reads:    []string{"x-direct-to-address"},
		measures: []measure{flows, packets, bytesOf, wide(firstSeen), lastSeen}, by: bytesOf, n: n,
	})
}

// Initiators is who opens connections to whom, and on what evidence.
func Initiators(n int) *Query {
	ofClient := func(d dim) dim {
		of := d.of
		return dim{Column{Name: "client_" + d.Name}, slices.Concat(d.reads, ends), func(r *row) string {
			if r.role() != clientRole {
				return ""
			}
			return of(r)
		}}
	}
	return ask("initiators", "Who opens connections to whom", &grouping{
		dims: []dim{ofClient(dimInstance), ofClient(dimENI), dimClient, dimName, dimServer, dimPort, dimEvidence},
		// The client's records are the opening ones: a connection's answers are no connections.
		keep:     func(r *row) bool { return r.Initiator == atSrc },
		measures: []measure{flows, packets, bytesOf, wide(firstSeen), wide(lastSeen)}, by: flows, n: n,
	})
}

// Names is the names that each instance has to do with, as client or as server, and since when.
func Names(n int) *Query {
	g := names()
	g.measures, g.n = []measure{flows, bytesOf, firstSeen, lastSeen}, n
	return ask("names", "Names by instance", g)
}

func names() *grouping {
	return &grouping{
		dims: []dim{dimOwner, dimRole, dimName},
		keep: func(r *row) bool { return r.Name != "" },
		by:   bytesOf,

		counting: each,
	}
}

// New is the names of each instance that the records in since, files and folders, do not have of it.
func New(since []string, n int) *Query {
	g := names()
	g.second = func(r *row) bool { return r.earlier }
	g.only = func(s *sum) bool { return s.other == 0 }
	g.measures, g.n, g.noTotal = []measure{flows, bytesOf, firstSeen, lastSeen}, n, true
	q := ask("new", "Names that the earlier records do not have", g)
	q.since = since
	return q
}
