package l7

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// TDS, the protocol of SQL Server (MS-TDS): the client's PRELOGIN (section 2.2.6.5) and the server's answer, which make one event. TLS
// follows in both directions unless the server has none. Its handshake is carried in packets of TDS (section 2.2.6.5.3), which the
// parser of TLS unwraps: tdsUnwrap. TDS 8.0 begins with TLS, like any other protocol over it.
//
// Conn.Mode is whether the client sent its PRELOGIN.

const tdsAsked = 1

const (
	tdsHeader   = 8 // of a packet: type, status, length, channel, number, window
	tdsResponse = 0x04
	tdsPrelogin = 0x12
	tdsLast     = 0x01 // the status of a message's last packet

	maxTDSPrelogin = 4 << 10
	maxTDSOptions  = 16
)

// Options of a PRELOGIN.
const (
	tdsVersion    = 0x00
	tdsEncryption = 0x01
	tdsInstance   = 0x02
	tdsMaxOption  = 0x07
	tdsEnd        = 0xff
)

// tdsNoEncryption is the value of the encryption option of a side that has no TLS.
const tdsNoEncryption = 2

var tdsEncryptions = [...]string{"off", "on", "not_supported", "required"}

func parseTDS(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	want := uint8(tdsPrelogin)
	if c.Mode[1^side] == tdsAsked {
		want = tdsResponse
	}
	options, end, v := readTDSPacket(in, want)
	if v != Done {
		return v
	}
	p, ok := readTDSOptions(options)
	if !ok {
		return Reject
	}
	if want == tdsPrelogin {
		c.Mode[side] = tdsAsked
		h.Role, h.Next = Request, end
		h.Object(keyClient)
	} else {
		h.Role, h.Next = Response, Stop
		if p.encryption != tdsNoEncryption {
			h.Next, h.Switch = end, true
		}
		h.Object(keyServer)
	}
	p.print(h)
	h.End()
	return Done
}

// readTDSPacket returns the content of a message of one packet, and its end.
func readTDSPacket(in Input, want uint8) (body wire.Cursor, end int, v Verdict) {
	r := wire.New(in.Data)
	n := r.Len()
	typ, status, size := r.U8(), r.U8(), int(r.U16())
	switch {
	case n >= 1 && typ != want, n >= 2 && status != tdsLast, n >= 4 && (size < tdsHeader+6 || size > maxTDSPrelogin):
		return body, 0, Reject
	case n < size || n < tdsHeader:
		if n > tdsHeader && in.Data[tdsHeader] != tdsVersion {
			return body, 0, Reject
		}
		return body, 0, moreUnless(in.Final)
	}
	r.Skip(tdsHeader - 4)
	return r.Sub(size - tdsHeader), size, Done
}

// tdsOptions are the options of a PRELOGIN message.
type tdsOptions struct {
	version    []byte
	encryption uint8
	instance   []byte
}

// readTDSOptions reads a table of options: type, offset, length. The version comes first, and the data lie behind the table.
func readTDSOptions(table wire.Cursor) (p tdsOptions, ok bool) {
	all := table
	p.encryption = tdsNoEncryption
	for n := 0; ; n++ {
		typ := table.U8()
		if typ == tdsEnd && n > 0 {
			break
		}
		off, size := int(table.U16()), int(table.U16())
		data := all
		data.Skip(off)
		value := data.Bytes(size)
		if !table.OK() || !data.OK() || typ > tdsMaxOption || n >= maxTDSOptions || off < 6 || (typ == tdsVersion) != (n == 0) {
			return p, false
		}
		switch typ {
		case tdsVersion:
			p.version = value
		case tdsEncryption:
			if size != 1 {
				return p, false
			}
			p.encryption = value[0] & 3
		case tdsInstance:
			p.instance = value
		}
	}
	return p, len(p.version) == 6
}

func (p *tdsOptions) print(h *Hint) {
	version := wire.New(p.version)
	major, minor, build := version.U8(), version.U8(), version.U16()
	start := len(h.scratch)
	h.scratch = strconv.AppendUint(h.scratch, uint64(major), 10)
	h.scratch = strconv.AppendUint(append(h.scratch, '.'), uint64(minor), 10)
	h.scratch = strconv.AppendUint(append(h.scratch, '.'), uint64(build), 10)
	h.Str(keyVersion, h.since(start))
	h.Const(keyEncryption, tdsEncryptions[p.encryption])
	name := wire.New(p.instance)
	printText(h, keyInstance, name.CString())
}

// tdsUnwrap returns the records of TLS that the packets at the front of data carry, in the hint's scratch. ended reports that something
// else follows the packets; ok is false if there are none.
func tdsUnwrap(h *Hint, data []byte) (records []byte, ended, ok bool) {
	start := len(h.scratch)
	for r := wire.New(data); !r.Empty(); {
		n := r.Len()
		typ, status, size := r.U8(), r.U8(), int(r.U16())
		if typ != tdsPrelogin || n >= 2 && status > tdsLast || n >= 4 && size <= tdsHeader {
			return h.since(start), true, len(h.scratch) > start
		}
		r.Upto(tdsHeader - 4)
		body := r.Upto(size - tdsHeader)
		h.scratch = append(h.scratch, body.Rest()...)
	}
	return h.since(start), false, true
}

// tdsOffset returns the offset in wrapped data of an offset in the records that they carry.
func tdsOffset(data []byte, off int) int {
	for r := wire.New(data); ; {
		r.Skip(2)
		size := int(r.U16()) - tdsHeader
		r.Skip(tdsHeader - 4)
		if !r.OK() || off < size {
			return len(data) - r.Len() + off
		}
		if off -= size; off == 0 {
			r.Upto(size)
			return len(data) - r.Len()
		}
		r.Upto(size)
	}
}

// Key of a field.
var keyInstance = KeyOf("instance")
