package l7

// Resource types whose data is read.
const (
	dnsTypeA     = 1
	dnsTypeNS    = 2
	dnsTypeCNAME = 5
	dnsTypeSOA   = 6
	dnsTypeNULL  = 10
	dnsTypePTR   = 12
	dnsTypeMX    = 15
	dnsTypeTXT   = 16
	dnsTypeAAAA  = 28
	dnsTypeNB    = 32
	dnsTypeSRV   = 33
	dnsTypeDNAME = 39
	dnsTypeOPT   = 41
	dnsTypeSSHFP = 44
	dnsTypeSVCB  = 64
	dnsTypeHTTPS = 65
	dnsTypeSPF   = 99
	dnsTypeCAA   = 257
)

// dnsTypes has the types' names by IANA's registry "Resource Record (RR) TYPEs", up to URI and CAA.
var dnsTypes = [...]string{
	1: "A", 2: "NS", 3: "MD", 4: "MF", 5: "CNAME", 6: "SOA", 7: "MB", 8: "MG", 9: "MR", 10: "NULL", 11: "WKS", 12: "PTR",
	13: "HINFO", 14: "MINFO", 15: "MX", 16: "TXT", 17: "RP", 18: "AFSDB", 19: "X25", 20: "ISDN", 21: "RT", 22: "NSAP",
	23: "NSAP-PTR", 24: "SIG", 25: "KEY", 26: "PX", 27: "GPOS", 28: "AAAA", 29: "LOC", 30: "NXT", 33: "SRV", 34: "ATMA",
	35: "NAPTR", 36: "KX", 37: "CERT", 38: "A6", 39: "DNAME", 41: "OPT", 42: "APL", 43: "DS", 44: "SSHFP", 45: "IPSECKEY",
	46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 49: "DHCID", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP",
	59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS", 99: "SPF", 108: "EUI48",
	109: "EUI64", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 254: "MAILA", 255: "ANY", 256: "URI",
	257: "CAA",
}

// dnsTypeName returns a type's name; empty if it has none.
func dnsTypeName(typ uint16) string {
	if int(typ) < len(dnsTypes) {
		return dnsTypes[typ]
	}
	return ""
}

// dnsGrouped has the types that Suricata's schema has under grouped.
var dnsGrouped = [...]Key{
	KeyOf("A"), KeyOf("AAAA"), KeyOf("CNAME"), KeyOf("MX"), KeyOf("NS"), KeyOf("NULL"), KeyOf("PTR"), KeyOf("SOA"), KeyOf("SRV"),
	KeyOf("SSHFP"), KeyOf("TXT"),
}

// dnsRcodes has the names of the response codes of 4 bits; RFC 6895 section 2.3.
var dnsRcodes = [16]string{
	"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
	"DSOTYPENI", "12", "13", "14", "15",
}
