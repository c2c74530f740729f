package l7

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// krb5Types are Suricata's names of the messages.
var krb5Types = [...]string{
	krb5ASRequest: "KRB_AS_REQ", krb5ASReply: "KRB_AS_REP", krb5TicketRequest: "KRB_TGS_REQ",
	krb5TicketReply: "KRB_TGS_REP", krb5Error: "KRB_ERROR",
}

func (m *krb5Message) print(h *Hint) {
	h.Const(keyMsgType, krb5Types[m.typ])
	printKrb5Name(h, keyCname, m.client)
	h.Str(keyRealm, m.realm)
	printKrb5Name(h, keySname, m.service)
	if m.typ == krb5Error {
		printKrb5Code(h, keyErrorCode, krb5Errors, m.code)
	}
	if m.secret >= 0 {
		printKrb5Code(h, keyEncryption, krb5Encryptions, m.secret)
		if krb5Weak(m.secret) {
			h.True(keyWeakEncryption)
		}
	}
	if m.ticketSecret >= 0 {
		printKrb5Code(h, keyTicketEncryption, krb5Encryptions, m.ticketSecret)
		if krb5Weak(m.ticketSecret) {
			h.True(keyTicketWeakEncryption)
		}
	}
}

// printKrb5Name prints a PrincipalName with its parts joined by slashes.
func printKrb5Name(h *Hint, key Key, r wire.Cursor) {
	name := derWhole(&r, derSequence)
	list := krb5Get(name, 1)
	parts := derWhole(&list, derSequence)
	start := len(h.scratch)
	for !parts.Empty() {
		part := derWhole(&parts, derGeneralString)
		if len(h.scratch) > start {
			h.scratch = append(h.scratch, '/')
		}
		h.scratch = append(h.scratch, part.Rest()...)
	}
	if len(h.scratch) > start {
		h.Str(key, h.since(start))
	}
}

// printKrb5Code prints a number by its name, or as it is.
func printKrb5Code(h *Hint, key Key, names map[int64]string, n int64) {
	if name := names[n]; name != "" {
		h.Const(key, name)
		return
	}
	start := len(h.scratch)
	h.scratch = strconv.AppendInt(h.scratch, n, 10)
	h.Str(key, h.since(start))
}

// krb5Weak reports whether an encryption type is deprecated: DES (RFC 6649), 3DES and RC4 (RFC 8429).
func krb5Weak(n int64) bool { return n < 17 || n == 23 || n == 24 }

// krb5Encryptions are the encryption types; RFC 3961 section 8 and IANA's registry.
var krb5Encryptions = map[int64]string{
	1: "des-cbc-crc", 2: "des-cbc-md4", 3: "des-cbc-md5", 5: "des3-cbc-md5", 7: "des3-cbc-sha1",
	16: "des3-cbc-sha1-kd", 17: "aes128-cts-hmac-sha1-96", 18: "aes256-cts-hmac-sha1-96",
	19: "aes128-cts-hmac-sha256-128", 20: "aes256-cts-hmac-sha384-192", 23: "rc4-hmac", 24: "rc4-hmac-exp",
	25: "camellia128-cts-cmac", 26: "camellia256-cts-cmac",
}

// krb5Errors are the errors that KDCs send in practice; RFC 4120 section 7.5.9.
var krb5Errors = map[int64]string{
	1: "KDC_ERR_NAME_EXP", 2: "KDC_ERR_SERVICE_EXP", 3: "KDC_ERR_BAD_PVNO", 6: "KDC_ERR_C_PRINCIPAL_UNKNOWN",
	7: "KDC_ERR_S_PRINCIPAL_UNKNOWN", 8: "KDC_ERR_PRINCIPAL_NOT_UNIQUE", 9: "KDC_ERR_NULL_KEY",
	10: "KDC_ERR_CANNOT_POSTDATE", 11: "KDC_ERR_NEVER_VALID", 12: "KDC_ERR_POLICY", 13: "KDC_ERR_BADOPTION",
	14: "KDC_ERR_ETYPE_NOSUPP", 15: "KDC_ERR_SUMTYPE_NOSUPP", 16: "KDC_ERR_PADATA_TYPE_NOSUPP",
	18: "KDC_ERR_CLIENT_REVOKED", 20: "KDC_ERR_TGT_REVOKED", 23: "KDC_ERR_KEY_EXPIRED", 24: "KDC_ERR_PREAUTH_FAILED",
	25: "KDC_ERR_PREAUTH_REQUIRED", 26: "KDC_ERR_SERVER_NOMATCH", 31: "KRB_AP_ERR_BAD_INTEGRITY",
	32: "KRB_AP_ERR_TKT_EXPIRED", 33: "KRB_AP_ERR_TKT_NYV", 34: "KRB_AP_ERR_REPEAT", 36: "KRB_AP_ERR_BADMATCH",
	37: "KRB_AP_ERR_SKEW", 41: "KRB_AP_ERR_MODIFIED", 52: "KRB_ERR_RESPONSE_TOO_BIG", 60: "KRB_ERR_GENERIC",
	68: "KDC_ERR_WRONG_REALM", 91: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
}
