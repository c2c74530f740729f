package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// quicFrames reads the CRYPTO frames of an Initial packet (RFC 9000 section 12.4).
type quicFrames struct {
	c      wire.Cursor
	google bool // a version of Google, which uses its own frame numbers or those of the IETF
	cut    bool // the end of the packet is missing
}

// Frames in Initial packets.
const (
	framePadding = 0x00
	framePing    = 0x01
	frameACK     = 0x02
	frameACKECN  = 0x03
	frameCrypto  = 0x06
	frameClose   = 0x1c

	frameCryptoGoogle = 0x08
)

// newQUICFrames returns a reader of a packet's plaintext, which it aliases.
func newQUICFrames(plain []byte, p *quicPacket) quicFrames {
	return quicFrames{c: wire.New(plain), google: isGoogleQUIC(p.version), cut: p.cut}
}

// next returns the next fragment of the handshake with its offset; nil if there is none before the end or an unknown frame.
func (f *quicFrames) next() (off int, data []byte) {
	for !f.c.Empty() {
		typ := f.c.U8()
		if typ == frameCrypto || typ == frameCryptoGoogle && f.google {
			return f.fragment()
		}
		switch typ {
		case framePing:
		case framePadding:
			f.skipPadding()
		case frameACK, frameACKECN:
			f.skipACK(typ)
		case frameClose:
			quicVarint(&f.c) // error code
			quicVarint(&f.c) // type of the frame that was wrong
			f.c.Skip(quicLength(&f.c))
		default:
			f.c.Fail()
		}
	}
	return 0, nil
}

// fragment reads the rest of a CRYPTO frame (RFC 9000 section 19.6).
func (f *quicFrames) fragment() (off int, data []byte) {
	off = quicLength(&f.c)
	size := quicLength(&f.c)
	if f.cut {
		size = min(size, f.c.Len())
	}
	data = f.c.Bytes(size)
	if len(data) == 0 { // others may follow an empty frame
		return f.next()
	}
	return off, data
}

// skipPadding skips most of the frames of padding that follow one: they are half of a client's first packets.
func (f *quicFrames) skipPadding() {
	for rest := f.c.Rest(); bytes.HasPrefix(rest, quicPadding[:]); rest = f.c.Rest() {
		f.c.Skip(len(quicPadding))
	}
}

var quicPadding [32]byte

// skipACK skips the rest of an ACK frame (RFC 9000 section 19.3).
func (f *quicFrames) skipACK(typ uint8) {
	quicVarint(&f.c) // largest acknowledged
	quicVarint(&f.c) // delay
	ranges := quicLength(&f.c)
	numbers := 1 + 2*ranges
	if typ == frameACKECN {
		numbers += 3
	}
	for ; numbers > 0 && !f.c.Empty(); numbers-- {
		quicVarint(&f.c)
	}
}

// plausible reports whether the available frames of a cut packet can be those of a client: they are within the window, and a
// frame with offset 0 starts a ClientHello.
func (f quicFrames) plausible() bool {
	found := false
	for off, data := f.next(); data != nil; off, data = f.next() {
		if off+len(data) > Window || off == 0 && data[0] != tlsClientHello && !f.google {
			return false
		}
		found = true
	}
	return found
}
