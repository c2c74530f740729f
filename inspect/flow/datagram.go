package flow

// A UDP flow has no sequence numbers. Their place in its record holds what tells a repeated hello from that of another connection, and
// how many datagrams of a protocol other than its own were shown to all parsers:
//
//	next    digests of the last two hellos
//	gapEnd  digest of the last hello's name; the number of datagrams, and above it whether the client must begin again
//	senders digests of the connection IDs that the last hello's client sends, and its server; 0 if they are not known

// startsAgain is the bit of gapEnd[1] that the server answered the last hello with a demand to begin again.
const startsAgain = 1 << 31

// Repeats reports whether a hello, given by digests of itself and of its name that are not 0, is one of the last two of a UDP flow, or
// the last one that began again. If it is neither of the two it is the last one from then on.
func (r *Record) Repeats(hello, name uint32) bool {
	if hello == r.next[0] || hello == r.next[1] {
		return true
	}
	again := r.gapEnd[1]&startsAgain != 0 && name == r.gapEnd[0]
	r.next = [2]uint32{hello, r.next[0]}
	r.gapEnd[0] = name
	r.gapEnd[1] &^= startsAgain
	return again
}

// StartAgain notes that the server of a UDP flow answered the last hello with a demand to begin again.
func (r *Record) StartAgain() { r.gapEnd[1] |= startsAgain }

// Stray counts a datagram of a UDP flow that is not of the flow's protocol, and reports whether it is one of the first n.
func (r *Record) Stray(n uint32) bool {
	if r.gapEnd[1]&^startsAgain >= n {
		return false
	}
	r.gapEnd[1]++
	return true
}

// SetConnection notes digests of the connection IDs of the last hello of a UDP flow: of what its client sends, and its server.
func SetConnection(r *Record, client, server uint32) {
	r.senders[0].setDigest(client)
	r.senders[1].setDigest(server)
}

// Connection returns the digests that SetConnection noted.
func Connection(r *Record) (client, server uint32) {
	return r.senders[0].digest(), r.senders[1].digest()
}

func (f *sender) setDigest(d uint32) {
	*f = sender{uint8(d), uint8(d >> 8), uint8(d >> 16), uint8(d >> 24)}
}

func (f *sender) digest() uint32 {
	return uint32(f.ttl) | uint32(f.windows)<<8 | uint32(f.far)<<16 | uint32(f.habits)<<24
}
