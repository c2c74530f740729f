package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// Extensions that are read; IANA's registry "TLS ExtensionType Values".
const (
	extServerName        = 0
	extGroups            = 10
	extPointFormats      = 11
	extSignatureAlgs     = 13
	extALPN              = 16
	extPreSharedKey      = 41
	extSupportedVersions = 43
	extECH               = 0xfe0d
)

const (
	maxTLSSessionID = 32  // bytes; RFC 5246 section 7.4.1.2
	maxTLSList      = 512 // values of one list that are printed: more than all cipher suites
)

// tlsExtensions are a hello's extensions. The cursors are at the extensions' bodies.
type tlsExtensions struct {
	all          wire.Cursor
	serverName   wire.Cursor
	alpn         wire.Cursor
	sigAlgs      wire.Cursor
	versions     wire.Cursor
	groups       wire.Cursor
	pointFormats wire.Cursor
	ech          wire.Cursor
	named        bool // there is a server_name, even an empty one
	resumption   bool // pre_shared_key: by a server, the session is resumed
	overrun      bool // a length leads beyond what the part around it has
}

// newTLSExtensions reads the available extensions of a hello. The first of two equal extensions counts; a second one is
// forbidden.
func newTLSExtensions(hello *wire.Cursor) tlsExtensions {
	if hello.Empty() {
		return tlsExtensions{}
	}
	size := int(hello.U16())
	e := tlsExtensions{overrun: !hello.OK() || size > hello.Len(), all: hello.Upto(size)}
	c := e.all
	for c.Len() >= 4 {
		typ, size := c.U16(), int(c.U16())
		e.overrun = e.overrun || size > c.Len()
		body := c.Upto(size)
		if typ == extServerName {
			e.named = true
		}
		if typ == extPreSharedKey {
			e.resumption = true
		}
		if place := e.place(typ); place != nil && place.Empty() {
			*place = body
		}
	}
	e.overrun = e.overrun || !c.Empty()
	return e
}

// listOverruns reports whether a list in one of a client's extensions is longer than its extension.
func (e *tlsExtensions) listOverruns() bool {
	for _, list := range [...]wire.Cursor{e.serverName, e.groups, e.sigAlgs, e.alpn} {
		if !list.Empty() && int(list.U16()) > list.Len() || !list.OK() {
			return true
		}
	}
	for _, list := range [...]wire.Cursor{e.versions, e.pointFormats} {
		if !list.Empty() && int(list.U8()) > list.Len() {
			return true
		}
	}
	names := u16List(e.alpn)
	for !names.Empty() {
		names.Skip(int(names.U8()))
	}
	return !names.OK()
}

// place returns the field for the body of an extension; nil if it is not read.
func (e *tlsExtensions) place(typ uint16) *wire.Cursor {
	switch typ {
	case extServerName:
		return &e.serverName
	case extGroups:
		return &e.groups
	case extPointFormats:
		return &e.pointFormats
	case extSignatureAlgs:
		return &e.sigAlgs
	case extALPN:
		return &e.alpn
	case extSupportedVersions:
		return &e.versions
	case extECH:
		return &e.ech
	}
	return nil
}

// hostName returns the first host name of a server_name extension (RFC 6066 section 3); nil if there is none, or it is
// incomplete.
func (e *tlsExtensions) hostName() []byte {
	for list := u16List(e.serverName); !list.Empty(); {
		typ, name := list.U8(), list.Bytes(int(list.U16()))
		if list.OK() && typ == 0 {
			return name
		}
	}
	return nil
}

// printALPN prints an ALPN extension's protocols (RFC 7301 section 3.1).
func (e *tlsExtensions) printALPN(h *Hint, key Key) {
	mark := h.openList(key)
	list := u16List(e.alpn)
	for n := 0; !list.Empty() && n < maxTLSList; n++ {
		name := list.Bytes(int(list.U8()))
		if len(name) > 0 && !isGREASEName(name) {
			h.Str(element, name)
		}
	}
	h.closeList(mark)
}

// firstALPN returns the first protocol of the ALPN extension that has a meaning.
func (e *tlsExtensions) firstALPN() []byte {
	for list := u16List(e.alpn); !list.Empty(); {
		if name := list.Bytes(int(list.U8())); !isGREASEName(name) {
			return name
		}
	}
	return nil
}

// u16List returns the available part of a list with a length of two bytes.
func u16List(body wire.Cursor) wire.Cursor { return body.Upto(int(body.U16())) }

// u8List returns the available part of a list with a length of one byte.
func u8List(body wire.Cursor) wire.Cursor { return body.Upto(int(body.U8())) }
