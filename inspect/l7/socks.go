package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// SOCKS 5 (RFC 1928, RFC 1929) and SOCKS 4 with 4A. The client's request and the server's reply make one event. The requested
// connection follows a reply that grants it.
//
// The client's greeting in version 5 is too short to be recognized. It is read together with the request, which follows the
// server's choice of a method. Methods that wrap the rest of the connection, such as GSS-API, are not read.
//
// Conn.Mode is what the client asked for. The other fields of Conn are not used.

// Values of Conn.Mode: the version, and whether a connection to the target was asked for.
const (
	socksNothing uint8 = iota
	socks4
	socks5
	socksConnect uint8 = 1 << 7
)

// Commands; RFC 1928 section 4.
const (
	socksCmdConnect   = 1
	socksCmdBind      = 2
	socksCmdAssociate = 3
)

var socksCommands = [...]string{socksCmdConnect: "connect", socksCmdBind: "bind", socksCmdAssociate: "udp_associate"}

// Methods of authentication; RFC 1928 section 3.
const (
	socksNoAuth     = 0
	socksPassword   = 2
	socksMaxMethod  = 9 // the registered ones
	socksMaxMethods = socksMaxMethod + 1
)

// Types of address; RFC 1928 section 5.
const (
	socksIPv4   = 1
	socksDomain = 3
	socksIPv6   = 4
)

func parseSOCKS(h *Hint, c *Conn, in Input) Verdict {
	if asked := c.Mode[1^in.Side&1]; asked != socksNothing {
		return parseSOCKSReply(h, asked, in)
	}
	r := wire.New(in.Data)
	var s socksRequest
	switch version := r.U8(); {
	case !r.OK():
		return moreUnless(in.Final)
	case version == 5:
		s.read5(&r)
	case version == 4:
		s.read4(&r)
	default:
		return Reject
	}
	switch {
	case s.wrong:
		return Reject
	case !r.OK():
		return moreUnless(in.Final)
	}
	c.Mode[in.Side&1] = s.version
	if s.command == socksCmdConnect {
		c.Mode[in.Side&1] |= socksConnect
	}
	h.Role, h.Next = Request, len(in.Data)-r.Len()
	s.print(h)
	return Done
}

type socksRequest struct {
	version, command uint8
	host, addr       []byte // a name, or an address of 4 or 16 bytes
	port             uint16
	user             []byte
	wrong            bool // it cannot be the start of a request
}

// must marks the request as wrong if a value that was read is not ok.
func (s *socksRequest) must(r *wire.Cursor, ok bool) { s.wrong = s.wrong || r.OK() && !ok }

func (s *socksRequest) read5(r *wire.Cursor) {
	s.version = socks5
	n := int(r.U8())
	if r.OK() && n == 0 {
		s.wait(r)
		return
	}
	s.must(r, n <= socksMaxMethods)
	for range min(n, socksMaxMethods) {
		method := r.U8()
		s.must(r, method <= socksMaxMethod || method >= 0x80)
	}
	next := r.U8()
	if r.OK() && next == 1 { // name and password; RFC 1929 section 2
		s.user = r.Bytes(int(r.U8()))
		r.Skip(int(r.U8()))
		s.must(r, len(s.user) > 0)
		next = r.U8()
	}
	s.must(r, next == 5)
	s.command = r.U8()
	s.must(r, s.command >= socksCmdConnect && s.command <= socksCmdAssociate)
	reserved := r.U8()
	s.must(r, reserved == 0)
	s.readAddress(r)
	s.port = r.U16()
}

// wait waits for more of bytes that begin with 5 and 0, since they may be a server's choice of a method. The client's request,
// which the server waits for, decides.
func (s *socksRequest) wait(r *wire.Cursor) {
	next := r.U8()
	s.must(r, next == 5)
	r.Fail()
}

func (s *socksRequest) readAddress(r *wire.Cursor) {
	switch typ := r.U8(); typ {
	case socksIPv4:
		s.addr = r.Bytes(4)
	case socksIPv6:
		s.addr = r.Bytes(16)
	case socksDomain:
		s.host = r.Bytes(int(r.U8()))
		s.must(r, socksHost(s.host))
	default:
		s.must(r, false)
	}
}

// read4 reads a request of version 4, in which a name follows an address 0.0.0.x.
func (s *socksRequest) read4(r *wire.Cursor) {
	s.version = socks4
	s.command = r.U8()
	s.must(r, s.command == socksCmdConnect || s.command == socksCmdBind)
	s.port = r.U16()
	s.must(r, s.port != 0)
	s.addr = r.Bytes(4)
	number := wire.New(s.addr)
	ip := number.U32()
	named := ip > 0 && ip <= 0xff
	s.must(r, named || ip>>24 != 0)
	s.user = s.readText(r)
	if named {
		s.addr = nil
		s.host = s.readText(r)
		s.must(r, socksHost(s.host))
	}
}

// readText reads a text up to a zero byte.
func (s *socksRequest) readText(r *wire.Cursor) []byte {
	text, _, whole := bytes.Cut(r.Rest(), []byte{0})
	s.must(r, len(text) == 0 || isText(text) && len(text) <= 255)
	if !whole {
		r.Fail()
		return nil
	}
	r.Skip(len(text) + 1)
	return text
}

// socksHost reports whether a name can be a host name, or an address as text.
func socksHost(name []byte) bool {
	for _, b := range name {
		if !isAlphanumeric(b) && b != '.' && b != '-' && b != '_' && b != ':' {
			return false
		}
	}
	return len(name) > 0
}

func (s *socksRequest) print(h *Hint) {
	h.Credentials = s.version == socks5 && len(s.user) > 0
	h.Int(keyVersion, int64(s.version-socks4)+4)
	h.Const(keyCommand, socksCommands[s.command])
	printText(h, keyHost, s.host)
	h.addrStr(keyAddress, s.addr)
	h.Int(keyPort, int64(s.port))
	printText(h, keyUser, s.user)
}

// parseSOCKSReply reads the server's replies up to the one to the request, with the negotiation of methods before it.
func parseSOCKSReply(h *Hint, asked uint8, in Input) Verdict {
	r := wire.New(in.Data)
	status, granted, ok := uint8(0), uint8(0), false
	if asked&^socksConnect == socks4 {
		zero := r.U8()
		status, granted = r.U8(), 90
		r.Skip(2 + 4)
		ok = zero == 0 && status >= 90 && status <= 93
	} else {
		status, ok = readSOCKS5Reply(&r)
	}
	switch {
	case !r.OK():
		return moreUnless(in.Final)
	case !ok:
		return Reject
	}
	h.Role, h.Next = Response, Stop
	h.Int(keyReply, int64(status))
	if status == granted && asked&socksConnect != 0 {
		h.Switch, h.Next = true, len(in.Data)-r.Len()
	}
	return Done
}

func readSOCKS5Reply(r *wire.Cursor) (status uint8, ok bool) {
	version, method := r.U8(), r.U8()
	ok = version == 5
	if method == socksPassword {
		accepted := r.U8() == 1 && r.U8() == 0
		ok = ok && accepted
	}
	version, status = r.U8(), r.U8()
	r.U8() // reserved
	ok = ok && version == 5
	var bound socksRequest
	bound.readAddress(r)
	r.U16()
	return status, ok
}
