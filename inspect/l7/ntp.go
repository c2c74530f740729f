package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// NTP and SNTP (RFC 5905, and before it RFC 1305 and RFC 1769), with the control messages of RFC 9327 in mode 6 and the older
// private messages in mode 7, which amplification attacks use.
//
// The header has no magic number, but its fields are consistent: timestamps of one message are close to each other, delays are
// short, and precisions are possible ones of clocks.

// Modes; RFC 5905 figure 10.
const (
	ntpActive    = 1
	ntpPassive   = 2
	ntpClient    = 3
	ntpServer    = 4
	ntpBroadcast = 5
	ntpControl   = 6
	ntpPrivate   = 7
)

const (
	ntpMaxVersion = 4
	ntpMaxStratum = 16 // not synchronized
	ntpMaxPoll    = 17 // 2^17 s, a day and a half
	// Precisions are powers of two of a second: from that of a mains frequency to below a nanosecond; 0 if not given.
	ntpCoarsest, ntpFinest = -4, -32
	// Root delay and dispersion are in 1/65536 s. The dispersion of a lost clock starts at 16 s, and grows.
	ntpMaxDelay = 64 << 16

	// The maximum distance of a message's timestamps in seconds: a poll interval, and the time since the last update of a
	// free-running clock.
	ntpNear  = 1 << 18
	ntpSince = 1 << 26
)

// ntpHeader is the header after the first byte; RFC 5905 figure 8.
type ntpHeader struct {
	stratum, poll                         uint8
	precision                             int8
	delay, dispersion                     uint32
	reference                             []byte
	updated, originate, receive, transmit uint64
}

func parseNTP(h *Hint, _ *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	first := r.U8()
	mode, version := first&7, first>>3&7
	if version < 1 || version > ntpMaxVersion {
		return Reject
	}
	switch mode {
	case ntpControl:
		return parseNTPControl(h, in, first, r)
	case ntpPrivate:
		return parseNTPPrivate(h, in, first, r)
	}
	hd := ntpHeader{stratum: r.U8(), poll: r.U8(), precision: int8(r.U8()), delay: r.U32(), dispersion: r.U32(),
		reference: r.Bytes(4), updated: r.U64(), originate: r.U64(), receive: r.U64(), transmit: r.U64()}
	if !r.OK() || !hd.plausible(mode) || !ntpTrailer(version, r.Len()) {
		return Reject
	}
	h.Role, h.Next = Request, len(in.Data)
	if mode == ntpServer {
		h.Role, h.Next = Response, Stop
	}
	h.Int(keyVersion, int64(version))
	h.Int(keyMode, int64(mode))
	h.Int(keyStratum, int64(hd.stratum))
	h.colonStr(keyReferenceID, hd.reference)
	hd.printReference(h)
	return Done
}

func (hd *ntpHeader) plausible(mode uint8) bool {
	switch mode {
	case ntpClient:
		return hd.bare() || hd.sound() && hd.transmit != 0 && hd.near(ntpSince, hd.updated, hd.originate, hd.receive)
	case ntpServer: // originate is the client's transmit timestamp, which may be random
		return hd.sound() && hd.receive != 0 && hd.near(ntpNear, hd.receive) && hd.near(ntpSince, hd.updated)
	case ntpActive, ntpPassive, ntpBroadcast:
		return hd.sound() && hd.stratum != 0 && hd.transmit != 0 && hd.near(ntpSince, hd.updated) &&
			hd.near(ntpNear, hd.originate, hd.receive)
	}
	return false
}

// sound reports whether a message's description of its clock is possible.
func (hd *ntpHeader) sound() bool {
	precise := hd.precision == 0 || hd.precision <= ntpCoarsest && hd.precision >= ntpFinest
	return precise && hd.stratum <= ntpMaxStratum && hd.poll <= ntpMaxPoll && hd.delay <= ntpMaxDelay &&
		hd.dispersion <= ntpMaxDelay
}

// bare reports whether a client's message does not describe its clock: SNTP clients leave all fields zero, or all but the
// transmit timestamp, which may be random (draft-ietf-ntp-data-minimization).
func (hd *ntpHeader) bare() bool {
	return hd.stratum == 0 && hd.poll <= ntpMaxPoll && hd.delay == 0 && hd.dispersion == 0 && hd.updated == 0 && hd.originate == 0 &&
		hd.receive == 0 && string(hd.reference) == "\x00\x00\x00\x00"
}

// near reports whether timestamps are zero or within a number of seconds of the transmit timestamp, in any era.
func (hd *ntpHeader) near(seconds int32, timestamps ...uint64) bool {
	for _, t := range timestamps {
		apart := int32(uint32(hd.transmit>>32) - uint32(t>>32))
		if t != 0 && (apart <= -seconds || apart >= seconds) {
			return false
		}
	}
	return true
}

// ntpTrailer reports whether n bytes behind the header can be extension fields and a message authentication code.
func ntpTrailer(version uint8, n int) bool {
	return n == 0 || version >= 3 && n%4 == 0
}

// printReference adds the reference identifier if it is a text: the reference clock of a primary server, or the reason why a
// server refuses to serve (RFC 5905 sections 7.3 and 7.4).
func (hd *ntpHeader) printReference(h *Hint) {
	text := hd.reference
	for len(text) > 0 && text[len(text)-1] == 0 {
		text = text[:len(text)-1]
	}
	if hd.stratum <= 1 && isText(text) {
		h.Str(keyReference, text)
		h.Extra()
	}
}

// ntpOperation returns the name of a control message's operation (RFC 9327 section 2); empty if programs do not use it.
func ntpOperation(op uint8) string {
	switch op {
	case 1:
		return "read_status"
	case 2:
		return "read_variables"
	case 3:
		return "write_variables"
	case 8:
		return "configure"
	case 10:
		return "read_mru"
	case 11:
		return "read_ordered_list"
	case 12:
		return "request_nonce"
	}
	return ""
}

// parseNTPControl reads a control message (RFC 9327 section 2). Its byte count must be right. The data must be text, except for
// lists of associations.
func parseNTPControl(h *Hint, in Input, first uint8, r wire.Cursor) Verdict {
	op := r.U8()
	r.Skip(2) // sequence
	status, _, offset, count := r.U16(), r.U16(), r.U16(), int(r.U16())
	data := r.Bytes(count)
	response := op&0x80 != 0
	name := ntpOperation(op & 0x1f)
	switch {
	case !r.OK(), name == "", first>>6 != 0, !ntpControlEnd(count, r.Len()), !ntpControlData(op&0x1f, data),
		!response && (op&0x60 != 0 || status != 0 || offset != 0):
		return Reject
	}
	printNTPMode(h, in, first, response)
	h.Const(keyOperation, name)
	h.Extra()
	return Done
}

// ntpControlEnd reports whether n bytes after count bytes of data can be padding to a multiple of 4, and a message
// authentication code with the number of its key.
func ntpControlEnd(count, n int) bool {
	padding := -count & 3
	return n == 0 || n == padding || n == padding+4+16 || n == padding+4+20
}

func ntpControlData(op uint8, data []byte) bool {
	if op == 1 {
		return len(data)%4 == 0 // pairs of association and status
	}
	for _, c := range data {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' && c != 0 {
			return false
		}
	}
	return true
}

const (
	ntpPrivateItems = 500     // bytes of data in a message at most
	ntpPrivateSlot  = 8 + 40  // bytes of a request, most of them zero
	ntpPrivateWide  = 8 + 184 // of a later version
)

// parseNTPPrivate reads a message of ntpdc, which ntpd alone specifies. The product of its count and size of items must be right.
func parseNTPPrivate(h *Hint, in Input, first uint8, r wire.Cursor) Verdict {
	auth, implementation, request := r.U8(), r.U8(), r.U8()
	items, size := r.U16(), int(r.U16())
	response := first&0x80 != 0
	failure, data := items>>12, int(items&0xfff)*(size&0xfff)
	switch {
	case !r.OK(), request == 0, implementation != 0 && implementation != 2 && implementation != 3, size > 0xfff,
		data > ntpPrivateItems, response && data != r.Len(),
		!response && !ntpPrivateRequest(len(in.Data), int(failure), int(auth&0x7f), data):
		return Reject
	}
	printNTPMode(h, in, first, response)
	h.Int(keyRequest, int64(request))
	h.Extra()
	return Done
}

// ntpPrivateRequest reports whether the length of a request is right for its data. Requests are padded to a fixed size;
// attackers send the header alone.
func ntpPrivateRequest(length, failure, sequence, data int) bool {
	switch length {
	case 8:
		return failure == 0 && sequence == 0 && data == 0
	case ntpPrivateSlot, ntpPrivateWide:
		return failure == 0 && sequence == 0 && data <= length-8
	}
	return false
}

func printNTPMode(h *Hint, in Input, first uint8, response bool) {
	h.Role, h.Next = Request, len(in.Data)
	if response {
		h.Role, h.Next = Response, Stop
	}
	h.Int(keyVersion, int64(first>>3&7))
	h.Int(keyMode, int64(first&7))
}

// Keys of the fields.
var (
	keyReference   = KeyOf("reference")
	keyReferenceID = KeyOf("reference_id")
	keyStratum     = KeyOf("stratum")
)
