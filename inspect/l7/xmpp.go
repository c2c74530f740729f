package l7

import "bytes"

// XMPP (RFC 6120). The stream headers of both sides make one event. TLS follows the server's <proceed/>.
//
// Conn.Mode is what was seen of each side. Left counts the server's tags after its header. Bits and Len are not used.

// Values of Conn.Mode.
const (
	xmppNothing uint8 = iota
	xmppOpen          // its header
)

const (
	// The start of a stream, with an optional XML declaration before it.
	xmppDeclaration = "<?xml "
	xmppHeader      = "<stream:stream"
	xmppNamespace   = "http://etherx.jabber.org/streams"

	// The longest header, and the maximum number of the server's tags: its features are about half of that.
	xmppMaxHeader = 1 << 10
	xmppMaxTags   = 64
)

func parseXMPP(h *Hint, c *Conn, in Input) Verdict {
	if c.Mode[in.Side&1] == xmppOpen {
		return parseXMPPTag(h, c, in)
	}
	data := in.Data[:min(len(in.Data), xmppMaxHeader)]
	rest := bytes.TrimLeft(data, " \t\r\n")
	if fits(rest, xmppDeclaration) {
		_, behind, _ := bytes.Cut(rest, []byte("?>"))
		rest = bytes.TrimLeft(behind, " \t\r\n")
	}
	if !fits(rest, xmppHeader) {
		return Reject
	}
	header, rest, whole := bytes.Cut(rest, []byte(">"))
	switch {
	case !whole && len(data) < xmppMaxHeader:
		return moreUnless(in.Final)
	case !whole || !bytes.Contains(header, []byte(xmppNamespace)):
		return Reject
	}
	c.Mode[in.Side&1] = xmppOpen
	h.Next = len(data) - len(rest)
	printXMPP(h, header)
	return Done
}

// printXMPP fills the hint from a stream's header. Only servers set a stream ID (RFC 6120 section 4.7.3).
func printXMPP(h *Hint, header []byte) {
	if len(xmppAttribute(header, " id=")) > 0 {
		h.Role = Response
		printText(h, keyServer, xmppAttribute(header, " from="))
		return
	}
	h.Role, h.Next = Request, Stop
	printText(h, keyTo, xmppAttribute(header, " to="))
	printText(h, keyFrom, xmppAttribute(header, " from="))
	printText(h, keyNamespace, xmppAttribute(header, " xmlns="))
	printText(h, keyVersion, xmppAttribute(header, " version="))
}

// xmppAttribute returns an attribute's value, between single or double quotes.
func xmppAttribute(tag []byte, name string) []byte {
	_, value, ok := bytes.Cut(tag, []byte(name))
	if !ok || len(value) == 0 || value[0] != '"' && value[0] != '\'' {
		return nil
	}
	value, _, _ = bytes.Cut(value[1:], value[:1])
	return value
}

// parseXMPPTag reads up to the end of the server's next tag.
func parseXMPPTag(h *Hint, c *Conn, in Input) Verdict {
	data := in.Data[:min(len(in.Data), xmppMaxHeader)]
	tag, rest, whole := bytes.Cut(data, []byte(">"))
	left := &c.Left[in.Side&1]
	switch {
	case !whole && len(data) < xmppMaxHeader:
		return moreUnless(in.Final)
	case !whole || *left == xmppMaxTags:
		h.Next = Stop
		return Done
	}
	*left++
	h.Next = len(data) - len(rest)
	tag = bytes.TrimLeft(tag, " \t\r\n")
	empty := bytes.HasPrefix(tag, []byte("<proceed")) && bytes.HasSuffix(tag, []byte("/"))
	h.Switch = empty || string(tag) == "</proceed"
	return Done
}

// Keys of the fields.
var (
	keyNamespace = KeyOf("namespace")
)
