package l7

import (
	"bytes"
	"net/netip"
	"slices"
)

// Answer is one address in a DNS response for the name in the question, or the information that the name's services accept
// Encrypted Client Hellos. Its slices are in the hint's scratch.
//
// Only answers to the question count, directly or through aliases. A response may have other addresses, among its answers or
// additional records, that were not asked for and that anyone could have added.
type Answer struct {
	Name  []byte     // the name in the question, as the client wrote it
	Owner []byte     // the name that has the address, at the end of the aliases; Name if there are none
	Addr  netip.Addr // of an A or AAAA record, or a hint of an HTTPS or SVCB record; not valid for ECH alone
	TTL   uint32     // seconds: the smallest of the TTLs of the record and of the aliases that lead to it
	ECH   bool       // an HTTPS or SVCB record has the parameter ech (RFC 9460 section 14.3.2)
}

// Alias is a name that the name in the question led to, by an alias or as the target of a service: clients may send either name to the
// server. Its slices are in the hint's scratch.
type Alias struct {
	Name   []byte // the name in the question
	Target []byte
	TTL    uint32 // seconds
}

const (
	// maxAnswers bounds the answers, and the aliases, of one message; it is the bound on printed resources too.
	maxAnswers = 256
	// maxAliases bounds the aliases that are followed. Resolvers follow 8 to 17.
	maxAliases = 16
)

// hasAnswers reports whether the message's answers can be used: it is a successful response to one question. Multicast DNS sends
// answers without a question (RFC 6762 section 6), for names of its own domain.
func (d *dnsMessage) hasAnswers() bool {
	hd := &d.hd
	return hd.response() && hd.opcode() == dnsQuery && hd.rcode() == 0 && hd.questions <= 1
}

// add adds an answer, which finishAnswers completes. Until then an alias is an answer without address and ECH, with its target
// as Name.
func (d *dnsMessage) add(a Answer) {
	if len(d.h.Answers) < maxAnswers {
		d.h.Answers = append(d.h.Answers, a)
	}
}

// addTarget adds the target of a service as an alias, with the resource's own name as Name. finishAnswers completes it.
func (d *dnsMessage) addTarget(rr *dnsResource, target []byte) {
	if len(target) > 0 && len(d.h.Aliases) < maxAnswers {
		d.h.Aliases = append(d.h.Aliases, Alias{Name: rr.name, Target: target, TTL: rr.ttl})
	}
}

func (a *Answer) isAlias() bool { return !a.Addr.IsValid() && !a.ECH }

// addResource adds the answers in a resource, with the resource's own name. It reads a copy of the resource.
func (d *dnsMessage) addResource(rr dnsResource) {
	if !d.hasAnswers() || rr.class&^dnsTopBit != dnsIN {
		return
	}
	if rr.ttl > 1<<31-1 { // RFC 2181 section 8
		rr.ttl = 0
	}
	switch rr.typ {
	case dnsTypeA, dnsTypeAAAA:
		d.addAddr(&rr, rr.data.Rest())
	case dnsTypeSVCB, dnsTypeHTTPS:
		d.addService(&rr)
	case dnsTypeCNAME:
		if target := rr.data.name(d.h); rr.data.OK() {
			d.add(Answer{Owner: rr.name, Name: target, TTL: rr.ttl})
		}
	case dnsTypeSRV:
		rr.data.Skip(6) // priority, weight, port
		if target := rr.data.name(d.h); rr.data.OK() {
			d.addTarget(&rr, target)
		}
	}
}

func (d *dnsMessage) addAddr(rr *dnsResource, addr []byte) {
	if a, ok := netip.AddrFromSlice(addr); ok {
		d.add(Answer{Owner: rr.name, Addr: a, TTL: rr.ttl})
	}
}

// addService adds the ECH keys and address hints of a service binding. Clients connect to these addresses without a query of
// their own (RFC 9460 section 7.3).
func (d *dnsMessage) addService(rr *dnsResource) {
	r := &rr.data
	priority, target := r.U16(), r.name(d.h)
	switch {
	case !r.OK() || len(target) == 0: // the name itself
	case priority == 0: // RFC 9460 section 2.4.2: like a CNAME
		d.add(Answer{Owner: rr.name, Name: target, TTL: rr.ttl})
		return
	default:
		d.addTarget(rr, target)
	}
	for !r.Empty() {
		key, value := r.U16(), r.Sub(int(r.U16()))
		switch key {
		case svcECH:
			if value.OK() {
				d.add(Answer{Owner: rr.name, TTL: rr.ttl, ECH: true})
			}
		case svcIPv4Hint:
			d.addHints(rr, value.Rest(), 4)
		case svcIPv6Hint:
			d.addHints(rr, value.Rest(), 16)
		}
	}
}

func (d *dnsMessage) addHints(rr *dnsResource, addrs []byte, size int) {
	for ; len(addrs) >= size; addrs = addrs[size:] {
		d.addAddr(rr, addrs[:size])
	}
}

// finishAnswers keeps the answers to the question, and sets their name and TTL.
func (d *dnsMessage) finishAnswers() {
	h := d.h
	if len(h.Answers) == 0 && len(h.Aliases) == 0 {
		return
	}
	var chain dnsChain
	chain.follow(d.asked, h.Answers)
	d.finishAliases(&chain)
	kept := h.Answers[:0]
	for _, a := range h.Answers {
		switch {
		case a.isAlias():
			continue
		case d.hd.questions == 0:
			a.Name = a.Owner
			if !isMulticastName(a.Name) || a.TTL == 0 { // TTL 0 revokes the record: RFC 6762 section 10.1
				continue
			}
		case !chain.complete(&a):
			continue
		}
		kept = append(kept, a)
	}
	clear(h.Answers[len(kept):])
	h.Answers = kept
}

// finishAliases keeps the targets of the question's services, and adds its aliases.
func (d *dnsMessage) finishAliases(chain *dnsChain) {
	h := d.h
	kept := h.Aliases[:0]
	for _, a := range h.Aliases {
		if link := chain.find(a.Name); link != nil && d.hd.questions == 1 {
			kept = append(kept, Alias{d.asked, a.Target, min(a.TTL, link.ttl)})
		}
	}
	clear(h.Aliases[len(kept):])
	h.Aliases = kept
	for i := range chain.links[1:chain.n] {
		if link := &chain.links[1+i]; d.hd.questions == 1 && len(h.Aliases) < maxAnswers {
			h.Aliases = append(h.Aliases, Alias{d.asked, link.name, link.ttl})
		}
	}
}

// dnsChain is the chain of names from a question's own name along its aliases.
type dnsChain struct {
	links [maxAliases + 1]dnsLink
	n     int
}

type dnsLink struct {
	name []byte
	ttl  uint32 // the smallest TTL of the aliases up to here
}

// follow builds the chain, whatever the order of the aliases in the message. Its bound ends loops.
func (c *dnsChain) follow(asked []byte, answers []Answer) {
	c.links[0] = dnsLink{asked, 1<<32 - 1}
	for c.n = 1; c.n < len(c.links); c.n++ {
		last := &c.links[c.n-1]
		i := slices.IndexFunc(answers, func(a Answer) bool { return a.isAlias() && sameDNSName(a.Owner, last.name) })
		if i < 0 {
			return
		}
		c.links[c.n] = dnsLink{answers[i].Name, min(last.ttl, answers[i].TTL)}
	}
}

// complete sets an answer's name and TTL. It is false if the answer's owner is not in the chain.
func (c *dnsChain) complete(a *Answer) bool {
	link := c.find(a.Owner)
	if link == nil {
		return false
	}
	a.Name, a.TTL = c.links[0].name, min(a.TTL, link.ttl)
	return true
}

// find returns the link of a name; nil if it is not in the chain.
func (c *dnsChain) find(name []byte) *dnsLink {
	for i := range c.links[:c.n] {
		if link := &c.links[i]; sameDNSName(link.name, name) {
			return link
		}
	}
	return nil
}

// sameDNSName compares names according to RFC 4343: without regard to the case of ASCII letters.
func sameDNSName(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && lowerASCII(a[i]) != lowerASCII(b[i]) {
			return false
		}
	}
	return true
}

// isMulticastName reports whether a name is in the domain of multicast DNS (RFC 6762 section 3).
func isMulticastName(name []byte) bool {
	const domain = ".local"
	return len(name) > len(domain) && bytes.EqualFold(name[len(name)-len(domain):], []byte(domain))
}
