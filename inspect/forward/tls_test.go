package forward

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// appendRecord appends a TLS record.
func appendRecord(b []byte, typ byte, size int) []byte {
	b = append(b, typ, 3, 3, byte(size>>8), byte(size))
	return append(b, make([]byte, size)...)
}

// segments cuts a stream that begins at a sequence number, at random places and at some of the boundaries.
func segments(t *rapid.T, stream []byte, seq uint32, boundaries []int) (out []Packet) {
	for at := 0; at < len(stream); {
		n := min(len(stream)-at, rapid.IntRange(1, 1460).Draw(t, "segment"))
		for _, b := range boundaries {
			if b > at && b < at+n && rapid.Bool().Draw(t, "at a boundary") {
				n = b - at
			}
		}
		out = append(out, Packet{Packet: &decap.Packet{
			Proto: decap.TCP, HasTCP: true, TCPFlags: decap.ACK, Seq: seq + uint32(at), Payload: stream[at : at+n], PayloadLen: n,
		}})
		at += n
	}
	return out
}

// TestEncryptedPart: however a stream is cut, no segment up to the one in which the encrypted part begins counts as
// encrypted. All segments after that one do, unless the header of a record was cut in two.
func TestEncryptedPart(t *testing.T) {
	const handshake, changeCipherSpec, applicationData = 22, 20, 23
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Uint32().Draw(t, "start")
		var stream []byte
		var boundaries []int
		for range rapid.IntRange(1, 4).Draw(t, "messages") {
			boundaries = append(boundaries, len(stream))
			stream = appendRecord(stream, handshake, rapid.IntRange(1, 4000).Draw(t, "size"))
		}
		boundaries = append(boundaries, len(stream))
		encrypted := start + uint32(len(stream))
		stream = appendRecord(stream, changeCipherSpec, 1)
		for range rapid.IntRange(1, 4).Draw(t, "records") {
			stream = appendRecord(stream, applicationData, rapid.IntRange(1, 4000).Draw(t, "size"))
		}
		f, r := new(flowState), new(flow.Record)
		whole, begun := true, false
		for i, p := range segments(t, stream, start, boundaries) {
			if i == 0 {
				f.noteTLSHello(0, p.Seq, p.Payload)
				f.noteTLSHellos(r)
			} else {
				f.walkSegment(&p)
			}
			end := p.Seq + uint32(p.PayloadLen)
			for _, b := range boundaries {
				inHeader := int32(end - (start + uint32(b)))
				whole = whole && (inHeader <= 0 || inHeader >= 5)
			}
			switch got := f.isEncryptedTLS(r, &p); {
			case !begun:
				require.False(t, got, "segment %d", i)
			case whole:
				require.True(t, got, "segment %d", i)
			}
			begun = begun || int32(end-encrypted) > 0
		}
	})
}

// TestRedundantACKs: of the acknowledgments of encrypted bytes one in ackStep is forwarded.
func TestRedundantACKs(t *testing.T) {
	f := &flowState{parsed: parsed{flags: tlsHellos, tlsRecords: tlsRecords{walk: [2]recordWalk{0, walkEncrypted}, record: [2]uint32{0, 1000}}}}
	ack := func(n uint32, flags uint8) bool {
		return f.isRedundantACK(&Packet{Packet: &decap.Packet{Proto: decap.TCP, HasTCP: true, TCPFlags: flags, Ack: n}})
	}
	require.False(t, ack(1000, decap.ACK), "bytes in the clear")
	require.False(t, ack(1001, decap.ACK), "the first one")
	require.True(t, ack(1001, decap.ACK))
	require.True(t, ack(1000+ackStep, decap.ACK))
	require.False(t, ack(1000+ackStep, decap.ACK|decap.FIN))
	require.False(t, ack(1001+ackStep, decap.ACK), "the next step")
	require.True(t, ack(1002+ackStep, decap.ACK))
}
