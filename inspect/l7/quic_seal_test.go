package l7

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"

	"github.com/stretchr/testify/require"
)

// quicSpec is an Initial packet that a test makes.
type quicSpec struct {
	version uint32
	dcid    string
	scid    string
	salt    string // instead of the version's
	greased bool   // without the fixed bit
	keysOf  string // the connection ID that the keys are of; dcid if empty
	token   string
	number  uint32
	frames  []byte
	size    int // bytes of the packet, up to which PADDING fills it
}

const quicNumberSize = 4 // bytes of the packet numbers that tests make

// seal protects a packet as a client does (RFC 9001 sections 5.3 and 5.4).
func (s quicSpec) seal(tb require.TestingT) []byte {
	id := s.keysOf
	if id == "" {
		id = s.dcid
	}
	d, ok := quicDialectOf(s.version)
	require.True(tb, ok, "%x", s.version)
	if s.salt != "" {
		d.salt = s.salt
	}
	keys := newQUICKeys(d, s.version, []byte(id))
	b, frames := s.header(d)
	at := len(b)
	b = binary.BigEndian.AppendUint32(b, s.number)
	nonce := binary.BigEndian.AppendUint32(bytes.Clone(keys.iv[:8]), binary.BigEndian.Uint32(keys.iv[8:])^s.number)
	gcm, err := cipher.NewGCM(newAES(keys.key[:]))
	require.NoError(tb, err)
	b = gcm.Seal(b, nonce, frames, b)
	mask := make([]byte, quicSample)
	newAES(keys.hp[:]).Encrypt(mask, b[at+4:])
	b[0] ^= mask[0] & 0x0f
	for i := range quicNumberSize {
		b[at+i] ^= mask[1+i]
	}
	return b
}

// header returns the header up to the packet number, and the frames with their padding.
func (s quicSpec) header(d quicDialect) (b, frames []byte) {
	first := byte(quicLongHeader | quicFixedBit | quicNumberSize - 1)
	if d.labels == &quicLabelsV2 {
		first |= 1 << 4
	}
	if s.greased {
		first &^= quicFixedBit
	}
	b = binary.BigEndian.AppendUint32([]byte{first}, s.version)
	b = append(append(b, byte(len(s.dcid))), s.dcid...)
	b = append(append(b, byte(len(s.scid))), s.scid...)
	b = append(quicTwoBytes(b, len(s.token)), s.token...)
	padding := max(0, s.size-len(b)-2-quicNumberSize-len(s.frames)-quicTag)
	frames = append(bytes.Clone(s.frames), make([]byte, padding)...)
	return quicTwoBytes(b, quicNumberSize+len(frames)+quicTag), frames
}

// quicTwoBytes appends a number below 2^14, in one byte if it is small.
func quicTwoBytes(b []byte, v int) []byte {
	if v < 1<<6 {
		return append(b, byte(v))
	}
	return binary.BigEndian.AppendUint16(b, 1<<14|uint16(v))
}

// quicCrypto makes a CRYPTO frame.
func quicCrypto(off int, data []byte) []byte {
	b := quicTwoBytes([]byte{frameCrypto}, off)
	return append(quicTwoBytes(b, len(data)), data...)
}
