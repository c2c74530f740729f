package l7

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFirstBytes: a parser of datagrams rejects what begins with a byte that its line in the table excludes. Each recorded datagram is
// tried with each first byte.
func TestFirstBytes(t *testing.T) {
	excluded := map[Proto]bool{}
	for _, x := range recordings(t) {
		if x.stream {
			continue
		}
		for _, seg := range x.segs {
			for first := range 256 {
				data := append([]byte{byte(first)}, seg.data[1:]...)
				for proto, parser := range Table {
					if parser.Datagram == nil || MayBeginDatagram(byte(first))&(1<<proto) != 0 {
						continue
					}
					excluded[Proto(proto)] = true
					for _, in := range []Input{{}, {State: new(State)}, {State: new(State), Late: true}} {
						in.Data, in.Final = data, true
						require.Equal(t, Reject, parser.Datagram(new(Hint), new(Conn), in), "%s, %x, %s", x.path, first, Proto(proto))
					}
				}
			}
		}
	}
	for proto, parser := range Table {
		require.Equal(t, parser.First != nil, excluded[Proto(proto)], Proto(proto))
	}
}
