package checksum

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSum(t *testing.T) {
	for n := range 9 {
		b := []byte{0xff, 0xfe, 3, 4, 5, 6, 7, 8, 9}[:n]
		var want uint64
		for i, v := range b {
			want += uint64(v) << (8 - 8*(i%2))
		}
		require.Equal(t, Fold(want), Fold(Sum(b)), n)
	}
	require.Equal(t, uint16(0x1234), Fold(Sum(binary.BigEndian.AppendUint16(nil, 0x1234))))
}
