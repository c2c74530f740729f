package capture

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// TestPcapngBlocks reads every kind of packet block, from interfaces of several link types and clocks.
func TestPcapngBlocks(t *testing.T) {
	for _, order := range []appendOrder{binary.LittleEndian, binary.BigEndian} {
		ng := blockWriter{order: order}
		ng.section()
		ng.describe(1, 4)                                                    // 0: microseconds
		ng.describe(276, 0, 2, []byte("eth0"), 9, []byte{9}, 0, []byte(nil)) // 1: nanoseconds, with a name
		ng.describe(105, 0, 9, []byte{0x80 | 10})                            // 2: 1/1024 s
		ng.enhanced(0, 5_000_001, []byte("abc"), 1500)
		ng.enhanced(1, 6_000_000_007, []byte("defg"), 0)
		ng.obsolete(2, 7*1024+512, []byte("hi"), 99)
		ng.simple([]byte("long"), 1000) // cut to the first interface's 4 bytes
		ng.simple([]byte("l"), 0)
		got, err := readEveryWay(t, ng.b)
		require.NoError(t, err)
		assert.Equal(t, []frameCopy{
			{"abc", 5_000_001_000, 1500, decap.LinkEthernet},
			{"defg", 6_000_000_007, 4, decap.LinkSLL2},
			{"hi", 7_500_000_000, 99, decap.LinkUnsupported},
			{"long", 7_500_000_000, 1000, decap.LinkEthernet},
			{"l", 7_500_000_000, 1, decap.LinkEthernet},
		}, got, order.String())
	}
}

// TestPcapngBytes reads a file that is written out here, against mistakes that reader and builder might share.
func TestPcapngBytes(t *testing.T) {
	got, err := readEveryWay(t, unhex(
		"0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000"+
			"01000000 20000000 6500 0000 00000400 0900 0100 09 000000 0000 0000 20000000"+
			"06000000 24000000 00000000 01000000 02000000 02000000 03000000 cafe 0000 24000000"))
	require.NoError(t, err)
	assert.Equal(t, []frameCopy{{"\xca\xfe", 1<<32 + 2, 3, decap.LinkIP}}, got)
}

// TestPcapngSections checks that a section has its own byte order and interfaces.
func TestPcapngSections(t *testing.T) {
	little := blockWriter{order: binary.LittleEndian}
	little.section()
	little.describe(1, 0)
	little.enhanced(0, 1, []byte("little"), 0)
	big := blockWriter{order: binary.BigEndian}
	big.section()
	big.describe(101, 0)
	big.enhanced(0, 2, []byte("big"), 0)
	got, err := readEveryWay(t, append(append(append([]byte{}, little.b...), big.b...), little.b...))
	require.NoError(t, err)
	assert.Equal(t, []frameCopy{
		{"little", 1000, 6, decap.LinkEthernet},
		{"big", 2000, 3, decap.LinkIP},
		{"little", 1000, 6, decap.LinkEthernet},
	}, got)

	big.section()
	big.enhanced(0, 1, []byte("of no interface"), 0)
	got, err = readEveryWay(t, big.b)
	assert.Len(t, got, 1)
	assert.ErrorContains(t, err, "damaged: a frame of interface 0, which is not described")
}

// TestPcapngDamaged puts one bad block behind a good frame: the frame comes out, then the error with the block's offset.
func TestPcapngDamaged(t *testing.T) {
	for want, block := range map[string]func(*blockWriter){
		"damaged: a block of 0 bytes":        func(c *blockWriter) { c.b = c.u32(c.b, 0, 0, 0) },
		"damaged: a block of 8 bytes":        func(c *blockWriter) { c.b = c.u32(c.b, 6, 8, 8) },
		"damaged: a block of 30 bytes":       func(c *blockWriter) { c.b = append(c.u32(c.b, 6, 30, 30), make([]byte, 20)...) },
		"damaged: a block of 16777220 bytes": func(c *blockWriter) { c.b = c.u32(c.b, 6, 16<<20+4, 0) },
		"damaged: the two lengths of a block differ": func(c *blockWriter) {
			c.b = c.u32(c.b, 0x0bad, 12, 16)
		},
		"damaged: a section header without its byte-order magic": func(c *blockWriter) {
			c.b = c.u32(c.b, 0x0a0d0d0a, 28, 0x11223344)
		},
		"damaged: a section header is too short": func(c *blockWriter) { c.block(0x0a0d0d0a, c.u32(nil, 0x1a2b3c4d)) },
		"pcapng version 2 is not known": func(c *blockWriter) {
			c.block(0x0a0d0d0a, c.u32(c.u16(c.u32(nil, 0x1a2b3c4d), 2, 0), 0, 0))
		},
		"damaged: an interface description is too short": func(c *blockWriter) { c.block(1, []byte{1, 0, 0, 0}) },
		"damaged: an option is longer than its block": func(c *blockWriter) {
			c.block(1, c.u16(c.u32(c.u16(nil, 1, 0), 0), 9, 100))
		},
		"damaged: a packet block is too short":        func(c *blockWriter) { c.block(6, make([]byte, 16)) },
		"damaged: a simple packet block is too short": func(c *blockWriter) { c.block(3, nil) },
		"damaged: a frame of interface 1, which is not described": func(c *blockWriter) {
			c.obsolete(1, 0, []byte("x"), 0)
		},
		"damaged: a frame of 9 bytes in a block that has room for 4": func(c *blockWriter) {
			c.block(6, append(c.u32(nil, 0, 0, 0, 9, 9), "four"...))
		},
		"damaged: a frame of 2097152 bytes in a block that has room for 2097152": func(c *blockWriter) {
			c.enhanced(0, 0, make([]byte, 2<<20), 0)
		},
		"damaged: a frame of 99 bytes in a block that has room for 4": func(c *blockWriter) {
			c.simple([]byte("four"), 99)
		},
	} {
		t.Run(want, func(t *testing.T) {
			var ng blockWriter
			ng.section()
			ng.describe(1, 0)
			ng.enhanced(0, 1, []byte("good"), 0)
			offset := len(ng.b)
			block(&ng)
			got, err := readEveryWay(t, ng.b)
			assert.Len(t, got, 1)
			var corrupt *CorruptError
			require.ErrorAs(t, err, &corrupt)
			assert.EqualError(t, corrupt.Err, want)
			assert.EqualValues(t, offset, corrupt.Offset)
		})
	}
}

func TestPcapngSimpleWithoutInterface(t *testing.T) {
	var ng blockWriter
	ng.section()
	ng.simple([]byte("x"), 0)
	got, err := readEveryWay(t, ng.b)
	assert.Empty(t, got)
	assert.ErrorContains(t, err, "damaged: a frame before any interface is described")
}

func TestPcapngInterfaceFlood(t *testing.T) {
	var ng blockWriter
	ng.section()
	for range maxInterfaces + 1 {
		ng.describe(1, 0)
	}
	_, err := readBy(t, "file", ng.b)
	assert.ErrorContains(t, err, "damaged: more than 65536 interfaces in a section")
}

// TestPcapngWithoutPadding reads blocks of writers that pad nothing, and of those that pad but do not count it. The blocks behind them are
// read as usual.
func TestPcapngWithoutPadding(t *testing.T) {
	for name, wrap := range map[string]func(c *blockWriter, kind uint32, body []byte){
		"not padded": func(c *blockWriter, kind uint32, body []byte) {
			size := uint32(len(body) + 12)
			c.b = c.u32(append(c.u32(c.b, kind, size), body...), size)
		},
		"padding not counted": func(c *blockWriter, kind uint32, body []byte) {
			size, padding := uint32(len(body)+12), -len(body)&3
			c.b = c.u32(append(append(c.u32(c.b, kind, size), body...), make([]byte, padding)...), size)
		},
		"padding counted once": func(c *blockWriter, kind uint32, body []byte) {
			size, padding := uint32(len(body)+12), -len(body)&3
			c.b = c.u32(append(append(c.u32(c.b, kind, size), body...), make([]byte, padding)...), size+uint32(padding))
		},
	} {
		for _, order := range []appendOrder{binary.LittleEndian, binary.BigEndian} {
			ng := blockWriter{order: order}
			ng.section()
			var want []frameCopy
			// An interface named "eth0x" of nanoseconds: the name's end is that of the block, or is followed by the resolution.
			describe := ng.u32(ng.u16(nil, 1, 0), 0)
			describe = append(ng.u16(describe, 9, 1), 9, 0, 0, 0)
			wrap(&ng, 1, append(ng.u16(describe, 2, 5), "eth0x"...))
			for n := range 9 {
				data := make([]byte, n)
				wrap(&ng, 6, append(ng.u32(nil, 0, 0, uint32(n), uint32(n), uint32(n)), data...))
				wrap(&ng, 3, append(ng.u32(nil, uint32(n)), data...))
				wrap(&ng, 2, append(ng.u32(ng.u16(nil, 0, 0), 0, uint32(n), uint32(n), uint32(n)), data...))
				wrap(&ng, 0x0bad, data)
				want = append(want, frameCopy{string(data), int64(n), n, 0}, frameCopy{string(data), int64(n), n, 0}, frameCopy{string(data), int64(n), n, 0})
			}
			got, err := readEveryWay(t, ng.b)
			require.NoError(t, err, "%s %s", name, order)
			assert.Equal(t, want, got, "%s %s", name, order)
		}
	}
}

// TestPcapngOptionsWithoutPadding finds the resolution behind a name that is not padded.
func TestPcapngOptionsWithoutPadding(t *testing.T) {
	ng := blockWriter{order: binary.LittleEndian}
	options := append(ng.u16(nil, 2, 5), "eth0x"...)
	options = append(ng.u16(options, 9, 1), 9)
	clk, err := clockOf(ng.u16(options, 0, 0), littleEndian)
	require.NoError(t, err)
	assert.EqualValues(t, 7, clk.nanos(7))
}

// TestPcapngLinkTypes: frames of an unsupported link type are passed on as such, but a capture of these alone is an error at its end.
func TestPcapngLinkTypes(t *testing.T) {
	for name, c := range map[string]struct {
		blocks string // digits are frames of an interface
		want   uint16 // the link type of the error, 0 for none
	}{
		"one of three":           {"012", 0},
		"none of two":            {"1221", 127},
		"no frames":              {"", 0},
		"supported without data": {"1", 127},
	} {
		var ng blockWriter
		ng.section()
		ng.describe(1, 0)
		ng.describe(127, 0)
		ng.describe(105, 0)
		for _, i := range c.blocks {
			ng.enhanced(uint32(i-'0'), 1, []byte("frame"), 0)
		}
		got, err := readEveryWay(t, ng.b)
		assert.Len(t, got, len(c.blocks), name)
		if c.want == 0 {
			require.NoError(t, err, name)
			continue
		}
		var unsupported *LinkTypeError
		require.ErrorAs(t, err, &unsupported, name)
		assert.Equal(t, c.want, unsupported.LinkType, name)
	}
}
