package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCursorLittleEndian(t *testing.T) {
	c := New([]byte{0x34, 0x12, 0x56, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 8, 7, 6, 5, 4, 3, 2, 1, 0xff})
	require.EqualValues(t, 0x1234, c.U16LE())
	require.EqualValues(t, 0x123456, c.U24LE())
	require.EqualValues(t, 0x12345678, c.U32LE())
	require.EqualValues(t, 0x0102030405060708, c.U64LE())
	require.True(t, c.OK())
	require.Zero(t, c.U16LE(), "one byte is left")
	require.False(t, c.OK())
}

func TestCursorCString(t *testing.T) {
	c := New([]byte("root\x00\x00mysql"))
	require.Equal(t, "root", string(c.CString()))
	require.Empty(t, c.CString())
	require.True(t, c.OK(), "an empty text is one")
	require.Nil(t, c.CString(), "this one does not end")
	require.False(t, c.OK())
	require.True(t, c.Empty())
}
