package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// SMB 1 (MS-CIFS, MS-SMB) and SMB 2 and 3 (MS-SMB2), over TCP and over NetBIOS sessions (RFC 1002 section 4.3). Each
// negotiation, session setup and tree connect makes one event together with its response: these have the version, the user and
// the share. All other messages are skipped. The header shows which side is the server.
//
// Conn.Left counts the messages of each side, to bound the messages that are read. Mode is whether a side asked for a NetBIOS
// session.

// Types of NetBIOS packets. Over TCP without NetBIOS each message has the same header, with the type 0.
const (
	netbiosMessage   = 0x00
	netbiosRequest   = 0x81
	netbiosAccept    = 0x82
	netbiosRefuse    = 0x83
	netbiosKeepAlive = 0x85
)

const netbiosHeader = 4

// smbAsked is the Mode of a side that asked for a NetBIOS session.
const smbAsked = 1

// Protocol IDs, at the start of messages.
const (
	smb1ID         = 0xff534d42
	smb2ID         = 0xfe534d42
	smb3Encrypted  = 0xfd534d42
	smb3Compressed = 0xfc534d42
)

// maxSMBMessages bounds the messages of each side that are read. Clients ask for the list of a server's shares first, and then
// for one share.
const maxSMBMessages = 16

func parseSMB(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	typ, size := r.U8(), int(r.U24())
	switch {
	case len(in.Data) > 0 && typ == netbiosMessage:
		if !r.OK() {
			return moreUnless(in.Final)
		}
		return parseSMBMessage(h, c, in, size)
	case len(in.Data) > 0 && typ == netbiosRequest:
		return parseNetbiosRequest(h, c, in)
	case !r.OK():
		return rejectUnlessNetbios(typ, c, in)
	case c.Mode[1^in.Side&1] == smbAsked && (typ == netbiosAccept && size == 0 || typ == netbiosRefuse && size == 1),
		c.Left != [2]uint32{} && typ == netbiosKeepAlive && size == 0:
		h.Next = netbiosHeader + size
		return Done
	}
	return Reject
}

// rejectUnlessNetbios returns the verdict on an incomplete header.
func rejectUnlessNetbios(typ uint8, c *Conn, in Input) Verdict {
	asked := c.Mode[1^in.Side&1] == smbAsked && (typ == netbiosAccept || typ == netbiosRefuse)
	if len(in.Data) == 0 || asked || c.Left != [2]uint32{} && typ == netbiosKeepAlive {
		return moreUnless(in.Final)
	}
	return Reject
}

// A name is a length, 32 letters for 16 bytes, and an empty domain name (RFC 1001 section 14.1).
const (
	netbiosLetters     = 32
	netbiosRequestSize = 2 * (1 + netbiosLetters + 1)
)

func parseNetbiosRequest(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	r.U8()
	if size := r.U24(); r.OK() && size != netbiosRequestSize {
		return Reject
	}
	for range 2 {
		length, letters, end := r.U8(), r.Bytes(netbiosLetters), r.U8()
		for _, b := range letters {
			if b < 'A' || b > 'P' {
				return Reject
			}
		}
		if r.OK() && (length != netbiosLetters || end != 0) {
			return Reject
		}
	}
	if !r.OK() {
		return moreUnless(in.Final)
	}
	c.Mode[in.Side&1] = smbAsked
	h.Next = netbiosHeader + netbiosRequestSize
	return Done
}

// parseSMBMessage reads a message of the given size behind its NetBIOS header.
func parseSMBMessage(h *Hint, c *Conn, in Input, size int) Verdict {
	r := wire.New(in.Data)
	r.Skip(netbiosHeader)
	n := r.Len()
	message := r.Upto(size)
	var m smbMessage
	var v Verdict
	body := message
	switch id := body.U32(); {
	case !body.OK():
		return smbIDSoFar(message, n, size, in.Final)
	case id == smb1ID:
		v = m.readSMB1(message, size)
	case id == smb2ID:
		v = m.readSMB2(message, size)
	case id == smb3Encrypted && c.Left != [2]uint32{}:
		h.Next = Stop
		return Done
	case id == smb3Compressed && c.Left != [2]uint32{}:
		h.Next = netbiosHeader + size
		return Done
	default:
		return Reject
	}
	if v == More {
		return moreUnless(in.Final)
	}
	if v == Reject {
		return Reject
	}
	if m.interesting() && message.Len() < size && !in.Final {
		return More
	}
	side := in.Side & 1
	h.Next = netbiosHeader + size
	if c.Left[side]++; c.Left[side] >= maxSMBMessages {
		h.Next = Stop
	}
	if m.interesting() {
		m.print(h)
	}
	return Done
}

// smbIDSoFar returns the verdict on an incomplete protocol ID.
func smbIDSoFar(message wire.Cursor, n, size int, final bool) Verdict {
	for i := 0; !message.Empty(); i++ {
		if b := message.U8(); i == 0 && b < 0xfc || i == 1 && b != 'S' || i == 2 && b != 'M' {
			return Reject
		}
	}
	if n >= size {
		return Reject
	}
	return moreUnless(final)
}

// beginsSMB requires a complete header.
func beginsSMB(b []byte) bool {
	r := wire.New(b)
	typ, size := r.U8(), int(r.U24())
	message := r.Upto(size)
	body := message
	var m smbMessage
	switch id := body.U32(); {
	case typ != netbiosMessage:
		return false
	case id == smb1ID:
		return m.readSMB1(message, size) == Done
	case id == smb2ID:
		return m.readSMB2(message, size) == Done
	}
	return false
}

// Keys of the fields.
var (
	keyClientDialects = KeyOf("client_dialects")
	keyClientGUID     = KeyOf("client_guid")
	keyDialect        = KeyOf("dialect")
	keyMaxReadSize    = KeyOf("max_read_size")
	keyMaxWriteSize   = KeyOf("max_write_size")
	keyNTLMSSP        = KeyOf("ntlmssp")
	keyServerGUID     = KeyOf("server_guid")
	keyShare          = KeyOf("share")
	keyShareType      = KeyOf("share_type")
	keyTreeID         = KeyOf("tree_id")
)
