//go:build ignore

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// zone has a name, a type and data in each line, in the order of a zone file's fields.
const zone = `
example.com                        SOA   ns1.example.com. hostmaster.example.com. 2026010101
example.com                        NS    ns1.example.com.
example.com                        A     198.51.100.10
example.com                        AAAA  2001:db8:1::10
example.com                        MX    10 mx1.example.com.
example.com                        MX    20 mx2.example.com.
example.com                        TXT   v=spf1 -all
example.com                        CAA   0 issue ca.example.net
example.com                        HTTPS 1 . h2,h3 198.51.100.10
www.example.com                    CNAME assets.example.com.
assets.example.com                 CNAME edge.example.net.
edge.example.net                   A     203.0.113.20
edge.example.net                   A     203.0.113.21
edge.example.net                   AAAA  2001:db8:1::20
_sip._tcp.example.com              SRV   10 60 5060 sip.example.com.
10.100.51.198.in-addr.arpa         PTR   example.com.
big.example.org                    TXT   BIG
api.example.com                    A     198.51.100.10
auth.example.com                   A     198.51.100.11
login.example.com                  A     198.51.100.11
search.example.com                 A     198.51.100.12
images.example.com                 CNAME edge.example.net.
payments.example.org               A     203.0.113.30
hooks.example.org                  A     203.0.113.31
packages.example.org               A     203.0.113.32
registry.example.org               A     203.0.113.33
telemetry.example.net              A     203.0.113.40
updates.example.net                A     203.0.113.41
time.example.net                   A     203.0.113.42
v6.example.net                     AAAA  2001:db8:1::20
post-quantum-key-exchange.a-name-that-is-long-enough-to-fill-the-segment.example.net A 198.51.100.12
orders.internal.test               A     10.0.4.20
metrics.internal.test              A     10.0.4.21
`

// records is the zone by lower-case name without the last dot.
var records = parseZone(zone)

type record struct {
	typ  dnsmessage.Type
	body dnsmessage.ResourceBody
}

func parseZone(text string) map[string][]record {
	all := map[string][]record{}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		f := strings.Fields(line)
		typ, body := parseRecord(f[1], f[2:])
		all[f[0]] = append(all[f[0]], record{typ, body})
	}
	return all
}

func parseRecord(typ string, f []string) (dnsmessage.Type, dnsmessage.ResourceBody) {
	switch typ {
	case "A":
		return dnsmessage.TypeA, &dnsmessage.AResource{A: netip.MustParseAddr(f[0]).As4()}
	case "AAAA":
		return dnsmessage.TypeAAAA, &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(f[0]).As16()}
	case "CNAME":
		return dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(f[0])}
	case "NS":
		return dnsmessage.TypeNS, &dnsmessage.NSResource{NS: dnsmessage.MustNewName(f[0])}
	case "PTR":
		return dnsmessage.TypePTR, &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(f[0])}
	case "MX":
		return dnsmessage.TypeMX, &dnsmessage.MXResource{Pref: number(f[0]), MX: dnsmessage.MustNewName(f[1])}
	case "SRV":
		return dnsmessage.TypeSRV, &dnsmessage.SRVResource{Priority: number(f[0]), Weight: number(f[1]), Port: number(f[2]),
			Target: dnsmessage.MustNewName(f[3])}
	case "SOA":
		return dnsmessage.TypeSOA, &dnsmessage.SOAResource{NS: dnsmessage.MustNewName(f[0]), MBox: dnsmessage.MustNewName(f[1]),
			Serial: 2026010101, Refresh: 7200, Retry: 900, Expire: 1209600, MinTTL: 300}
	case "TXT":
		return dnsmessage.TypeTXT, &dnsmessage.TXTResource{TXT: texts(f)}
	case "CAA":
		tag, value := f[1], f[2]
		return 257, &dnsmessage.UnknownResource{Type: 257, Data: append([]byte{0, byte(len(tag))}, tag+value...)}
	case "HTTPS":
		return dnsmessage.TypeHTTPS, &dnsmessage.HTTPSResource{SVCBResource: dnsmessage.SVCBResource{Priority: number(f[0]),
			Target: dnsmessage.MustNewName(f[1]), Params: params(f[2], f[3])}}
	}
	panic("no such type: " + typ)
}

func number(s string) (n uint16) {
	fmt.Sscan(s, &n)
	return n
}

// texts returns the texts of a TXT record. The word BIG stands for texts that fill more than one packet, so that the answer is
// fragmented.
func texts(f []string) []string {
	if f[0] != "BIG" {
		return []string{strings.Join(f, " ")}
	}
	var all []string
	for i := range 13 {
		all = append(all, fmt.Sprintf("%02d %s", i, strings.Repeat("mirrored ", 25)))
	}
	return all
}

func params(alpn, hint string) []dnsmessage.SVCParam {
	var list []byte
	for id := range strings.SplitSeq(alpn, ",") {
		list = append(append(list, byte(len(id))), id...)
	}
	return []dnsmessage.SVCParam{{Key: dnsmessage.SVCParamALPN, Value: list},
		{Key: dnsmessage.SVCParamIPv4Hint, Value: netip.MustParseAddr(hint).AsSlice()}}
}

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

func serveDNSDatagrams(addr string) {
	c, err := net.ListenPacket("udp", addr)
	if err != nil {
		log.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			log.Fatal(err)
		}
		out, err := answer(buf[:n], 512)
		if err != nil {
			log.Print(err)
			continue
		}
		c.WriteTo(out, from)
	}
}

func serveDNSStreams(addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serveDNSStream(c)
	}
}

func serveDNSStream(c net.Conn) {
	defer c.Close()
	for {
		var size uint16
		if binary.Read(c, binary.BigEndian, &size) != nil {
			return
		}
		query := make([]byte, size)
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		out, err := answer(query, 65535)
		if err != nil {
			return
		}
		c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
	}
}
