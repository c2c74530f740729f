package dns

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

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
