package l7

import (
	"crypto/sha1"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// certificate is the readable part of a server's certificate (RFC 5280 section 4.1). It is not verified.
type certificate struct {
	der       []byte
	whole     bool
	serial    wire.Cursor
	issuer    wire.Cursor
	notBefore certTime
	notAfter  certTime
	subject   wire.Cursor
	altNames  wire.Cursor
}

// readCertificate reads a complete certificate, or its first bytes.
func readCertificate(der []byte, whole bool) certificate {
	cert := certificate{der: der, whole: whole}
	outer := wire.New(der)
	signed := derOpen(&outer, derSequence)
	tbs := derOpen(&signed, derSequence)
	derSkip(&tbs, derExplicit) // version
	cert.serial = derWhole(&tbs, derInteger)
	derWhole(&tbs, derSequence) // signature algorithm
	cert.issuer = derWhole(&tbs, derSequence)
	validity := derWhole(&tbs, derSequence)
	cert.notBefore, cert.notAfter = readCertTime(&validity), readCertTime(&validity)
	cert.subject = derWhole(&tbs, derSequence)
	derWhole(&tbs, derSequence) // public key
	for !tbs.Empty() {
		if tag, body, _ := derNext(&tbs); tag == derExplicit|3 {
			cert.altNames = readAltNames(derOpen(&body, derSequence))
		}
	}
	return cert
}

const oidAltNames = "\x55\x1d\x11" // 2.5.29.17

// readAltNames finds the subject's alternative names among the extensions (RFC 5280 section 4.2.1.6).
func readAltNames(exts wire.Cursor) wire.Cursor {
	for !exts.Empty() {
		ext := derOpen(&exts, derSequence)
		oid := derWhole(&ext, derOID)
		derSkip(&ext, derBoolean) // critical
		value := derOpen(&ext, derOctets)
		if string(oid.Rest()) == oidAltNames {
			return derOpen(&value, derSequence)
		}
	}
	return wire.Cursor{}
}

// Kinds of name in a certificate; RFC 5280 section 4.2.1.6.
const (
	altEmail   = derContext | 1
	altDNS     = derContext | 2
	altURI     = derContext | 6
	altAddress = derContext | 7
)

// print prints the certificate, and sets the flow's name from it.
func (cert *certificate) print(h *Hint) {
	printDistinguishedName(h, keySubject, cert.subject)
	printDistinguishedName(h, keyIssuerDN, cert.issuer)
	cert.printAltNames(h)
	if !cert.serial.Empty() {
		h.colonHex(keySerial, cert.serial.Rest(), "0123456789ABCDEF")
	}
	if cert.whole {
		sum := sha1.Sum(cert.der)
		h.colonStr(keyFingerprint, sum[:])
	}
	cert.notBefore.print(h, keyNotbefore)
	cert.notAfter.print(h, keyNotafter)
	if name := cert.hostName(); len(name) > 0 {
		h.Name, h.NameSource = name, ByCert
	}
}

// nextName reads the next alternative name, if it is complete.
func nextName(names *wire.Cursor) (kind uint8, name []byte) {
	kind, body, whole := derNext(names)
	if !whole {
		return 0, nil
	}
	return kind, body.Rest()
}

// printAltNames prints names, addresses and URIs. There are other kinds, which servers do not have.
func (cert *certificate) printAltNames(h *Hint) {
	mark := h.openList(keySubjectAltName)
	names := cert.altNames
	for n := 0; !names.Empty() && n < maxTLSList; n++ {
		switch kind, name := nextName(&names); kind {
		case altDNS, altURI, altEmail:
			h.Str(element, name)
		case altAddress:
			h.addrStr(element, name)
		}
	}
	h.closeList(mark)
}

// hostName returns the first name that can be a host name: an alternative name or, in certificates without any, the subject's
// common name (RFC 6125 section 6.4.4).
func (cert *certificate) hostName() []byte {
	for names := cert.altNames; !names.Empty(); {
		if kind, name := nextName(&names); kind == altDNS && len(name) > 0 && isHostLike(name) {
			return name
		}
	}
	if name := commonName(cert.subject); isHostLike(name) {
		return name
	}
	return nil
}
