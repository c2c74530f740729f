package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// OpenVPN (openvpn.net, ssl.h and the draft of its wire protocol). Each packet begins with an opcode of 5 bits and a key number
// of 3 bits; over TCP it follows its length. A connection begins with a hard reset of the client, then of the server:
//
//	opcode and key | session ID (64) | fields of tls-auth or tls-crypt | acknowledgments | packet ID (32)
//
// Without tls-auth or tls-crypt all fields but the session ID have known values. With them a packet counter, which begins with
// 1, and a time are at known offsets, which depend on the digest's size.
const (
	ovpnClientReset   = 7 << 3 // P_CONTROL_HARD_RESET_CLIENT_V2, with key 0
	ovpnServerReset   = 8 << 3
	ovpnClientResetV3 = 10 << 3 // for tls-crypt-v2, followed by the client's wrapped key

	ovpnSessionID = 8
	ovpnMaxPacket = 2 << 10 // of a hard reset, with a wrapped key

	// The SHA-256 of tls-crypt, before the packet's ciphertext.
	ovpnCryptTag = 32
	// The start of the counter if the client can answer the server's cookie (since 2.6).
	ovpnEarlyNegotiation = 0x0f000000
)

// ovpnDigests are the sizes of tls-auth's HMAC, with the usual function of each size.
var ovpnDigests = [...]struct {
	size       int
	protection string
}{{20, "tls-auth sha1"}, {32, "tls-auth sha256"}, {64, "tls-auth sha512"}, {16, "tls-auth md5"}, {48, "tls-auth sha384"},
	{28, "tls-auth sha224"}}

func parseOpenVPN(h *Hint, _ *Conn, in Input) Verdict {
	if !parseOpenVPNReset(h, in.Data) {
		return Reject
	}
	h.Next = len(in.Data)
	if h.Role == Response {
		h.Next = Stop
	}
	return Done
}

func parseOpenVPNStream(h *Hint, _ *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	n := r.Len()
	size, opcode := int(r.U16()), r.U8()
	packet := wire.New(in.Data)
	packet.Skip(min(2, n))
	switch {
	case n >= 2 && (size < minOVPNReset || size > ovpnMaxPacket),
		n >= 3 && opcode != ovpnClientReset && opcode != ovpnServerReset && opcode != ovpnClientResetV3:
		return Reject
	case n < 2+size || n < 2:
		return moreUnless(in.Final)
	case !parseOpenVPNReset(h, packet.Bytes(size)):
		return Reject
	}
	h.Next = Stop
	return Done
}

// minOVPNReset is the size of a client's hard reset without any protection.
const minOVPNReset = 1 + ovpnSessionID + 1 + 4

// parseOpenVPNReset reads a hard reset.
func parseOpenVPNReset(h *Hint, b []byte) bool {
	r := wire.New(b)
	opcode, session := r.U8(), r.Bytes(ovpnSessionID)
	switch {
	case session == nil || !isNoise(session):
		return false
	case opcode == ovpnServerReset:
		h.Role = Response
	case opcode == ovpnClientReset || opcode == ovpnClientResetV3:
		h.Role = Request
	default:
		return false
	}
	protection := ovpnProtection(r, opcode)
	if protection == "" {
		return false
	}
	h.Int(keyOpcode, int64(opcode>>3))
	h.hexStr(keySessionID, session)
	h.Const(keyProtection, protection)
	return true
}

// ovpnProtection returns how control packets are protected, from the fields after a hard reset's session ID; empty if these are
// invalid.
func ovpnProtection(r wire.Cursor, opcode uint8) string {
	switch plain := r; {
	case opcode == ovpnClientResetV3:
		if ovpnCounter(&r) && r.Len() > ovpnCryptTag+5 && isNoise(r.Bytes(ovpnCryptTag)) {
			return "tls-crypt-v2"
		}
		return ""
	case ovpnTail(&plain, opcode):
		return "none"
	}
	for _, d := range ovpnDigests {
		auth := r
		digest := auth.Sub(d.size)
		if ovpnCounter(&auth) && ovpnTail(&auth, opcode) && isNoise(digest.Rest()) {
			return d.protection
		}
	}
	if ovpnCounter(&r) && isNoise(r.Bytes(ovpnCryptTag)) && ovpnHiddenTail(r.Len()) {
		return "tls-crypt"
	}
	return ""
}

// ovpnCounter reads the packet counter and the time, which protect against replay. A hard reset is among the first packets.
func ovpnCounter(r *wire.Cursor) bool {
	const packets, since2001 = 1 << 12, 1e9
	counter, seconds := r.U32()&^ovpnEarlyNegotiation, r.U32()
	return counter > 0 && counter < packets && seconds > since2001
}

// ovpnMaxAcks is the maximum number of acknowledgments in a packet.
const ovpnMaxAcks = 8

// ovpnTail reads acknowledgments and the packet ID of a hard reset, which is 0 and at the packet's end. Only a server has
// packets to acknowledge, and then adds the client's session ID.
func ovpnTail(r *wire.Cursor, opcode uint8) bool {
	if acks := int(r.U8()); acks > 0 {
		if opcode != ovpnServerReset || acks > ovpnMaxAcks {
			return false
		}
		r.Skip(4*acks + ovpnSessionID)
	}
	return r.U32() == 0 && r.OK() && r.Empty()
}

// ovpnHiddenTail reports whether n encrypted bytes of tls-crypt can be a hard reset's tail: with no or one acknowledgment and,
// since 2.6, with 6 bytes that negotiate features.
func ovpnHiddenTail(n int) bool {
	const plain, acked, early = 1 + 4, 1 + 4 + ovpnSessionID + 4, 6
	return n == plain || n == acked || n == plain+early || n == acked+early
}

// Keys of the fields.
var (
	keyProtection = KeyOf("protection")
)
