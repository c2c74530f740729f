package l7

import (
	"encoding/binary"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// WireGuard (https://www.wireguard.com/protocol/). A message's first byte is its type, and the next three are zero. All types
// but the last have a fixed size. The other bytes are random or encrypted.
const (
	wgInitiation = 1
	wgResponse   = 2
	wgCookie     = 3
	wgData       = 4

	wgInitiationSize = 148
	wgResponseSize   = 92
	wgCookieSize     = 64
	wgMinData        = 32 // a keepalive: header and authentication tag
	wgBlock          = 16 // data is padded to a multiple of it

	// A key is used for 3 minutes, with far fewer packets than this.
	wgMaxCounter = 1 << 40
)

// parseWireGuard reads the messages of a handshake. Everything else is encrypted.
func parseWireGuard(h *Hint, _ *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	typ, reserved, index := r.U8(), r.U24(), r.Bytes(4)
	if reserved != 0 || index == nil {
		return Reject
	}
	switch typ {
	case wgInitiation:
		return wgInitiationHint(h, in, index, r)
	case wgResponse:
		return wgResponseHint(h, in, index, r)
	case wgCookie:
		return wgCookieHint(h, in, index, r)
	case wgData:
		return wgDataHint(h, in, r)
	}
	return Reject
}

func wgInitiationHint(h *Hint, in Input, sender []byte, r wire.Cursor) Verdict {
	if len(in.Data) != wgInitiationSize || !isNoise(r.Bytes(32)) {
		return Reject
	}
	h.Role, h.Next = Request, len(in.Data)
	h.Const(keyMessage, "handshake_initiation")
	h.Int(keySender, int64(binary.LittleEndian.Uint32(sender)))
	return Done
}

func wgResponseHint(h *Hint, in Input, sender []byte, r wire.Cursor) Verdict {
	receiver := r.Bytes(4)
	if len(in.Data) != wgResponseSize || !isNoise(r.Bytes(32)) {
		return Reject
	}
	h.Role, h.Next = Response, Stop
	h.Const(keyMessage, "handshake_response")
	h.Int(keySender, int64(binary.LittleEndian.Uint32(sender)))
	h.Int(keyReceiver, int64(binary.LittleEndian.Uint32(receiver)))
	return Done
}

// wgCookieHint reads the reply of a peer under load. Either peer may send it.
func wgCookieHint(h *Hint, in Input, receiver []byte, r wire.Cursor) Verdict {
	if len(in.Data) != wgCookieSize || !isNoise(r.Bytes(24)) || !isNoise(r.Bytes(32)) {
		return Reject
	}
	h.Role, h.Next = Response, len(in.Data)
	h.Const(keyMessage, "cookie_reply")
	h.Int(keyReceiver, int64(binary.LittleEndian.Uint32(receiver)))
	return Done
}

// wgDataHint recognizes a tunnel that was picked up after its handshake. It does not show which side opened the tunnel.
func wgDataHint(h *Hint, in Input, r wire.Cursor) Verdict {
	counter := r.Bytes(8)
	if counter == nil || binary.LittleEndian.Uint64(counter) >= wgMaxCounter || len(in.Data) < wgMinData ||
		len(in.Data)%wgBlock != 0 || !isNoise(r.Rest()[r.Len()-wgBlock:]) {
		return Reject
	}
	h.Role, h.Next = Framing, Stop
	return Done
}

// Keys of the fields.
var (
	keyReceiver = KeyOf("receiver")
	keySender   = KeyOf("sender")
)
