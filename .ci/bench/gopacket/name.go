package main

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
)

// findName searches the first bytes of a client for the name of the server. It reports whether more bytes are needed.
func findName(b []byte) (kind, name string, more bool) {
	switch {
	case len(b) == 0:
		return "", "", true
	case b[0] == recordHandshake:
		name, more = serverName(b)
		return "tls", name, more
	case b[0] >= 'A' && b[0] <= 'Z':
		name, more = host(b)
		return "http", name, more
	}
	return "", "", false
}

// Code points of TLS: RFC 8446, sections 5.1, 4 and 4.2, and RFC 6066, section 3.
const (
	recordHandshake     = 22
	typeClientHello     = 1
	extensionServerName = 0
	nameTypeHost        = 0
)

// serverName returns the server name of a ClientHello that is complete in the first TLS record.
func serverName(b []byte) (name string, more bool) {
	s := cryptobyte.String(b)
	var record cryptobyte.String
	if !s.Skip(3) || !s.ReadUint16LengthPrefixed(&record) {
		return "", true
	}
	for rest := extensions(record); !rest.Empty(); {
		var number uint16
		var data, list, first cryptobyte.String
		var kind uint8
		if !rest.ReadUint16(&number) || !rest.ReadUint16LengthPrefixed(&data) {
			return "", false
		}
		if number == extensionServerName && data.ReadUint16LengthPrefixed(&list) &&
			list.ReadUint8(&kind) && kind == nameTypeHost && list.ReadUint16LengthPrefixed(&first) {
			return string(first), false
		}
	}
	return "", false
}

// extensions returns the extensions of a ClientHello; none of any other message.
func extensions(record cryptobyte.String) (all cryptobyte.String) {
	var kind uint8
	var hello, session, suites, compression cryptobyte.String
	if record.ReadUint8(&kind) && kind == typeClientHello &&
		record.ReadUint24LengthPrefixed(&hello) && hello.Skip(2+32) && // version and random
		hello.ReadUint8LengthPrefixed(&session) && hello.ReadUint16LengthPrefixed(&suites) &&
		hello.ReadUint8LengthPrefixed(&compression) && hello.ReadUint16LengthPrefixed(&all) {
		return all
	}
	return nil
}

// host returns the Host of an HTTP request whose header is complete.
func host(b []byte) (name string, more bool) {
	head, _, whole := bytes.Cut(b, []byte("\r\n\r\n"))
	if !whole {
		return "", true
	}
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if key, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(key, []byte("Host")) {
			return string(bytes.TrimSpace(value)), false
		}
	}
	return "", false
}
