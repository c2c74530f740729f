package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

const (
	maxDNSName  = 255 // bytes of a name on the wire; RFC 1035 section 2.3.4
	maxDNSLabel = 63
	maxDNSJumps = 127 // of compression: at most one per label

	dnsPointer = 0xc0 // the top bits of a label's length that make it a pointer
)

// dnsReader reads a part of a message: from the cursor's place to the end of msg. Compression pointers only lead backwards, so
// bytes behind the part are never needed.
type dnsReader struct {
	wire.Cursor
	msg []byte
	bad bool // a read failed on an impossible value, and not for want of bytes
}

func newDNSReader(msg []byte) dnsReader { return dnsReader{msg: msg, Cursor: wire.New(msg)} }

// reject fails the reader on an impossible value.
func (r *dnsReader) reject() {
	r.bad = true
	r.Fail()
}

// offset returns the reader's place in the message.
func (r *dnsReader) offset() int { return len(r.msg) - r.Len() }

// part returns a reader of the next n bytes, and skips them.
func (r *dnsReader) part(n int) dnsReader {
	upto := wire.New(r.msg)
	msg := upto.Bytes(r.offset() + n)
	return dnsReader{msg: msg, Cursor: r.Sub(n)}
}

// name reads a domain name (RFC 1035 section 4.1.4) and returns its text in the hint's scratch: labels joined by dots, without
// a dot at the end, so that the root is empty. A label's bytes stay as they are, even dots.
func (r *dnsReader) name(h *Hint) []byte {
	start := len(h.scratch)
	walk := dnsWalk{at: r.Cursor, floor: r.offset(), msg: r.msg, end: r.Cursor}
	for {
		label, more := walk.next()
		switch {
		case !walk.at.OK():
			h.scratch = h.scratch[:start]
			r.bad = r.bad || walk.bad
			r.Fail()
			return nil
		case !more:
			r.Cursor = walk.end
			return h.since(start)
		case len(h.scratch) > start:
			h.scratch = append(h.scratch, '.')
		}
		h.scratch = append(h.scratch, label...)
	}
}

// skipName skips a name without following its pointer, which may lead anywhere. It fails on labels whose length is not known.
func (r *dnsReader) skipName() {
	for {
		switch n := int(r.U8()); {
		case !r.OK() || n == 0:
			return
		case n >= dnsPointer:
			r.U8()
			return
		case n > maxDNSLabel:
			r.reject()
			return
		default:
			r.Skip(n)
		}
	}
}

// dnsWalk iterates over the labels of a name.
type dnsWalk struct {
	at    wire.Cursor
	end   wire.Cursor // behind the name: behind its first pointer, or its last label
	msg   []byte
	floor int // pointers must lead before this offset, so that no name is a loop
	jumps int
	size  int // of the labels so far, on the wire
	bad   bool
}

// next returns the next label; more is false at the name's end and when at has failed.
func (w *dnsWalk) next() (label []byte, more bool) {
	n := int(w.at.U8())
	for ; n >= dnsPointer; n = int(w.at.U8()) {
		w.jump(n &^ dnsPointer)
	}
	if n > maxDNSLabel { // RFC 6891 section 5: the other label types are out of use
		w.reject()
		return nil, false
	}
	label = w.at.Bytes(n)
	w.size += 1 + n
	if w.size > maxDNSName {
		w.reject()
		return nil, false
	}
	if w.jumps == 0 {
		w.end = w.at
	}
	return label, n > 0 && w.at.OK()
}

// jump follows a pointer, whose upper bits are given.
func (w *dnsWalk) jump(upper int) {
	target := upper<<8 | int(w.at.U8())
	if !w.at.OK() {
		return
	}
	if w.jumps == 0 {
		w.end = w.at
	}
	w.jumps++
	if target >= w.floor || w.jumps > maxDNSJumps {
		w.reject()
		return
	}
	w.floor = target
	w.at = wire.New(w.msg)
	w.at.Skip(target)
}

func (w *dnsWalk) reject() {
	w.bad = true
	w.at.Fail()
}

// isNetBIOS reports whether a name's first label is a NetBIOS name in its first-level encoding (RFC 1001 section 14.1):
// 32 letters from A to P. The NetBIOS name service shares the format of DNS messages and nothing else.
func isNetBIOS(name []byte) bool {
	c := wire.New(name)
	for _, b := range c.Bytes(32) {
		if b < 'A' || b > 'P' {
			return false
		}
	}
	return c.OK() && (c.Empty() || c.U8() == '.')
}
