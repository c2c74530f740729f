package capture

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

func TestPcapVariants(t *testing.T) {
	for name, c := range map[string]struct {
		magic uint32
		extra int
		unit  int64
	}{
		"microseconds": {0xa1b2c3d4, 0, 1000},
		"nanoseconds":  {0xa1b23c4d, 0, 1},
		"modified":     {0xa1b2cd34, 8, 1000},
	} {
		for _, order := range []appendOrder{binary.LittleEndian, binary.BigEndian} {
			t.Run(name+" "+order.String(), func(t *testing.T) {
				got, err := readEveryWay(t, buildPcap(pcapSpec{order, c.magic, 101, c.extra}, sampleFrames))
				require.NoError(t, err)
				require.Len(t, got, len(sampleFrames))
				for i, f := range sampleFrames {
					assert.Equal(t, frameCopy{
						Data:    string(f.data),
						Nanos:   int64(f.sec)*1e9 + int64(f.sub)*c.unit,
						WireLen: max(int(f.original), len(f.data)),
						Link:    decap.LinkIP,
					}, got[i])
				}
			})
		}
	}
}

// TestPcapBytes reads a file that is written out here, against mistakes that reader and builder might share.
func TestPcapBytes(t *testing.T) {
	got, err := readEveryWay(t, unhex(
		"a1 b2 3c 4d 00 02 00 04  00 00 00 00 00 00 00 00  00 00 ff ff 00 00 00 71"+
			"00 00 00 02 00 00 00 03  00 00 00 02 00 00 00 07  ca fe"))
	require.NoError(t, err)
	assert.Equal(t, []frameCopy{{"\xca\xfe", 2_000_000_003, 7, decap.LinkSLL}}, got)
}

func TestPcapLinks(t *testing.T) {
	for linkType, want := range map[uint32]decap.Link{
		0: decap.LinkNull, 1: decap.LinkEthernet, 12: decap.LinkIP, 14: decap.LinkIP, 101: decap.LinkIP,
		108: decap.LinkNull, 113: decap.LinkSLL, 228: decap.LinkIP, 229: decap.LinkIP, 276: decap.LinkSLL2,
		9: decap.LinkPPP, 50: decap.LinkPPP, 51: decap.LinkPPPoE, 104: decap.LinkCHDLC, 166: decap.LinkPPPDirection,
		204: decap.LinkPPPDirection, 205: decap.LinkCHDLCDirection, 239: decap.LinkNFLOG,
		0x24000001: decap.LinkEthernet, // a frame check sequence of 2 * 16 bits
	} {
		got, err := readEveryWay(t, buildPcap(pcapSpec{magic: 0xa1b2c3d4, link: linkType}, sampleFrames))
		require.NoError(t, err)
		require.Len(t, got, len(sampleFrames))
		assert.Equal(t, want, got[0].Link, "link type %d", linkType)
	}
	for _, linkType := range []uint32{105, 127, 0xffff, 0x2400_0069} {
		got, err := readEveryWay(t, buildPcap(pcapSpec{magic: 0xa1b2c3d4, link: linkType}, sampleFrames))
		var unsupported *LinkTypeError
		require.ErrorAs(t, err, &unsupported)
		assert.Equal(t, uint16(linkType), unsupported.LinkType)
		assert.ErrorContains(t, err, fmt.Sprintf("link type %d is not supported", uint16(linkType)))
		assert.Empty(t, got)
	}
}

// TestPcapDamaged checks that frames before the damage come out. An absurd length on the wire alone is none.
func TestPcapDamaged(t *testing.T) {
	whole := buildPcap(pcapSpec{}, sampleFrames)
	second := pcapHeaderLen + recordLen + len(sampleFrames[0].data)

	content := append([]byte{}, whole...)
	binary.LittleEndian.PutUint32(content[second+8:], maxFrame+1)
	got, err := readEveryWay(t, content)
	assert.Len(t, got, 1)
	var corrupt *CorruptError
	require.ErrorAs(t, err, &corrupt)
	assert.EqualValues(t, second, corrupt.Offset)
	assert.ErrorContains(t, err, "byte 45: damaged: a frame of 1048577 bytes")

	content = append([]byte{}, whole...)
	binary.LittleEndian.PutUint32(content[second+12:], 0xffffffff)
	got, err = readEveryWay(t, content)
	require.NoError(t, err)
	assert.Equal(t, 1<<31-1, got[1].WireLen)

	binary.LittleEndian.PutUint32(content[pcapHeaderLen+12:], 0)
	got, err = readEveryWay(t, content)
	require.NoError(t, err)
	assert.Equal(t, len(sampleFrames[0].data), got[0].WireLen, "never less than there is")
}
