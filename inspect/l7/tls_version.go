package l7

import "strconv"

const (
	ssl3       = 0x0300
	tls10      = 0x0301
	tls11      = 0x0302
	tls12      = 0x0303
	tls13      = 0x0304
	tlsDraft   = 0x7f00 // TLS 1.3 drafts: the lower byte is the draft's number
	tlsDraftFB = 0xfb00 // the same, of Facebook's own
	tlsDraft22 = 0x7f16 // the first with the ServerHello of TLS 1.2
	tlsTrial   = 0x7e00 // TLS 1.3 as browsers tried it out: the lower byte is the variant's number

	dtlsMajor = 0xfe // versions of DTLS are the complements of those of TLS
	dtls10    = 0xfeff
	dtls12    = 0xfefd
	dtls13    = 0xfefc
)

// tlsVersions has the versions' names from SSL 3.0 on, in Suricata's spelling.
var tlsVersions = [...]string{"SSLv3", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"}

// appendTLSVersion appends a version in Suricata's spelling.
func appendTLSVersion(dst []byte, v uint16) []byte {
	switch {
	case v == sslv2:
		return append(dst, "SSLv2"...)
	case v>>8 == 3 && int(v&0xff) < len(tlsVersions):
		return append(dst, tlsVersions[v&0xff]...)
	case v == dtls10:
		return append(dst, "DTLS 1.0"...)
	case v == dtls12:
		return append(dst, "DTLS 1.2"...)
	case v == dtls13:
		return append(dst, "DTLS 1.3"...)
	case v&^0xff == tlsDraft:
		return strconv.AppendUint(append(dst, "TLS 1.3 draft-"...), uint64(v&0xff), 10)
	case v&^0xff == tlsDraftFB:
		dst = strconv.AppendUint(append(dst, "TLS 1.3 draft-"...), uint64(v&0xff), 10)
		return append(dst, "-fb"...)
	}
	return strconv.AppendUint(append(dst, "0x"...), uint64(v), 16)
}

func printTLSVersion(h *Hint, v uint16) {
	start := len(h.scratch)
	h.scratch = appendTLSVersion(h.scratch, v)
	h.Str(keyVersion, h.since(start))
}

// tlsHelloVersion reports whether a hello may begin with the version. Drafts before 22 have their own version there, and so have the
// variants that browsers tried out before.
func tlsHelloVersion(v uint16) bool {
	return v >= 0x0300 && v <= tls13 || v > tlsDraft && v < tlsDraft22 || v > tlsTrial && v <= tlsTrial+maxTLSTrial
}

// maxTLSTrial bounds the number of a variant; three were in use.
const maxTLSTrial = 0x0f

// tlsRank orders versions by age: drafts come before the final version.
func tlsRank(v uint16) int {
	if v&^0xff == tlsDraft || v&^0xff == tlsDraftFB {
		return tls13<<8 - 1<<8 + int(v&0xff)
	}
	return int(dtlsUp(v)) << 8
}

// dtlsUp maps versions of DTLS, which count down, to numbers that count up.
func dtlsUp(v uint16) uint16 {
	if v>>8 == dtlsMajor {
		return v ^ 0xff
	}
	return v
}

// isGREASE reports whether a value is a reserved one without meaning (RFC 8701): 0x0a0a, 0x1a1a and so on. Suricata omits them
// from its lists.
func isGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// isGREASEName reports whether the name of a protocol is a reserved one without meaning: two bytes like those of isGREASE (RFC 8701
// section 2).
func isGREASEName(name []byte) bool {
	return len(name) == 2 && isGREASE(uint16(name[0])<<8|uint16(name[1]))
}
