package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// quicFrames reads the frames of an Initial packet (RFC 9000 section 12.4), of which only CRYPTO frames are of interest.
type quicFrames struct {
	c      wire.Cursor
	google bool // Google's versions number frames in their own way, or in that of the IETF
	cut    bool // the packet goes on behind what is there
}

// Frames that an Initial packet may have.
const (
	framePadding = 0x00
	framePing    = 0x01
	frameACK     = 0x02
	frameACKECN  = 0x03
	frameCrypto  = 0x06
	frameClose   = 0x1c

	frameCryptoGoogle = 0x08
)

// newQUICFrames returns the frames of a packet's plaintext, which it aliases.
func newQUICFrames(plain []byte, p *quicPacket) quicFrames {
	return quicFrames{c: wire.New(plain), google: isGoogleQUIC(p.version), cut: p.cut}
}

// next returns the next piece of the handshake with its offset, nil if there is none before the end or a frame that is
// not known.
func (f *quicFrames) next() (off int, data []byte) {
	for !f.c.Empty() {
		typ := f.c.U8()
		if typ == frameCrypto || typ == frameCryptoGoogle && f.google {
			return f.piece()
		}
		switch typ {
		case framePadding, framePing:
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

// piece reads the rest of a CRYPTO frame (RFC 9000 section 19.6).
func (f *quicFrames) piece() (off int, data []byte) {
	off = quicLength(&f.c)
	size := quicLength(&f.c)
	if f.cut {
		size = min(size, f.c.Len())
	}
	data = f.c.Bytes(size)
	if len(data) == 0 { // an empty frame is no end of the others
		return f.next()
	}
	return off, data
}

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

// plausible reports whether what is there of a packet that was cut makes sense as a client's: it reads as frames, which
// begin a ClientHello if they have its begin, and end within the window.
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
