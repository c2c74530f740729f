package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// DTLS (RFC 9147, RFC 6347): the hello of a client, whose fragments may come in several records and datagrams, and of a server. A
// flow has one event, for the first hello, and one more for each client's hello after it. A HelloVerifyRequest, with which the server verifies the client's address, names the
// protocol only.
//
// State.hello has the first six bytes of the fragments' headers, which are the same in all fragments of a message, and then the
// body of the message.

const (
	dtlsMessageStart  = 6 // bytes of a handshake header before the fragment's offset: type, length, message number
	dtlsMessageHeader = dtlsMessageStart + 3 + 3
	dtlsHelloVerify   = 3                             // RFC 6347 section 4.2.1
	maxDTLSRecords    = 64                            // of one datagram that are read; one or two is usual
	minDTLSVerify     = 2 + 1                         // version, empty cookie
	maxDTLSHello      = Window - dtlsMessageStart - 1 // bytes of a hello that is put together
)

// dtlsFragment is a fragment of a handshake message: of the first or, after a cookie, of the second one of a side.
type dtlsFragment struct {
	typ  uint8
	size int    // of the message
	head []byte // the bytes with which all fragments of the message begin
	off  int
	body wire.Cursor // the part of it that was copied
	end  int         // its end in the message
}

func parseDTLS(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	f, ok := readDTLSFragment(&r)
	switch {
	case !ok:
		return Reject
	case f.typ == tlsClientHello:
		return parseDTLSClient(h, in, f, r)
	case f.off != 0:
		return Reject
	case f.typ == tlsServerHello:
		return parseDTLSServer(h, c, in, f)
	}
	return parseDTLSVerify(h, in, f)
}

// readDTLSFragment reads a record (RFC 6347 section 4.1) with a fragment of a hello (section 4.2.2). It is strict: all bytes of
// the two headers must be possible for a hello.
func readDTLSFragment(r *wire.Cursor) (f dtlsFragment, ok bool) {
	typ, version, epoch, high, _ := r.U8(), r.U16(), r.U16(), r.U32(), r.U16()
	size := int(r.U16())
	body := r.Upto(size)
	message := body
	f.typ, f.size = body.U8(), int(body.U24())
	number := body.U16()
	f.head = message.Bytes(dtlsMessageStart)
	f.off = int(body.U24())
	length := int(body.U24())
	f.body, f.end = body.Upto(length), f.off+length
	ok = r.OK() && body.OK() && typ == tlsHandshake && (version == dtls10 || version == dtls12) && epoch == 0 && high == 0 &&
		number <= 1 && length > 0 && f.end <= f.size && dtlsSize(f.typ, f.size)
	alone := size == dtlsMessageHeader+length
	shared := f.typ == tlsServerHello && size > dtlsMessageHeader+length && size <= maxTLSRecord
	return f, ok && (alone || shared)
}

// dtlsSize reports whether a handshake message of this type can have this size.
func dtlsSize(typ uint8, size int) bool {
	switch typ {
	case tlsClientHello, tlsServerHello:
		return tlsHelloSize(uint32(size))
	case dtlsHelloVerify:
		return size >= minDTLSVerify && size <= minDTLSVerify+255
	}
	return false
}

// whole reports whether the fragment is a complete message that was not cut.
func (f *dtlsFragment) whole() bool { return f.off == 0 && f.body.Len() == f.size }

// parseDTLSClient reads a ClientHello from the fragment f and those in the records behind it.
func parseDTLSClient(h *Hint, in Input, f dtlsFragment, records wire.Cursor) Verdict {
	version := f.body
	legacy := version.U16()
	switch {
	case f.off == 0 && version.OK() && !dtlsHelloVersion(legacy):
		return Reject
	case f.end-f.off < f.size && in.State != nil && f.size <= maxDTLSHello:
		return joinDTLSClient(h, in, f, records)
	case f.off != 0:
		return Reject
	}
	return printDTLSClient(h, in, f.body, f.whole())
}

// joinDTLSClient reads a ClientHello in fragments. It prints from a copy, since State is reset then.
func joinDTLSClient(h *Hint, in Input, f dtlsFragment, records wire.Cursor) Verdict {
	for n, ok := 0, true; ok && n < maxDTLSRecords; n++ {
		in.State.hello.addDTLS(&f)
		if msg := in.State.hello.Front(); len(msg) >= dtlsMessageStart+f.size {
			body := h.Scratch(f.size)
			copy(body, msg[dtlsMessageStart:])
			return printDTLSClient(h, in, wire.New(body), true)
		}
		f, ok = nextDTLSFragment(&records, f)
	}
	return More
}

// nextDTLSFragment reads the next record of a datagram. It is false if that has no fragment of the same message.
func nextDTLSFragment(records *wire.Cursor, last dtlsFragment) (f dtlsFragment, ok bool) {
	f, ok = readDTLSFragment(records)
	return f, ok && string(f.head) == string(last.head)
}

// addDTLS adds a fragment. A fragment of another message removes the earlier ones: the client has started again, with a cookie.
func (a *Assembly) addDTLS(f *dtlsFragment) {
	if front := a.Front(); len(front) >= dtlsMessageStart && string(front[:dtlsMessageStart]) != string(f.head) {
		a.reset()
	}
	a.Add(0, f.head)
	a.Add(dtlsMessageStart+f.off, f.body.Rest())
}

func printDTLSClient(h *Hint, in Input, body wire.Cursor, whole bool) Verdict {
	in.resetState()
	hello, ok := readClientHello(body, whole, true)
	if !ok || !dtlsHelloVersion(hello.version) {
		return Reject
	}
	h.Role, h.Next, h.Random = Request, Stop, hello.random
	hello.print(h, 'd')
	return Done
}

// parseDTLSServer reads the first fragment of a ServerHello.
func parseDTLSServer(h *Hint, c *Conn, in Input, f dtlsFragment) Verdict {
	hello, ok := readServerHello(f.body, f.whole())
	switch {
	case !ok || !dtlsHelloVersion(hello.legacy):
		return Reject
	case hello.retry:
		return interimDTLS(h, in)
	}
	h.Role, h.Next = Response, Stop
	hello.print(h, c)
	in.resetState()
	return Done
}

// parseDTLSVerify reads a HelloVerifyRequest (RFC 6347 section 4.2.1).
func parseDTLSVerify(h *Hint, in Input, f dtlsFragment) Verdict {
	version, cookie := f.body.U16(), int(f.body.U8())
	if !f.body.OK() || !dtlsHelloVersion(version) || f.size != minDTLSVerify+cookie {
		return Reject
	}
	return interimDTLS(h, in)
}

func interimDTLS(h *Hint, in Input) Verdict {
	h.Role, h.Next = Interim, len(in.Data)
	in.resetState()
	return Done
}

// dtlsHelloVersion reports whether a hello may begin with the version: a hello of DTLS 1.3 has 1.2 there.
func dtlsHelloVersion(v uint16) bool { return v == dtls10 || v == dtls12 }

// resetState resets the state of a message that spans datagrams.
func (in *Input) resetState() {
	if in.State != nil {
		in.State.Reset()
	}
}
