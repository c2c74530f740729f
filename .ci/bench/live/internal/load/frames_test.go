package load

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/checksum"
	"github.com/mirrorsink/mirrorsink/decap"
)

func TestConnectionsAdvanceWithValidChecksums(t *testing.T) {
	for _, size := range []int{110, 550, 1450} {
		l := Connections(size)
		require.Len(t, l.frames, 2*flows)
		seen := map[uint32]bool{}
		for range 3 {
			frame := l.next(7)
			payload := frame[outerLen:]
			require.Len(t, payload, vxlanLen+size)
			var p decap.Packet
			reason := new(decap.Decoder).Parse(&p, &decap.Datagram{Data: payload, WireLen: len(payload), Link: decap.LinkVXLAN})
			require.Equal(t, decap.OK, reason)
			inner := payload[vxlanLen+etherLen:]
			segment := inner[ipLen:]
			require.Zero(t, ^checksum.Fold(checksum.Sum(inner[:ipLen])), "the IP header's checksum")
			require.Zero(t, ^checksum.Fold(checksum.Sum(inner[12:ipLen])+6+uint64(len(segment))+checksum.Sum(segment)), "the segment's checksum")
			seen[binary.BigEndian.Uint32(segment[4:])] = true
		}
		assert.Len(t, seen, 3, "sequence numbers")
	}
}
