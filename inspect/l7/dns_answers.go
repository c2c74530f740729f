package l7

import (
	"bytes"
	"net/netip"
	"slices"
)

// Answer is one address that a DNS response gives for the name that was asked for, or the word that the name's services
// take Encrypted Client Hellos. Its slices are in the hint's scratch.
//
// Only what the question leads to counts, itself or by way of aliases: a response may hold other addresses, in answers or
// in additional records, which nobody asked for and which anyone could have put there.
type Answer struct {
	Name  []byte     // what the client asked for, as it wrote it
	Owner []byte     // the name that has the address, at the end of the aliases; Name if there are none
	Addr  netip.Addr // of an A or AAAA record, or a hint of an HTTPS or SVCB record; not valid for ECH alone
	TTL   uint32     // seconds: the least of the record's and of those of the aliases that lead to it
	ECH   bool       // an HTTPS or SVCB record has the parameter ech (RFC 9460 section 14.3.2)
}

const (
	// maxAnswers bounds what is learned of one message; as many resources are printed.
	maxAnswers = 256
	// maxAliases is how many aliases are followed: resolvers give up after 8 to 17.
	maxAliases = 16
)

// teaches reports whether a message's answers say where a name is: a good response to one question. Multicast DNS gives
// answers without a question (RFC 6762 section 6), for names of its own domain.
func (d *dnsMessage) teaches() bool {
	hd := &d.hd
	return hd.response() && hd.opcode() == dnsQuery && hd.rcode() == 0 && hd.questions <= 1
}

// add keeps an answer until conclude. Until then an alias is among them: without address and ECH, its target as Name.
func (d *dnsMessage) add(a Answer) {
	if len(d.h.Answers) < maxAnswers {
		d.h.Answers = append(d.h.Answers, a)
	}
}

func (a *Answer) isAlias() bool { return !a.Addr.IsValid() && !a.ECH }

// learn notes an answer's addresses under the name that has them. It reads a copy of the resource.
func (d *dnsMessage) learn(rr dnsResource) {
	if !d.teaches() || rr.class&^dnsTopBit != dnsIN {
		return
	}
	if rr.ttl > 1<<31-1 { // RFC 2181 section 8
		rr.ttl = 0
	}
	switch rr.typ {
	case dnsTypeA, dnsTypeAAAA:
		d.learnAddr(&rr, rr.data.Rest())
	case dnsTypeSVCB, dnsTypeHTTPS:
		d.learnService(&rr)
	case dnsTypeCNAME:
		if target := rr.data.name(d.h); rr.data.OK() {
			d.add(Answer{Owner: rr.name, Name: target, TTL: rr.ttl})
		}
	}
}

func (d *dnsMessage) learnAddr(rr *dnsResource, addr []byte) {
	if a, ok := netip.AddrFromSlice(addr); ok {
		d.add(Answer{Owner: rr.name, Addr: a, TTL: rr.ttl})
	}
}

// learnService notes the parameters of a service binding that matter here. Clients connect to the addresses that it hints
// at without asking for them (RFC 9460 section 7.3).
func (d *dnsMessage) learnService(rr *dnsResource) {
	r := &rr.data
	r.Skip(2) // the priority
	r.name(d.h)
	for !r.Empty() {
		key, value := r.U16(), r.Sub(int(r.U16()))
		switch key {
		case svcECH:
			if value.OK() {
				d.add(Answer{Owner: rr.name, TTL: rr.ttl, ECH: true})
			}
		case svcIPv4Hint:
			d.learnHints(rr, value.Rest(), 4)
		case svcIPv6Hint:
			d.learnHints(rr, value.Rest(), 16)
		}
	}
}

func (d *dnsMessage) learnHints(rr *dnsResource, addrs []byte, size int) {
	for ; len(addrs) >= size; addrs = addrs[size:] {
		d.learnAddr(rr, addrs[:size])
	}
}

// conclude keeps the answers that the question leads to, and says to which name and for how long.
func (d *dnsMessage) conclude() {
	h := d.h
	if len(h.Answers) == 0 {
		return
	}
	var way dnsWay
	way.follow(d.asked, h.Answers)
	kept := h.Answers[:0]
	for _, a := range h.Answers {
		switch {
		case a.isAlias():
			continue
		case d.hd.questions == 0:
			a.Name = a.Owner
			if !isMulticastName(a.Name) || a.TTL == 0 { // TTL 0 says goodbye: RFC 6762 section 10.1
				continue
			}
		case !way.complete(&a):
			continue
		}
		kept = append(kept, a)
	}
	clear(h.Answers[len(kept):])
	h.Answers = kept
}

// dnsWay is the names that a question leads to: its own, and then from alias to alias.
type dnsWay struct {
	stops [maxAliases + 1]dnsStop
	n     int
}

type dnsStop struct {
	name []byte
	ttl  uint32 // the least of the aliases that lead here
}

// follow finds the way, in whatever order the aliases are in the message. That it is bounded ends loops.
func (w *dnsWay) follow(asked []byte, answers []Answer) {
	w.stops[0] = dnsStop{asked, 1<<32 - 1}
	for w.n = 1; w.n < len(w.stops); w.n++ {
		last := &w.stops[w.n-1]
		i := slices.IndexFunc(answers, func(a Answer) bool { return a.isAlias() && sameDNSName(a.Owner, last.name) })
		if i < 0 {
			return
		}
		w.stops[w.n] = dnsStop{answers[i].Name, min(last.ttl, answers[i].TTL)}
	}
}

// complete fills in an answer's name and TTL. It is false if the way does not come by its owner.
func (w *dnsWay) complete(a *Answer) bool {
	for i := range w.stops[:w.n] {
		if stop := &w.stops[i]; sameDNSName(stop.name, a.Owner) {
			a.Name, a.TTL = w.stops[0].name, min(a.TTL, stop.ttl)
			return true
		}
	}
	return false
}

// sameDNSName compares names as RFC 4343 says: the case of ASCII letters does not matter, and that of others does.
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

// isMulticastName reports whether a name is in the domain that multicast DNS has to itself (RFC 6762 section 3).
func isMulticastName(name []byte) bool {
	const domain = ".local"
	return len(name) > len(domain) && bytes.EqualFold(name[len(name)-len(domain):], []byte(domain))
}
