package l7

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// smbMessage is the parsed header of either version. start and body alias the input.
type smbMessage struct {
	two      bool // SMB 2 or 3
	command  uint16
	response bool
	status   uint32
	id       uint64
	tree     uint32
	session  uint64
	unicode  bool        // texts are in UTF-16: always in SMB 2, a flag in SMB 1
	start    wire.Cursor // at the header, to which offsets are relative
	body     wire.Cursor // behind the header
}

// Commands that are read; MS-CIFS section 2.2.2.1, MS-SMB2 section 2.2.1.2.
const (
	smb1Negotiate    = 0x72
	smb1SessionSetup = 0x73
	smb1TreeConnect  = 0x75

	smb2Negotiate    = 0
	smb2SessionSetup = 1
	smb2TreeConnect  = 3
	smb2LastCommand  = 0x13
)

const (
	smb1Header   = 32
	smb2Header   = 64
	smb1Response = 0x80   // a flag
	smb1Unicode  = 0x8000 // a flag of the second set
	smb2Response = 1      // a flag
	smbPending   = 0x103  // the response comes later
)

func (m *smbMessage) readSMB1(message wire.Cursor, size int) Verdict {
	r := message
	r.U32()
	command, status := r.U8(), r.U32LE()
	flags, flags2 := r.U8(), r.U16LE()
	r.Skip(2 + 8 + 2) // process ID's high half, signature, reserved
	tree, _, session := r.U16LE(), r.U16LE(), r.U16LE()
	id := r.U16LE()
	if size < smb1Header+3 {
		return Reject
	}
	if !r.OK() {
		return More
	}
	*m = smbMessage{command: uint16(command), response: flags&smb1Response != 0, status: status, id: uint64(id),
		tree: uint32(tree), session: uint64(session), unicode: flags2&smb1Unicode != 0, start: message, body: r}
	return Done
}

func (m *smbMessage) readSMB2(message wire.Cursor, size int) Verdict {
	r := message
	r.U32()
	structure := r.U16LE()
	if size < smb2Header+2 || r.OK() && structure != smb2Header {
		return Reject
	}
	r.Skip(2) // credit charge
	status, command := r.U32LE(), r.U16LE()
	if r.OK() && command > smb2LastCommand {
		return Reject
	}
	r.Skip(2) // credits
	flags := r.U32LE()
	r.Skip(4) // offset of the next message of a compound
	id := r.U64LE()
	r.Skip(4) // reserved
	tree, session := r.U32LE(), r.U64LE()
	r.Skip(16) // signature
	if !r.OK() {
		return More
	}
	*m = smbMessage{two: true, command: command, response: flags&smb2Response != 0, status: status, id: id, tree: tree,
		session: session, unicode: true, start: message, body: r}
	return Done
}

// interesting reports whether the message makes an event.
func (m *smbMessage) interesting() bool {
	return m.name() != "" && !(m.response && m.status == smbPending)
}

// name returns Suricata's name of a command that is read.
func (m *smbMessage) name() string {
	switch {
	case m.two && m.command == smb2Negotiate:
		return "SMB2_COMMAND_NEGOTIATE_PROTOCOL"
	case m.two && m.command == smb2SessionSetup:
		return "SMB2_COMMAND_SESSION_SETUP"
	case m.two && m.command == smb2TreeConnect:
		return "SMB2_COMMAND_TREE_CONNECT"
	case !m.two && m.command == smb1Negotiate:
		return "SMB1_COMMAND_NEGOTIATE_PROTOCOL"
	case !m.two && m.command == smb1SessionSetup:
		return "SMB1_COMMAND_SESSION_SETUP_ANDX"
	case !m.two && m.command == smb1TreeConnect:
		return "SMB1_COMMAND_TREE_CONNECT_ANDX"
	}
	return ""
}

func (m *smbMessage) print(h *Hint) {
	if !m.response {
		h.Role = Request
		h.Int(keyID, int64(m.id))
		h.Const(keyCommand, m.name())
		m.printRequest(h)
		return
	}
	h.Role = Response
	if name := smbStatus[m.status]; name != "" {
		h.Const(keyStatus, name)
	}
	start := len(h.scratch)
	h.scratch = strconv.AppendUint(append(h.scratch, "0x"...), uint64(m.status), 16)
	h.Str(keyStatusCode, h.since(start))
	h.Int(keySessionID, int64(m.session&(1<<63-1)))
	h.Int(keyTreeID, int64(m.tree))
	m.printResponse(h)
}

func (m *smbMessage) printRequest(h *Hint) {
	switch m.name() {
	case "SMB2_COMMAND_NEGOTIATE_PROTOCOL":
		printSMB2Negotiate(h, m.body)
	case "SMB1_COMMAND_NEGOTIATE_PROTOCOL":
		printSMB1Negotiate(h, m.body)
	case "SMB2_COMMAND_TREE_CONNECT":
		m.printSMB2Tree(h)
	case "SMB1_COMMAND_TREE_CONNECT_ANDX":
		m.printSMB1Tree(h)
	default:
		printNTLM(h, m.body)
	}
}

func (m *smbMessage) printResponse(h *Hint) {
	switch m.name() {
	case "SMB2_COMMAND_NEGOTIATE_PROTOCOL":
		printSMB2Dialect(h, m.body)
	case "SMB1_COMMAND_NEGOTIATE_PROTOCOL":
		if m.body.U8() == smb1NTWords {
			h.Const(keyDialect, "NT LM 0.12")
		}
	case "SMB2_COMMAND_TREE_CONNECT":
		m.body.Skip(2)
		if typ := m.body.U8(); typ > 0 && int(typ) < len(smb2Shares) {
			h.Const(keyShareType, smb2Shares[typ])
		}
	}
}

// smb1NTWords is the number of words in the response to a negotiation of NT LM 0.12. Older dialects have fewer.
const smb1NTWords = 17

// smb2Shares are the types of shares; MS-SMB2 section 2.2.10.
var smb2Shares = [...]string{1: "FILE", 2: "PIPE", 3: "PRINT"}

// smbStatus are the statuses of these commands in practice; MS-ERREF section 2.3.
var smbStatus = map[uint32]string{
	0: "STATUS_SUCCESS", 0xc0000016: "STATUS_MORE_PROCESSING_REQUIRED", 0xc000000d: "STATUS_INVALID_PARAMETER",
	0xc0000022: "STATUS_ACCESS_DENIED", 0xc0000064: "STATUS_NO_SUCH_USER", 0xc000006a: "STATUS_WRONG_PASSWORD",
	0xc000006d: "STATUS_LOGON_FAILURE", 0xc000006e: "STATUS_ACCOUNT_RESTRICTION", 0xc0000071: "STATUS_PASSWORD_EXPIRED",
	0xc0000072: "STATUS_ACCOUNT_DISABLED", 0xc00000bb: "STATUS_NOT_SUPPORTED", 0xc00000cc: "STATUS_BAD_NETWORK_NAME",
	0xc000015b: "STATUS_LOGON_TYPE_NOT_GRANTED", 0xc0000203: "STATUS_USER_SESSION_DELETED",
	0xc0000234: "STATUS_ACCOUNT_LOCKED_OUT", 0xc000035c: "STATUS_NETWORK_SESSION_EXPIRED",
}
