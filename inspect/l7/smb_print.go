package l7

import (
	"bytes"
	"encoding/hex"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// maxSMBDialects bounds the list of dialects. There are a dozen of SMB 1, and five of SMB 2 and 3.
const maxSMBDialects = 32

// printSMB1Negotiate prints the dialects that a client offers. Each is between a byte 2 and a NUL.
func printSMB1Negotiate(h *Hint, body wire.Cursor) {
	body.Skip(2 * int(body.U8())) // words
	list := body.Upto(int(body.U16LE()))
	mark := h.openList(keyClientDialects)
	for n := 0; !list.Empty() && n < maxSMBDialects; n++ {
		format, name := list.U8(), list.CString()
		if list.OK() && format == 2 {
			h.Str(element, name)
		}
	}
	h.closeList(mark)
}

// printSMB2Negotiate prints a client's dialects and GUID; MS-SMB2 section 2.2.3.
func printSMB2Negotiate(h *Hint, body wire.Cursor) {
	body.Skip(2) // structure size
	count := int(body.U16LE())
	body.Skip(2 + 2 + 4) // security mode, reserved, capabilities
	guid := body.Bytes(16)
	body.Skip(8) // negotiate contexts, or the client's start time
	mark := h.openList(keyClientDialects)
	for n := 0; n < min(count, maxSMBDialects) && body.Len() >= 2; n++ {
		h.Const(element, smb2Dialect(body.U16LE()))
	}
	h.closeList(mark)
	printGUID(h, keyClientGUID, guid)
}

// printSMB2Dialect prints the dialect that a server chose, its GUID and its limits; MS-SMB2 section 2.2.4.
func printSMB2Dialect(h *Hint, body wire.Cursor) {
	body.Skip(2 + 2) // structure size, security mode
	dialect := body.U16LE()
	body.Skip(2) // count of negotiate contexts
	guid := body.Bytes(16)
	body.Skip(4 + 4) // capabilities, longest transaction
	read, write := body.U32LE(), body.U32LE()
	if !body.OK() {
		return // an error has another body
	}
	h.Const(keyDialect, smb2Dialect(dialect))
	printGUID(h, keyServerGUID, guid)
	h.Int(keyMaxReadSize, int64(read))
	h.Int(keyMaxWriteSize, int64(write))
}

func smb2Dialect(d uint16) string {
	switch d {
	case 0x0202:
		return "2.02"
	case 0x0210:
		return "2.10"
	case 0x02ff:
		return "2.??" // any of SMB 2, in the response to a client that uses SMB 1
	case 0x0300:
		return "3.00"
	case 0x0302:
		return "3.02"
	case 0x0311:
		return "3.11"
	}
	return "unknown"
}

// printGUID prints a GUID. Its first three parts are little-endian.
func printGUID(h *Hint, key Key, b []byte) {
	if len(b) != 16 {
		return
	}
	order := [...]int{3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15}
	start := len(h.scratch)
	for _, i := range order {
		if i < 0 {
			h.scratch = append(h.scratch, '-')
		} else {
			h.scratch = hex.AppendEncode(h.scratch, b[i:i+1])
		}
	}
	h.Str(key, h.since(start))
}

// printSMB2Tree prints the share that a client asks for; MS-SMB2 section 2.2.9.
func (m *smbMessage) printSMB2Tree(h *Hint) {
	m.body.Skip(2 + 2) // structure size, flags
	offset, size := int(m.body.U16LE()), int(m.body.U16LE())
	r := m.start
	r.Skip(offset)
	if path := r.Upto(size); m.body.OK() && !path.Empty() {
		h.Str(keyShare, h.utf16Text(path))
	}
}

// printSMB1Tree prints the share and the kind of service that a client asks for; MS-CIFS section 2.2.4.55.1.
func (m *smbMessage) printSMB1Tree(h *Hint) {
	words := m.body.Sub(2 * int(m.body.U8()))
	words.Skip(4 + 2) // AndX, flags
	password := int(words.U16LE())
	m.body.Skip(2 + password)
	if !words.OK() || !m.body.OK() {
		return
	}
	if !m.unicode {
		h.Str(keyShare, m.body.CString())
		return
	}
	if (m.start.Len()-m.body.Len())%2 != 0 {
		m.body.Skip(1) // UTF-16 begins at an even offset
	}
	end := m.body
	size := 0
	for end.Len() >= 2 && end.U16LE() != 0 {
		size += 2
	}
	h.Str(keyShare, h.utf16Text(m.body.Sub(size)))
}

// NTLM's message with the identity of a client; MS-NLMP section 2.2.1.3.
const (
	ntlmSignature    = "NTLMSSP\x00"
	ntlmAuthenticate = 3
	ntlmUnicode      = 1 // a flag
)

// printNTLM prints user, domain and host of an NTLM message, which is at any offset in a session setup.
func printNTLM(h *Hint, body wire.Cursor) {
	i := bytes.Index(body.Rest(), []byte(ntlmSignature))
	if i < 0 {
		return
	}
	body.Skip(i)
	start := body
	body.Skip(len(ntlmSignature))
	typ := body.U32LE()
	body.Skip(8 + 8) // responses
	var field [3]wire.Cursor
	for f := range field {
		size, _, offset := int(body.U16LE()), body.U16LE(), int(body.U32LE())
		at := start
		at.Skip(offset)
		field[f] = at.Upto(size)
	}
	body.Skip(8) // session key
	flags := body.U32LE()
	if !body.OK() || typ != ntlmAuthenticate {
		return
	}
	h.Object(keyNTLMSSP)
	for f, key := range [...]Key{keyDomain, keyUser, keyHost} {
		if flags&ntlmUnicode != 0 {
			h.Str(key, h.utf16Text(field[f]))
		} else {
			h.Str(key, field[f].Rest())
		}
	}
	h.End()
}
