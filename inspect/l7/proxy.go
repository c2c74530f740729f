package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// PROXY protocol (HAProxy's specification, versions 1 and 2). Load balancers and proxies put it before the first message of a TCP
// connection, with the addresses of the client's own connection. It is an event of its own, and any protocol may follow.
//
// No field of Conn is used.

const (
	proxySignature = "\r\n\r\n\x00\r\nQUIT\n" // of version 2
	proxyWord      = "PROXY "                 // of version 1

	maxProxyLine   = 107     // bytes with the line's end; section 2.1
	maxProxyHeader = 4 << 10 // bytes of addresses and other values in version 2; senders stay below 600

	proxyLocal = 0x20 // version and command; section 2.2
	proxyProxy = 0x21
)

// Values that may follow the addresses in version 2; section 2.2.
const (
	proxyALPN      = 0x01
	proxyAuthority = 0x02
	proxyAWS       = 0xea
	proxyAWSVPCE   = 1 // the ID of a VPC endpoint
)

func parseProxy(h *Hint, _ *Conn, in Input) Verdict {
	switch {
	case fits(in.Data, proxySignature):
		return parseProxy2(h, in)
	case fits(in.Data, proxyWord):
		return parseProxy1(h, in)
	}
	return Reject
}

// beginsProxy requires all of what does not vary.
func beginsProxy(b []byte) bool {
	return bytes.HasPrefix(b, []byte(proxySignature)) || bytes.HasPrefix(b, []byte(proxyWord)) && proxyFamily(b[len(proxyWord):])
}

// proxyFamily reports whether a line of version 1 goes on with the name of a family.
func proxyFamily(b []byte) bool {
	return bytes.HasPrefix(b, []byte("TCP4 ")) || bytes.HasPrefix(b, []byte("TCP6 ")) || bytes.HasPrefix(b, []byte("UNKNOWN"))
}

// parseProxy1 reads a line such as "PROXY TCP4 192.0.2.1 198.51.100.2 50000 443". Behind UNKNOWN anything may stand.
func parseProxy1(h *Hint, in Input) Verdict {
	lines := textLines{in.Data[:min(len(in.Data), maxProxyLine)]}
	line, v := lines.text()
	switch {
	case v == More && len(in.Data) >= maxProxyLine:
		return Reject
	case v != Done:
		return finalVerdict(v, in.Final)
	}
	p, ok := readProxyLine(line)
	if !ok {
		return Reject
	}
	beginProxy(h, 1, lines.end(in.Data[:min(len(in.Data), maxProxyLine)]))
	if p.src != nil {
		h.Str(keySrcIP, p.src)
		h.Int(keySrcPort, p.srcPort)
		h.Str(keyDestIP, p.dst)
		h.Int(keyDestPort, p.dstPort)
	}
	return Done
}

// proxyLine has the addresses of a header of version 1, nil if they are not known.
type proxyLine struct {
	src, dst         []byte
	srcPort, dstPort int64
}

func readProxyLine(line []byte) (p proxyLine, ok bool) {
	var words [6][]byte
	n := 0
	for rest, more := line, true; more && n < len(words); n++ {
		words[n], rest, more = bytes.Cut(rest, []byte(" "))
	}
	isAddr := isIPv4Text
	switch string(words[1]) {
	case "UNKNOWN":
		return p, true
	case "TCP6":
		isAddr = isIPv6Text
	case "TCP4":
	default:
		return p, false
	}
	from, fromOK := parseNumber(words[4], 10)
	to, toOK := parseNumber(words[5], 10)
	p = proxyLine{words[2], words[3], from, to}
	return p, n == len(words) && isAddr(p.src) && isAddr(p.dst) && fromOK && toOK && from <= 0xffff && to <= 0xffff
}

// beginProxy fills in what both versions have. The header ends at next.
func beginProxy(h *Hint, version int64, next int) {
	h.Role, h.Next, h.Switch = Request, next, true
	h.Int(keyVersion, version)
}

// isIPv4Text reports whether a text can be an IPv4 address: four numbers with dots between them.
func isIPv4Text(b []byte) bool {
	dots := 0
	for more := true; more; dots++ {
		var digits []byte
		digits, b, more = bytes.Cut(b, []byte("."))
		if n, ok := parseNumber(digits, 10); !ok || n > 255 {
			return false
		}
	}
	return dots == 4
}

// isIPv6Text reports whether a text can be an IPv6 address: it has nothing but hexadecimal digits, at least two colons, and dots.
func isIPv6Text(b []byte) bool {
	colons := 0
	for _, c := range b {
		if c == ':' {
			colons++
		} else if digitValue(c) > 15 && c != '.' {
			return false
		}
	}
	return colons >= 2 && len(b) <= len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
}

// parseProxy2 reads a binary header. The command LOCAL is for the proxy's own connections, such as health checks: what follows it is to be
// ignored.
func parseProxy2(h *Hint, in Input) Verdict {
	r := wire.New(in.Data)
	r.Skip(min(len(in.Data), len(proxySignature)))
	n := r.Len()
	command, family, size := r.U8(), r.U8(), int(r.U16())
	switch {
	case n >= 1 && command != proxyLocal && command != proxyProxy, n >= 2 && (family>>4 > 3 || family&0xf > 2),
		n >= 4 && size > maxProxyHeader:
		return Reject
	case !r.OK() || r.Len() < size:
		return moreUnless(in.Final)
	}
	body := r.Sub(size)
	return printProxy2(h, command, family>>4, body, len(in.Data)-r.Len())
}

// Families of addresses in version 2; section 2.2.
const (
	proxyIPv4 = 1
	proxyIPv6 = 2
)

// printProxy2 prints a header whose end is at next.
func printProxy2(h *Hint, command, family uint8, body wire.Cursor, next int) Verdict {
	length := [...]int{0, 4, 16, 108}[family]
	src, dst := body.Bytes(length), body.Bytes(length)
	var from, to uint16
	if family == proxyIPv4 || family == proxyIPv6 {
		from, to = body.U16(), body.U16()
	}
	if !body.OK() && command == proxyProxy {
		return Reject
	}
	beginProxy(h, 2, next)
	if command == proxyLocal {
		h.Const(keyCommand, "local")
		return Done
	}
	h.Const(keyCommand, "proxy")
	if family == proxyIPv4 || family == proxyIPv6 {
		h.addrStr(keySrcIP, src)
		h.Int(keySrcPort, int64(from))
		h.addrStr(keyDestIP, dst)
		h.Int(keyDestPort, int64(to))
	}
	printProxyValues(h, body)
	return Done
}

// printProxyValues prints the first authority, protocol and VPC endpoint among the values behind the addresses.
func printProxyValues(h *Hint, values wire.Cursor) {
	var authority, alpn, endpoint []byte
	for values.Len() >= 3 {
		typ, size := values.U8(), int(values.U16())
		value := values.Bytes(size)
		switch {
		case typ == proxyAuthority && authority == nil:
			authority = value
		case typ == proxyALPN && alpn == nil:
			alpn = value
		case typ == proxyAWS && endpoint == nil && len(value) > 1 && value[0] == proxyAWSVPCE:
			endpoint = value[1:]
		}
	}
	printText(h, keyAuthority, authority)
	printText(h, keyALPN, alpn)
	printText(h, keyVPCEndpoint, endpoint)
}

// Keys of the fields.
var (
	keyALPN        = KeyOf("alpn")
	keyAuthority   = KeyOf("authority")
	keyDestIP      = KeyOf("dest_ip")
	keyDestPort    = KeyOf("dest_port")
	keySrcIP       = KeyOf("src_ip")
	keySrcPort     = KeyOf("src_port")
	keyVPCEndpoint = KeyOf("vpc_endpoint_id")
)
