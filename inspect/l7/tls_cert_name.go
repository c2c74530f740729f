package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// oidCommonName is the attribute with the subject's own name.
const oidCommonName = "\x55\x04\x03"

// attributeName returns Suricata's name of a distinguished name's attribute; empty for rare ones. The OIDs are 2.5.4.n, except
// those of domain components and e-mail addresses.
func attributeName(oid []byte) string {
	switch string(oid) {
	case oidCommonName:
		return "CN"
	case "\x55\x04\x04":
		return "surname"
	case "\x55\x04\x05":
		return "serialNumber"
	case "\x55\x04\x06":
		return "C"
	case "\x55\x04\x07":
		return "L"
	case "\x55\x04\x08":
		return "ST"
	case "\x55\x04\x09":
		return "streetAddress"
	case "\x55\x04\x0a":
		return "O"
	case "\x55\x04\x0b":
		return "OU"
	case "\x55\x04\x0c":
		return "title"
	case "\x55\x04\x0d":
		return "description"
	case "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19":
		return "DC"
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01":
		return "Email"
	}
	return ""
}

// nextAttribute reads an attribute of a set: its type, the tag of its value, and the value.
func nextAttribute(set *wire.Cursor) (oid wire.Cursor, tag uint8, value []byte, ok bool) {
	attribute := derOpen(set, derSequence)
	oid = derWhole(&attribute, derOID)
	tag, body, whole := derNext(&attribute)
	return oid, tag, body.Rest(), attribute.OK() && whole
}

// printDistinguishedName prints a name (RFC 5280 section 4.1.2.4) like "C=US, O=Example, CN=example.com". The attributes of one
// set are joined with a plus sign.
func printDistinguishedName(h *Hint, key Key, name wire.Cursor) {
	start := len(h.scratch)
	for !name.Empty() {
		separator := ", "
		for set := derOpen(&name, derSet); !set.Empty(); {
			oid, tag, value, ok := nextAttribute(&set)
			if !ok {
				break
			}
			if len(h.scratch) > start {
				h.scratch = append(h.scratch, separator...)
			}
			h.scratch = appendAttribute(h.scratch, oid, tag, value)
			separator = " + "
		}
	}
	if text := h.since(start); len(text) > 0 {
		h.Str(key, text)
	}
}

func appendAttribute(dst []byte, oid wire.Cursor, tag uint8, value []byte) []byte {
	if name := attributeName(oid.Rest()); name != "" {
		dst = append(dst, name...)
	} else {
		dst = appendOID(dst, oid)
	}
	dst = append(dst, '=')
	if tag == derBMPString {
		return appendBMP(dst, value)
	}
	return append(dst, value...)
}

// commonName returns the first common name, nil if there is none.
func commonName(name wire.Cursor) []byte {
	for !name.Empty() {
		for set := derOpen(&name, derSet); !set.Empty(); {
			oid, _, value, ok := nextAttribute(&set)
			if ok && string(oid.Rest()) == oidCommonName {
				return value
			}
		}
	}
	return nil
}
