package l7

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
)

// Packet protection of Initial packets (RFC 9001 section 5). HKDF is implemented here for inputs that fit into one block, since
// crypto/hkdf allocates in each of the five steps and takes longer than the rest of a packet.

// quicDialect has the differences between the keys of versions.
type quicDialect struct {
	salt   string
	labels *quicLabels
}

// Salts for the keys of Initial packets; RFC 9001 section 5.2, RFC 9369 section 3.3.1, and the drafts.
const (
	quicSaltV1      = "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"
	quicSaltV2      = "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"
	quicSaltDraft22 = "\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a"
	quicSaltDraft23 = "\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02"
	quicSaltDraft29 = "\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"
	quicSaltQ050    = "\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b\x45"
	quicSaltT050    = "\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10"
	quicSaltT051    = "\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d"
)

// quicLabels are the HkdfLabel structures (RFC 8446 section 7.1), each followed by the counter of HKDF-Expand.
type quicLabels struct{ key, iv, hp string }

const quicClientLabel = "\x00\x20\x0ftls13 client in\x00\x01"

var (
	quicLabelsV1 = quicLabels{
		key: "\x00\x10\x0etls13 quic key\x00\x01",
		iv:  "\x00\x0c\x0dtls13 quic iv\x00\x01",
		hp:  "\x00\x10\x0dtls13 quic hp\x00\x01",
	}
	quicLabelsV2 = quicLabels{
		key: "\x00\x10\x10tls13 quicv2 key\x00\x01",
		iv:  "\x00\x0c\x0ftls13 quicv2 iv\x00\x01",
		hp:  "\x00\x10\x0ftls13 quicv2 hp\x00\x01",
	}
)

// quicKeys are the keys of a client's Initial packets.
type quicKeys struct {
	version uint32
	idLen   uint8
	id      [maxQUICConnectionID]byte
	key, hp [16]byte
	iv      [quicNonce]byte
}

const (
	quicNonce    = 12
	quicTag      = 16
	quicReserved = 0x0c // bits of the first byte that are 0 beneath the protection; RFC 9000 section 17.2
	quicSample   = 16   // bytes for header protection, 4 bytes behind the start of the packet number

	// The work memory of open in addition to the packet's length: the mask, the nonce, and the counter of cut packets.
	quicWork = 3 * aes.BlockSize
)

// newQUICKeys derives the keys from a connection ID.
func newQUICKeys(d quicDialect, version uint32, id []byte) (k quicKeys) {
	k.version, k.idLen = version, uint8(copy(k.id[:], id))
	var salt [len(quicSaltV1)]byte
	copy(salt[:], d.salt)
	extract := newHMAC(salt[:])
	initial := extract.sum(string(id))
	expand := newHMAC(initial[:])
	secret := expand.sum(quicClientLabel)
	expand = newHMAC(secret[:])
	key, iv, hp := expand.sum(d.labels.key), expand.sum(d.labels.iv), expand.sum(d.labels.hp)
	copy(k.key[:], key[:])
	copy(k.iv[:], iv[:])
	copy(k.hp[:], hp[:])
	return k
}

// hmacSHA256 computes HMAC (RFC 2104) over SHA-256 with one key. Behind each padded key is room for the message.
type hmacSHA256 struct{ inner, outer [2 * sha256.BlockSize]byte }

// hmacPads are the padded keys of an empty key.
var hmacPads = func() (pads hmacSHA256) {
	for i := range sha256.BlockSize {
		pads.inner[i], pads.outer[i] = 0x36, 0x5c
	}
	return pads
}()

// newHMAC takes a key of at most one block of SHA-256.
func newHMAC(key []byte) hmacSHA256 {
	m := hmacPads
	subtle.XORBytes(m.inner[:], m.inner[:len(key)], key)
	subtle.XORBytes(m.outer[:], m.outer[:len(key)], key)
	return m
}

// sum returns the code of a message of at most one block.
func (m *hmacSHA256) sum(message string) [sha256.Size]byte {
	n := copy(m.inner[sha256.BlockSize:], message)
	sum := sha256.Sum256(m.inner[:sha256.BlockSize+n])
	n = copy(m.outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(m.outer[:sha256.BlockSize+n])
}

// are reports whether the keys were derived from a packet's destination connection ID.
func (k *quicKeys) are(p *quicPacket) bool {
	return k.version == p.version && string(k.id[:k.idLen]) == string(p.dcid)
}

// open decrypts an Initial packet into work, and returns its frames. The keys are those of its own destination connection ID if
// it is a client's first packet, or else those of an earlier packet (RFC 9001 section 5.2).
func (q *quicState) open(work []byte, p *quicPacket) (frames quicFrames, ok bool) {
	for i := range q.keys {
		if q.keys[i].are(p) {
			return q.keys[i].open(work, p)
		}
	}
	for i, n := 0, quicDialects(p.version); i < n; i++ {
		keys := newQUICKeys(quicDialectAt(p.version, i), p.version, p.dcid)
		if frames, ok = keys.open(work, p); ok {
			q.keys = [2]quicKeys{keys, q.keys[0]}
			return frames, true
		}
	}
	for i := range q.keys {
		if q.keys[i].version == p.version {
			if frames, ok = q.keys[i].open(work, p); ok {
				return frames, true
			}
		}
	}
	return frames, false
}

// open removes header protection (RFC 9001 section 5.4) and decrypts. It decrypts the available part of a cut packet; there the
// only proof of the key is that the frames are plausible.
func (k *quicKeys) open(work []byte, p *quicPacket) (frames quicFrames, ok bool) {
	const number = 4 // the most bytes of a packet number
	if len(p.body) < number+quicSample {
		return frames, false
	}
	mask, work := work[:aes.BlockSize], work[aes.BlockSize:]
	newAES(k.hp[:]).Encrypt(mask, p.body[number:])
	header := append(work[:0], p.header...)
	header[0] ^= mask[0] & 0x0f
	n := int(header[0]&3) + 1
	for i := range n {
		header = append(header, p.body[i]^mask[1+i])
	}
	work = work[len(header):]
	counter := append(work[:0], k.iv[:]...)
	for i, b := range header[len(header)-n:] {
		counter[quicNonce-n+i] ^= b
	}
	work = work[aes.BlockSize:]
	if p.cut {
		frames = newQUICFrames(openCut(work, newAES(k.key[:]), counter, p.body[n:]), p)
		return frames, header[0]&quicReserved == 0 && frames.plausible()
	}
	gcm, err := cipher.NewGCM(newAES(k.key[:]))
	if err != nil {
		panic(err) // the block size is not that of AES
	}
	plain, err := gcm.Open(work[:0], counter, p.body[n:], header)
	return newQUICFrames(plain, p), err == nil
}

// openCut decrypts the start of an AES-GCM ciphertext. Its block counter starts at 2.
func openCut(work []byte, block cipher.Block, nonce, data []byte) []byte {
	counter := binary.BigEndian.AppendUint32(nonce, 2)
	plain := work[:len(data)]
	cipher.NewCTR(block, counter).XORKeyStream(plain, data)
	return plain
}

func newAES(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key does not have 16 bytes
	}
	return block
}
