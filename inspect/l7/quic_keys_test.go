package l7

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// rfcID is the connection ID of the examples in RFC 9001, in RFC 9369 and in the drafts.
const rfcID = "\x83\x94\xc8\xf0\x3e\x51\x57\x08"

// rfcFrames is the CRYPTO frame of the client's Initial packet in RFC 9001 appendix A.2 and RFC 9369 appendix A.2.
const rfcFrames = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c" +
	"00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007" +
	"000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43" +
	"e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c0002400100390032" +
	"0408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff"

// TestQUICKeys has the clients' keys of RFC 9001 appendix A.1, RFC 9369 appendix A.1, and of the same appendix of drafts. Of
// draft 22 there is no such example.
func TestQUICKeys(t *testing.T) {
	for version, want := range map[uint32][3]string{
		quicV1:         {"1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"},
		quicV2:         {"8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"},
		quicDraft + 25: {"af7fd7efebd21878ff66811248983694", "8681359410a70bb9c92f0420", "a980b8b4fb7d9fbc13e814c23164253d"},
		quicDraft + 29: {"175257a31eb09dea9366d8bb79ad80ba", "6b26114b9cba2b63a9e8dd4f", "9ddd12c994c0698b89374a9c077a3077"},
	} {
		d, ok := quicDialectOf(version)
		require.True(t, ok)
		k := newQUICKeys(d, version, []byte(rfcID))
		got := [3]string{hex.EncodeToString(k.key[:]), hex.EncodeToString(k.iv[:]), hex.EncodeToString(k.hp[:])}
		assert.Equal(t, want, got, "%x", version)
	}
}

// TestQUICInitial opens the client's Initial packet of RFC 9001 appendix A.2. The packet is made here, and is the
// document's if its header, the sample behind it and the tag are.
func TestQUICInitial(t *testing.T) {
	frames, err := hex.DecodeString(rfcFrames)
	require.NoError(t, err)
	packet := quicSpec{version: quicV1, dcid: rfcID, number: 2, frames: frames, size: 1200}.seal(t)
	got := hex.EncodeToString(packet)
	assert.Len(t, packet, 1200)
	assert.True(t, strings.HasPrefix(got, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b"), got)
	assert.True(t, strings.HasSuffix(got, "e221af44860018ab0856972e194cd934"), got)

	text := quicText(t, Input{Data: packet})
	assert.Contains(t, text, `quic_sni="example.com"`)
	assert.Contains(t, text, `+client_alpns {"alpn"}`)
}

// TestQUICDialects opens packets of all versions, by their labels as well as by their salts.
func TestQUICDialects(t *testing.T) {
	frames, err := hex.DecodeString(rfcFrames)
	require.NoError(t, err)
	for version, name := range map[uint32]string{
		quicV1: "1", quicV2: "6b3343cf", 0x1a2a3a4a: "1a2a3a4a",
		quicDraft + 22: "ff000016", quicDraft + 23: "ff000017", quicDraft + 28: "ff00001c", quicDraft + 29: "ff00001d",
		quicDraft + 32: "ff000020", quicDraft + 33: "ff000021", quicDraft + 34: "ff000022",
		quicMVFST + 1: "faceb001", quicMVFST + 2: "faceb002", quicMVFST + 3: "faceb003", quicMVFST + 14: "faceb00e",
		quicT050: "T050", quicT051: "T051",
	} {
		text := quicText(t, Input{Data: quicSpec{version: version, dcid: rfcID, frames: frames, size: 1200}.seal(t)})
		assert.Contains(t, text, `quic_sni="example.com"`, name)
		assert.Contains(t, text, `version "`+name+`"`)
	}
	for _, version := range []uint32{0, 2, quicDraft + 21, quicDraft + 35, quicMVFST + 0x100, 0x0a0a0a0b, 'Q'<<24 | 0x303531} {
		_, ok := quicDialectOf(version)
		assert.False(t, ok, "%x", version)
	}
}

func TestQUICVarint(t *testing.T) {
	for text, want := range map[string]uint64{ // RFC 9000 appendix A.1
		"c2197c5eff14e88c": 151288809941952652,
		"9d7f3e7d":         494878333,
		"7bbd":             15293,
		"25":               37,
		"4025":             37,
	} {
		b, err := hex.DecodeString(text)
		require.NoError(t, err)
		c := wire.New(b)
		assert.Equal(t, want, quicVarint(&c), text)
		assert.True(t, c.OK() && c.Empty(), text)
		c = wire.New(b[:len(b)-1])
		quicVarint(&c)
		assert.False(t, c.OK(), text)
	}
}
