package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// TLSRecord reads the header of the TLS record (RFC 8446 section 5.1) at the front of b. size counts the header too. encrypted
// reports that this record is the first one after which everything of its direction is encrypted; ok is false if b does not
// begin with the whole header of a record.
func TLSRecord(b []byte) (size int, encrypted, ok bool) {
	r := wire.New(b)
	typ, major, _, n := r.U8(), r.U8(), r.U8(), int(r.U16())
	if !r.OK() || major != 3 || n == 0 {
		return 0, false, false
	}
	switch typ {
	case tlsChangeCipherSpec, tlsApplicationData:
		return tlsRecordHeader + n, true, true
	case tlsAlert, tlsHandshake, tlsHeartbeat:
		return tlsRecordHeader + n, false, true
	default:
		return 0, false, false
	}
}

// IsEncryptedTLSRecord reports whether b begins with a record after which everything is encrypted. It is stricter than TLSRecord,
// for segments in which the start of a record is not known: random bytes match once in a billion times.
func IsEncryptedTLSRecord(b []byte) bool {
	const longest = 1<<14 + 2048 // RFC 5246 section 6.2.3
	r := wire.New(b)
	typ, major, minor, n := r.U8(), r.U8(), r.U8(), r.U16()
	if !r.OK() || major != 3 || minor > 4 {
		return false
	}
	return typ == tlsChangeCipherSpec && n == 1 || typ == tlsApplicationData && n > 0 && n <= longest
}
