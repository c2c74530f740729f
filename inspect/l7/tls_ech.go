package l7

// ECHClass is whether a ClientHello has a TLS Encrypted Client Hello (RFC 9849). Clients without a key for the server send
// random bytes in its place (GREASE). Only the server's HTTPS record in DNS can distinguish the two; the hello cannot.
type ECHClass uint8

// Classes of ECH.
const (
	ECHNone    ECHClass = iota // none, or no ClientHello
	ECHPresent                 // real or GREASE
)

const (
	echOuter        = 0                             // the type of the hello in the clear
	echOuterMinimum = 1 + 2 + 2 + 1 + 2 + 0 + 2 + 1 // type, KDF, AEAD, config_id, two lengths, one byte of payload
)

// echClass reads the extension encrypted_client_hello of an outer hello.
func (e *tlsExtensions) echClass() ECHClass {
	if r := e.ech; r.Len() >= echOuterMinimum && r.U8() == echOuter {
		return ECHPresent
	}
	return ECHNone
}

func (hello *clientHello) printECH(h *Hint) {
	if hello.exts.echClass() == ECHPresent {
		h.Const(keyECH, "present")
		h.Extra()
	}
}
