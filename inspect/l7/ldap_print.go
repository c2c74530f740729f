package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// Tags within LDAP messages; RFC 4511 section 4.2, 4.12.
const (
	ldapSimple      = 0x80 // a password
	ldapSASL        = 0xa3
	ldapRequestName = 0x80 // of an extended operation
)

// ldapStartTLS is the object identifier of StartTLS; RFC 4511 section 4.14.
const ldapStartTLS = "1.3.6.1.4.1.1466.20037"

// maxLDAPAttributes bounds the list of attributes that a search asks for.
const maxLDAPAttributes = 64

// request prints a request. It is Reject if the operation is no request, or is invalid.
func (m *ldapMessage) request(h *Hint) Verdict {
	name := ldapOperations[m.op]
	if name == element || m.isResponse() {
		return Reject
	}
	h.Role = Request
	h.Object(keyRequest)
	h.Int(keyMessageID, m.id)
	h.Const(keyOperation, name.String())
	ok := true
	switch m.op {
	case ldapBind:
		ok = printLDAPBind(h, m.body)
	case ldapSearch:
		ok = printLDAPSearch(h, m.body)
	case ldapExtended:
		ok = printLDAPExtended(h, m.body)
	}
	h.End()
	if !ok {
		return Reject
	}
	return Done
}

func printLDAPBind(h *Hint, body wire.Cursor) bool {
	version, name := derInt(&body), derWhole(&body, derOctets)
	method, credentials := derHeader(&body)
	if !body.OK() || version < 2 || version > 3 || method != ldapSimple && method != ldapSASL {
		return false
	}
	h.Credentials = method == ldapSimple && credentials > 0
	h.Object(keyBindRequest)
	h.Int(keyVersion, version)
	h.Str(keyName, name.Rest())
	if method == ldapSASL {
		sasl := body.Upto(credentials)
		mechanism := derWhole(&sasl, derOctets)
		h.Credentials = isPlainMechanism(mechanism.Rest())
		h.Object(keySASL)
		h.Str(keyMechanism, mechanism.Rest())
		h.End()
	}
	h.End()
	return true
}

func printLDAPSearch(h *Hint, body wire.Cursor) bool {
	base := derWhole(&body, derOctets)
	scope, deref := derWhole(&body, derEnumerated), derWhole(&body, derEnumerated)
	sizeLimit, timeLimit := derInt(&body), derInt(&body)
	typesOnly := derWhole(&body, derBoolean)
	if !body.OK() || scope.Len() != 1 || deref.Len() != 1 || typesOnly.Len() != 1 {
		return false
	}
	h.Object(keySearchRequest)
	h.Str(keyBaseObject, base.Rest())
	h.Int(keyScope, int64(scope.U8()))
	h.Int(keyDerefAlias, int64(deref.U8()))
	h.Int(keySizeLimit, sizeLimit)
	h.Int(keyTimeLimit, timeLimit)
	if typesOnly.U8() != 0 {
		h.True(keyTypesOnly)
	}
	derNext(&body) // filter
	mark := h.openList(keyAttributes)
	for list, n := derWhole(&body, derSequence), 0; !list.Empty() && n < maxLDAPAttributes; n++ {
		if name := derWhole(&list, derOctets); list.OK() {
			h.Str(element, name.Rest())
		}
	}
	h.closeList(mark)
	h.End()
	return true
}

func printLDAPExtended(h *Hint, body wire.Cursor) bool {
	name := derWhole(&body, ldapRequestName)
	if !body.OK() || !isDottedNumber(name.Rest()) {
		return false
	}
	h.Object(keyExtendedRequest)
	h.Str(keyName, name.Rest())
	h.End()
	return true
}

// isDottedNumber reports whether text may be an object identifier (RFC 4512 section 1.4).
func isDottedNumber(text []byte) bool {
	for _, b := range text {
		if b != '.' && (b < '0' || b > '9') {
			return false
		}
	}
	return len(text) > 0
}

// startsTLS reports whether the message is a request for StartTLS.
func (m *ldapMessage) startsTLS() bool {
	body := m.body
	name := derWhole(&body, ldapRequestName)
	return m.op == ldapExtended && string(name.Rest()) == ldapStartTLS
}

func (m *ldapMessage) isResponse() bool {
	switch m.op {
	case ldapBound, ldapFound, ldapModified, ldapAdded, ldapDeleted, ldapRenamed, ldapCompared, ldapExtendedAnswer:
		return true
	}
	return false
}

// response prints a response with a result. It is Reject if the operation has none.
func (m *ldapMessage) response(h *Hint) Verdict {
	body := m.body
	code, matched := derWhole(&body, derEnumerated), derWhole(&body, derOctets)
	text := derWhole(&body, derOctets)
	if !m.isResponse() || !body.OK() || code.Len() != 1 {
		return Reject
	}
	name := ldapOperations[m.op]
	h.Role = Response
	h.Array(keyResponses)
	h.Object(element)
	h.Int(keyMessageID, m.id)
	h.Const(keyOperation, name.String())
	h.Object(name)
	if n := int(code.U8()); n < len(ldapResults) && ldapResults[n] != "" {
		h.Const(keyResultCode, ldapResults[n])
	} else {
		h.Const(keyResultCode, "other")
	}
	h.Str(keyMatchedDN, matched.Rest())
	h.Str(keyMessage, text.Rest())
	h.End()
	h.End()
	h.End()
	return Done
}

// ldapResults are the result codes; RFC 4511 section 4.1.9 and appendix A.
var ldapResults = [...]string{
	0: "success", 1: "operations_error", 2: "protocol_error", 3: "time_limit_exceeded", 4: "size_limit_exceeded",
	5: "compare_false", 6: "compare_true", 7: "auth_method_not_supported", 8: "stronger_auth_required", 10: "referral",
	11: "admin_limit_exceeded", 12: "unavailable_critical_extension", 13: "confidentiality_required",
	14: "sasl_bind_in_progress", 16: "no_such_attribute", 17: "undefined_attribute_type", 18: "inappropriate_matching",
	19: "constraint_violation", 20: "attribute_or_value_exists", 21: "invalid_attribute_syntax", 32: "no_such_object",
	33: "alias_problem", 34: "invalid_dns_syntax", 36: "alias_dereferencing_problem", 48: "inappropriate_authentication",
	49: "invalid_credentials", 50: "insufficient_access_rights", 51: "busy", 52: "unavailable",
	53: "unwilling_to_perform", 54: "loop_detect", 64: "naming_violation", 65: "object_class_violation",
	66: "not_allowed_on_non_leaf", 67: "not_allowed_on_rdn", 68: "entry_already_exists",
	69: "object_class_mods_prohibited", 71: "affects_multiple_dsas", 80: "other",
}
