package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// RDP's connection request and confirm (MS-RDPBCGR section 2.2.1.1): X.224 in TPKT (RFC 1006), with the user's name or the load
// balancer's token in a cookie, and a choice of security protocols. TLS usually follows the confirm.
//
// Other protocols begin with X.224 too. RDP has a cookie or a negotiation request. Conn.Mode is whether the client sent its
// request.

const rdpAsked = 1

const (
	tpktVersion   = 3
	tpktHeader    = 4
	x224Request   = 0xe0 // TPDU codes
	x224Confirm   = 0xd0
	x224Fixed     = 6 // code, two references, class
	maxRDPRequest = 512

	rdpNegotiate   = 1 // types of the negotiation at the end
	rdpNegotiated  = 2
	rdpFailure     = 3
	rdpNegotiation = 8 // bytes of it
)

// rdpCookies begin the first line of a request; the second is the name of a user.
const (
	rdpToken  = "Cookie: msts="
	rdpCookie = "Cookie: mstshash="
)

func parseRDP(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	if c.Mode[1^side] == rdpAsked {
		return parseRDPConfirm(h, in)
	}
	data, _, v := readX224(in, x224Request)
	if v != Done {
		return v
	}
	cookie, token := rdpCookieLine(&data)
	typ, flags, size, protocols := data.U8(), data.U8(), data.U16LE(), data.U32LE()
	asks := data.OK() && typ == rdpNegotiate && size == rdpNegotiation
	if cookie == nil && token == nil && !asks {
		return Reject
	}
	c.Mode[side] = rdpAsked
	h.Role, h.Next = Request, Stop
	h.Const(keyEventType, "initial_request")
	if cookie != nil {
		h.Str(keyCookie, cookie)
	}
	if token != nil {
		h.Str(keyRoutingToken, token)
		h.Extra()
	}
	if asks {
		h.Int(keyRequestedProtocols, int64(protocols))
		h.Extra()
		printRDPFlags(h, flags)
	}
	return Done
}

// printRDPFlags prints whether the client asks for restricted admin mode, which leaves no credentials; section 2.2.1.1.1.
func printRDPFlags(h *Hint, flags uint8) {
	if flags&1 != 0 {
		h.True(keyRestrictedAdmin)
		h.Extra()
	}
}

// readX224 returns the data after the fixed part of a complete TPDU with the given code, and the offset of its end.
func readX224(in Input, code uint8) (data wire.Cursor, end int, v Verdict) {
	r := wire.New(in.Data)
	n := r.Len()
	version, reserved, size := r.U8(), r.U8(), int(r.U16())
	length, typ := int(r.U8()), r.U8()
	switch {
	case n >= 1 && version != tpktVersion, n >= 2 && reserved != 0,
		n >= 4 && (size < tpktHeader+1+x224Fixed || size > maxRDPRequest),
		n >= 5 && length != size-tpktHeader-1, n >= 6 && typ != code:
		return data, 0, Reject
	case n < 6:
		return data, 0, moreUnless(in.Final)
	}
	body := r.Sub(size - tpktHeader - 2)
	body.Skip(x224Fixed - 2)
	class := body.U8()
	switch {
	case !r.OK():
		return data, 0, moreUnless(in.Final)
	case class != 0:
		return data, 0, Reject
	}
	return body, size, Done
}

// rdpCookieLine reads the line of text at the front, if there is one.
func rdpCookieLine(r *wire.Cursor) (user, token []byte) {
	line, _, ok := bytes.Cut(r.Rest(), []byte("\r\n"))
	if !ok {
		return nil, nil
	}
	if user, ok = bytes.CutPrefix(line, []byte(rdpCookie)); ok {
		r.Skip(len(line) + 2)
		return user, nil
	}
	if token, ok = bytes.CutPrefix(line, []byte(rdpToken)); ok {
		r.Skip(len(line) + 2)
		return nil, token
	}
	return nil, nil
}

func parseRDPConfirm(h *Hint, in Input) Verdict {
	data, end, v := readX224(in, x224Confirm)
	if v != Done {
		return v
	}
	typ := data.U8()
	data.Skip(1 + 2) // flags, size
	value := data.U32LE()
	h.Role, h.Next = Response, Stop
	switch {
	case !data.OK(): // standard security, from before the negotiation existed
	case typ == rdpNegotiated:
		h.Int(keySelectedProtocol, int64(value))
		h.Extra()
		if value != 0 {
			h.Next, h.Switch = end, true
		}
	case typ == rdpFailure:
		h.Int(keyFailureCode, int64(value))
		h.Extra()
	}
	return Done
}

// Keys of the fields.
var (
	keyCookie             = KeyOf("cookie")
	keyEventType          = KeyOf("event_type")
	keyFailureCode        = KeyOf("failure_code")
	keyRequestedProtocols = KeyOf("requested_protocols")
	keyRestrictedAdmin    = KeyOf("restricted_admin")
	keyRoutingToken       = KeyOf("routing_token")
	keySelectedProtocol   = KeyOf("selected_protocol")
)
