package l7

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// The header of a DNS message (RFC 1035 section 4.1.1), before its four counts:
//
//	 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
//	+-----------------------------------------------+
//	|                      ID                       |
//	|QR|   Opcode  |AA|TC|RD|RA|Z |AD|CD|   RCODE   |
const (
	dnsHeaderLen = 12

	dnsQR = 0x8000
	dnsAA = 0x0400
	dnsTC = 0x0200
	dnsRD = 0x0100
	dnsRA = 0x0080
	dnsZ  = 0x0040

	dnsOpcodeShift = 11
	dnsOpcodeMask  = 0xf
	dnsRcodeMask   = 0xf
)

// Opcodes that are in use; RFC 6895 section 2.2. Inverse queries have been dead since RFC 3425.
const (
	dnsQuery  = 0
	dnsStatus = 2
	dnsNotify = 4
	dnsUpdate = 5
	dnsDSO    = 6 // stateful operations, over TCP only; RFC 8490
)

// Ports that decide where content does not.
const (
	dnsPort     = 53
	netBIOSPort = 137
)

// servicePort reports whether one of a flow's ports is the given one.
func (in *Input) servicePort(port uint16) bool { return in.Ports[0] == port || in.Ports[1] == port }

type dnsHeader struct {
	id, flags                                    uint16
	questions, answers, authorities, additionals int
}

func (hd *dnsHeader) opcode() uint16 { return hd.flags >> dnsOpcodeShift & dnsOpcodeMask }
func (hd *dnsHeader) rcode() uint16  { return hd.flags & dnsRcodeMask }
func (hd *dnsHeader) response() bool { return hd.flags&dnsQR != 0 }
func (hd *dnsHeader) resources() int { return hd.answers + hd.authorities + hd.additionals }

// bare reports whether nothing should follow the header, as in the response to a query that the server could not read.
func (hd *dnsHeader) bare() bool { return hd.questions == 0 && hd.resources() == 0 }

// plausible reports whether the header can be that of a message of size bytes: the opcode is in use, and the questions (of at
// least 5 bytes) and resources (of at least 11) fit.
func (hd *dnsHeader) plausible(size int) bool {
	switch hd.opcode() {
	case dnsQuery, dnsStatus, dnsNotify, dnsUpdate:
	default:
		return false
	}
	if hd.bare() {
		return hd.response() && hd.rcode() != 0
	}
	return dnsHeaderLen+5*hd.questions+11*hd.resources() <= size
}

// maxDNSMessage is the largest message: its length over TCP has 16 bits.
const maxDNSMessage = 1<<16 - 1

// parseDNS reads a message in one datagram: DNS, mDNS (RFC 6762) and LLMNR (RFC 4795). All are reported as dns, since only some
// messages of mDNS, and none of LLMNR, can be recognized by their content: a question for a name of one label may be for the root
// as well. A flow has one protocol, so a distinction would lose messages or depend on chance.
//
// The copy may have been cut, so the counts of the header are compared with the largest message and not with the bytes that are
// there. A question, or else a complete resource, must be readable.
//
// On port 53 a class is any number. The name service of NetBIOS has the same format, and port 137.
func parseDNS(h *Hint, _ *Conn, in Input) Verdict {
	d := dnsMessage{h: h, r: newDNSReader(in.Data), anyClass: in.servicePort(dnsPort)}
	if in.servicePort(netBIOSPort) && !d.anyClass {
		return Reject
	}
	if !d.header(maxDNSMessage) || d.body() != dnsRead {
		return Reject
	}
	h.Next = len(in.Data)
	return Done
}

// parseDNSStream reads a message from a TCP stream, where it follows its length (RFC 1035 section 4.2.2). Every message is an
// event of its own, since responses may come in any order (RFC 7766 section 6.2.1.1).
//
// Conn.Bits is whether a message was read. Behind it a message that cannot be one is skipped by its length, and so are stateful
// operations. Left counts the former ones since the last message: after a few the place is lost.
func parseDNSStream(h *Hint, conn *Conn, in Input) Verdict {
	c := wire.New(in.Data)
	size := int(c.U16())
	if !c.OK() {
		return moreUnless(in.Final)
	}
	complete := c.Len() >= size
	msg := c.Upto(size)
	if isDSO(msg, size) {
		if !complete {
			return moreUnless(in.Final)
		}
		conn.Bits = dnsFound
		h.Role, h.Next = Framing, 2+size
		return Done
	}
	d := dnsMessage{h: h, r: newDNSReader(msg.Rest()), anyClass: in.servicePort(dnsPort)}
	if size < dnsHeaderLen || !d.header(size) {
		return skipDNS(h, conn, in, size)
	}
	switch outcome := d.body(); {
	case outcome == dnsBad, outcome == dnsShort && complete:
		return skipDNS(h, conn, in, size)
	case outcome == dnsShort:
		return moreUnless(in.Final)
	case !complete && !in.Final:
		return More
	}
	conn.Bits, conn.Left[in.Side&1] = dnsFound, 0
	h.Next = 2 + size
	return Done
}

const (
	dnsFound  = 1
	maxDNSBad = 3 // messages in a row
)

// skipDNS skips a message that cannot be one, in a connection of DNS.
func skipDNS(h *Hint, c *Conn, in Input, size int) Verdict {
	left := &c.Left[in.Side&1]
	if c.Bits != dnsFound || *left >= maxDNSBad {
		return Reject
	}
	*left++
	h.Reset()
	h.Role, h.Next = Framing, 2+size
	return Done
}

// isDSO reports whether the available part of a message is one of a stateful operation (RFC 8490 section 5.4): its counts are zero, and
// values with their types and lengths fill it.
func isDSO(msg wire.Cursor, size int) bool {
	whole := msg.Len() == size
	msg.U16() // ID
	flags, counts := msg.U16(), msg.U64()
	hd := dnsHeader{flags: flags}
	if !msg.OK() || hd.opcode() != dnsDSO || counts != 0 || flags&^(dnsQR|dnsOpcodeMask<<dnsOpcodeShift|dnsRcodeMask) != 0 {
		return false
	}
	for whole && !msg.Empty() {
		msg.U16()
		msg.Skip(int(msg.U16()))
	}
	return msg.OK()
}

// dnsMessage reads a message and prints it into a hint.
type dnsMessage struct {
	h  *Hint
	hd dnsHeader
	r  dnsReader

	printed int    // questions and resources so far
	text    int    // bytes of text in them
	groups  uint32 // bit i: answers have data of type dnsGrouped[i]
	edns    dnsEDNS
	asked   []byte // the name of the first question

	anyClass bool // a class is any number
}

// header reads and prints the header of a message of size bytes. It is false if the available bytes cannot be one.
func (d *dnsMessage) header(size int) bool {
	hd := &d.hd
	hd.id, hd.flags = d.r.U16(), d.r.U16()
	hd.questions, hd.answers = int(d.r.U16()), int(d.r.U16())
	hd.authorities, hd.additionals = int(d.r.U16()), int(d.r.U16())
	if !d.r.OK() {
		return true
	}
	if !hd.plausible(size) {
		return false
	}
	d.printHeader()
	return true
}

var dnsFlags = [...]struct {
	bit uint16
	key Key
}{{dnsQR, keyQR}, {dnsAA, keyAA}, {dnsTC, keyTC}, {dnsRD, keyRD}, {dnsRA, keyRA}, {dnsZ, keyZ}}

func (d *dnsMessage) printHeader() {
	h, hd := d.h, &d.hd
	h.Int(keyVersion, 3)
	if hd.response() {
		h.Role = Response
		h.Const(keyType, "response")
	} else {
		h.Role = Request
		h.Const(keyType, "request")
	}
	h.Int(keyID, int64(hd.id))
	start := len(h.scratch)
	h.scratch = strconv.AppendUint(h.scratch, uint64(hd.flags), 16)
	h.Str(keyFlags, h.since(start))
	for i := range dnsFlags {
		if hd.flags&dnsFlags[i].bit != 0 {
			h.True(dnsFlags[i].key)
		}
	}
	h.Int(keyOpcode, int64(hd.opcode()))
	if hd.response() {
		h.Const(keyRcode, dnsRcodes[hd.rcode()])
	}
}

// dnsOutcome is how far a message could be read.
type dnsOutcome uint8

const (
	dnsRead  dnsOutcome = iota // far enough to recognize and report it
	dnsShort                   // it ends before that
	dnsBad                     // not a DNS message
)

// body reads and prints everything after the header. All questions must be readable, or without questions one resource. The rest
// is read as far as possible: a mirror may cut a copy anywhere, and receivers may accept messages that this parser does not.
func (d *dnsMessage) body() dnsOutcome {
	if d.r.OK() {
		d.questions()
	}
	if d.r.bad {
		return dnsBad
	}
	if d.r.OK() {
		d.resources()
	}
	switch {
	case d.printed > 0, d.r.OK() && d.r.Empty() && d.hd.bare():
		return dnsRead
	case d.r.bad:
		return dnsBad
	}
	return dnsShort
}

// Keys of the fields.
var (
	keyAA            = KeyOf("aa")
	keyAdditionals   = KeyOf("additionals")
	keyAlgo          = KeyOf("algo")
	keyAnswers       = KeyOf("answers")
	keyAuthorities   = KeyOf("authorities")
	keyDo            = KeyOf("do")
	keyEDNS          = KeyOf("edns")
	keyExpire        = KeyOf("expire")
	keyExtendedRcode = KeyOf("extended_rcode")
	keyGrouped       = KeyOf("grouped")
	keyMinimum       = KeyOf("minimum")
	keyMname         = KeyOf("mname")
	keyOpt           = KeyOf("opt")
	keyPriority      = KeyOf("priority")
	keyQR            = KeyOf("qr")
	keyQueries       = KeyOf("queries")
	keyRA            = KeyOf("ra")
	keyRcode         = KeyOf("rcode")
	keyRD            = KeyOf("rd")
	keyRData         = KeyOf("rdata")
	keyRefresh       = KeyOf("refresh")
	keyRetry         = KeyOf("retry")
	keyRname         = KeyOf("rname")
	keyRRName        = KeyOf("rrname")
	keyRRType        = KeyOf("rrtype")
	keySOA           = KeyOf("soa")
	keySRV           = KeyOf("srv")
	keySSHFP         = KeyOf("sshfp")
	keyTC            = KeyOf("tc")
	keyTTL           = KeyOf("ttl")
	keyUDPSize       = KeyOf("udp_size")
	keyWeight        = KeyOf("weight")
	keyZ             = KeyOf("z")
)
