package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// TFTP (RFC 1350) and its options (RFC 2347). Requests and acknowledgments of options are recognized. The server answers a
// request from another port, so that a transfer is a flow of its own. Its data and other acknowledgments cannot be recognized.

// Operations; RFC 1350 section 5 and RFC 2347.
const (
	tftpRead    = 1
	tftpWrite   = 2
	tftpOptions = 6
)

// parseTFTP reads one message. The rest between the same ports is data.
func parseTFTP(h *Hint, _ *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	switch op := r.U16(); op {
	case tftpRead, tftpWrite:
		return parseTFTPRequest(h, in, op, r.Rest())
	case tftpOptions:
		if known, sound := printTFTPOptions(h, r.Rest()); known == 0 || !sound {
			return Reject
		}
		h.Role, h.Next = Response, Stop
		return Done
	}
	return Reject
}

func parseTFTPRequest(h *Hint, in Input, op uint16, b []byte) Verdict {
	file, b, _ := bytes.Cut(b, []byte{0})
	mode, b, ok := bytes.Cut(b, []byte{0})
	if !ok || !isText(file) || !tftpMode(mode) {
		return Reject
	}
	packet := "read"
	if op == tftpWrite {
		packet = "write"
	}
	h.Role, h.Next = Request, len(in.Data)
	h.Const(keyPacket, packet)
	h.Str(keyFile, file)
	h.Str(keyMode, mode)
	printTFTPOptions(h, b)
	return Done
}

func tftpMode(b []byte) bool {
	for _, mode := range []string{"octet", "netascii", "mail"} {
		if bytes.EqualFold(b, []byte(mode)) {
			return true
		}
	}
	return false
}

// tftpOptionNames are the registered options: RFC 2348, RFC 2349, RFC 7440, RFC 2090.
var tftpOptionNames = [...]Key{keyBlksize, keyTimeout, keyTsize, keyWindowsize, keyMulticast}

// printTFTPOptions adds the registered options, and counts them. sound reports that the bytes are pairs of texts, each followed
// by a zero.
func printTFTPOptions(h *Hint, b []byte) (known int, sound bool) {
	mark := len(h.Fields)
	h.Object(keyOptions)
	h.Extra()
	seen := 0
	for sound = true; sound && len(b) > 0; {
		name, rest, _ := bytes.Cut(b, []byte{0})
		value, rest, ok := bytes.Cut(rest, []byte{0})
		sound = ok && isText(name)
		if i := tftpOption(name); ok && i >= 0 && seen>>i&1 == 0 {
			seen |= 1 << i
			known++
			h.Str(tftpOptionNames[i], value)
		}
		b = rest
	}
	h.closeList(mark)
	return known, sound
}

func tftpOption(name []byte) int {
	for i, s := range tftpOptionNames {
		if bytes.EqualFold(name, []byte(s.String())) {
			return i
		}
	}
	return -1
}

// Keys of the fields.
var (
	keyBlksize    = KeyOf("blksize")
	keyMulticast  = KeyOf("multicast")
	keyPacket     = KeyOf("packet")
	keyTimeout    = KeyOf("timeout")
	keyTsize      = KeyOf("tsize")
	keyWindowsize = KeyOf("windowsize")
)
