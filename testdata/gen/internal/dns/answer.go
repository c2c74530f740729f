package dns

import (
	"fmt"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// answer returns the response to a query, of at most limit bytes or the size in the query's EDNS.
func answer(query []byte, limit int) ([]byte, error) {
	var q dnsmessage.Message
	if err := q.Unpack(query); err != nil || len(q.Questions) != 1 {
		return nil, fmt.Errorf("not a query: %v", err)
	}
	r := dnsmessage.Message{Questions: q.Questions, Header: dnsmessage.Header{ID: q.ID, Response: true,
		RecursionDesired: q.RecursionDesired, RecursionAvailable: true}}
	for _, a := range q.Additionals {
		if a.Header.Type == dnsmessage.TypeOPT {
			limit = max(limit, int(a.Header.Class))
			var h dnsmessage.ResourceHeader
			h.SetEDNS0(1232, dnsmessage.RCodeSuccess, false)
			r.Additionals = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.OPTResource{}}}
		}
	}
	resolve(&r, q.Questions[0])
	out, err := r.Pack()
	if err == nil && len(out) > limit {
		r.Answers, r.Truncated = nil, true
		out, err = r.Pack()
	}
	return out, err
}

// resolve follows CNAMEs and adds the records that it finds, or the SOA if there are none.
func resolve(r *dnsmessage.Message, q dnsmessage.Question) {
	name := q.Name
	for range 8 {
		found, exists := records[strings.ToLower(strings.TrimSuffix(name.String(), "."))]
		if !exists {
			r.RCode = dnsmessage.RCodeNameError
		}
		var next dnsmessage.Name
		for _, rec := range found {
			if rec.typ == q.Type || rec.typ == dnsmessage.TypeCNAME {
				r.Answers = append(r.Answers, resource(name, rec))
			}
			if c, ok := rec.body.(*dnsmessage.CNAMEResource); ok && q.Type != dnsmessage.TypeCNAME {
				next = c.CNAME
			}
		}
		if next.Length == 0 {
			break
		}
		name = next
	}
	if len(r.Answers) == 0 {
		r.Authorities = []dnsmessage.Resource{resource(dnsmessage.MustNewName("example.com."), records["example.com"][0])}
	}
}

func resource(name dnsmessage.Name, rec record) dnsmessage.Resource {
	return dnsmessage.Resource{Body: rec.body, Header: dnsmessage.ResourceHeader{Name: name, Type: rec.typ,
		Class: dnsmessage.ClassINET, TTL: 60}}
}
