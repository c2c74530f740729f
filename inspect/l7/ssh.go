package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// SSH (RFC 4253). Each side sends its version and its offer for the key exchange, from which HASSH is computed
// (github.com/salesforce/hassh). Client and server make one event. The rest of the connection is encrypted.
//
// Both sides send the same kinds of message, in any order. The type of the packet after the offer shows which side is the
// client, since only the client starts the exchange; the parser waits for this packet. If there is none, and the offer does not
// show it either, the client is the side that opened the connection.
//
// Conn.Mode is the role of each side. The other fields of Conn are not used.

// Values of Conn.Mode.
const (
	sshUnknown uint8 = iota
	sshClient
	sshServer
)

const (
	sshMaxVersion = 255   // bytes of the version line; RFC 4253 section 4.2
	sshMaxPacket  = 35000 // bytes; RFC 4253 section 6.1
)

func parseSSH(h *Hint, c *Conn, in Input) Verdict {
	if !fits(in.Data, "SSH-#.#") {
		return Reject
	}
	front := in.Data[:min(len(in.Data), sshMaxVersion)]
	l := textLines{front}
	line, v := l.text()
	switch {
	case v == More && len(front) < sshMaxVersion:
		return moreUnless(in.Final)
	case v != Done, len(line) < len("SSH-#.#-"):
		return Reject
	}
	version, software, ok := bytes.Cut(line[len("SSH-"):], []byte("-"))
	if !ok {
		return Reject
	}
	var offer sshOffer
	if !offer.read(wire.New(in.Data[l.end(front):])) && !in.Final {
		return More
	}
	side := in.Side & 1
	c.Mode[side] = offer.sender(c.Mode[1^side])
	if c.Mode[side] == sshUnknown {
		c.Mode[side] = sshOpener(in)
	}
	printSSH(h, c.Mode[side], version, software, &offer)
	return Done
}

func printSSH(h *Hint, sender uint8, version, software []byte, offer *sshOffer) {
	h.Next = Stop
	switch sender {
	case sshClient:
		h.Role = Request
		h.Object(keyClient)
	case sshServer:
		h.Role = Response
		h.Object(keyServer)
	default:
		h.Role = Interim
		return
	}
	software, comment, _ := bytes.Cut(software, []byte(" "))
	h.Str(keyProtoVersion, version)
	h.Str(keySoftwareVersion, software)
	if len(comment) > 0 {
		h.Str(keyComment, comment)
		h.Extra()
	}
	offer.printHASSH(h, sender)
	h.End()
}

// Message numbers; RFC 4250 section 4.1.2, RFC 4419 section 5, RFC 4462 section 2.
const (
	sshKexInit        = 20
	sshKexDHInit      = 30 // and all other methods' first message
	sshKexDHReply     = 31
	sshKexDHGexAsk    = 34
	sshKexGSSGexAsk   = 40
	sshKexGSSGexReply = 41
)

// sshOffer is the packet SSH_MSG_KEXINIT (RFC 4253 section 7.1), and the type of the packet after it.
type sshOffer struct {
	kex, ciphers, macs, compressions []byte    // lists of names; lists by direction are those from client to server
	replies                          [3][]byte // ciphers, macs, compressions from server to client
	whole                            bool
	then                             uint8
}

// read reads the offer and reports whether the parser has enough bytes.
func (o *sshOffer) read(r wire.Cursor) (enough bool) {
	body, typ, ok := sshPacket(&r)
	if typ != sshKexInit || !ok {
		return ok || typ != 0 && typ != sshKexInit
	}
	body.Skip(16) // cookie
	o.kex = sshNames(&body)
	sshNames(&body) // host keys
	o.ciphers, o.replies[0] = sshNames(&body), sshNames(&body)
	o.macs, o.replies[1] = sshNames(&body), sshNames(&body)
	o.compressions, o.replies[2] = sshNames(&body), sshNames(&body)
	if o.whole = body.OK(); !o.whole {
		return true
	}
	_, o.then, ok = sshPacket(&r)
	return ok || o.then != 0
}

// sshPacket reads an unencrypted packet. ok reports that it is complete, or no packet at all. typ is 0 as long as the type is
// missing.
func sshPacket(r *wire.Cursor) (body wire.Cursor, typ uint8, ok bool) {
	size := int(r.U32())
	if r.OK() && (size < 2 || size > sshMaxPacket) {
		return body, 0, true
	}
	body = r.Upto(size)
	whole := body.Len() == size
	body.U8() // padding length; the padding is at the end
	typ = body.U8()
	return body, typ, r.OK() && whole
}

func sshNames(r *wire.Cursor) []byte { return r.Bytes(int(r.U32())) }

// sender returns the role of the offer's sender. other is the role of the other side.
func (o *sshOffer) sender(other uint8) uint8 {
	switch {
	case o.then == sshKexDHInit, o.then == sshKexDHGexAsk, o.then == sshKexGSSGexAsk:
		return sshClient
	case o.then == sshKexDHReply, o.then == sshKexGSSGexReply:
		return sshServer
	case sshOffers(o.kex, "ext-info-c"), sshOffers(o.kex, "kex-strict-c-v00@openssh.com"): // RFC 8308 section 2.1
		return sshClient
	case sshOffers(o.kex, "ext-info-s"), sshOffers(o.kex, "kex-strict-s-v00@openssh.com"):
		return sshServer
	case other == sshServer:
		return sshClient
	case other == sshClient:
		return sshServer
	}
	return sshUnknown
}

// sshOpener returns the role of a side according to which side opened the connection.
func sshOpener(in Input) uint8 {
	switch {
	case in.Opener[in.Side&1]:
		return sshClient
	case in.Opener[1^in.Side&1]:
		return sshServer
	}
	return sshUnknown
}

func sshOffers(list []byte, name string) bool {
	for more := true; more; {
		var item []byte
		item, list, more = bytes.Cut(list, []byte(","))
		if string(item) == name {
			return true
		}
	}
	return false
}

// printHASSH prints the object hassh of a complete offer: key exchange, encryption, authentication, compression, in the sender's
// direction.
func (o *sshOffer) printHASSH(h *Hint, sender uint8) {
	if !o.whole {
		return
	}
	lists := [...][]byte{o.kex, o.ciphers, o.macs, o.compressions}
	if sender == sshServer {
		copy(lists[1:], o.replies[:])
	}
	start := len(h.scratch)
	for i, list := range lists {
		if i > 0 {
			h.scratch = append(h.scratch, ';')
		}
		h.scratch = append(h.scratch, list...)
	}
	printMD5(h, keyHassh, h.since(start))
}

// Keys of the fields.
var (
	keyComment      = KeyOf("comment")
	keyHassh        = KeyOf("hassh")
	keyProtoVersion = KeyOf("proto_version")
)
