package l7

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// dtlsRecord packs the bytes [off, end) of a handshake message's body into a record.
func dtlsRecord(typ byte, number uint16, body []byte, off, end int) []byte {
	u24 := func(n int) []byte { return []byte{byte(n >> 16), byte(n >> 8), byte(n)} }
	b := binary.BigEndian.AppendUint16([]byte{tlsHandshake, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 7}, uint16(dtlsMessageHeader+end-off))
	b = append(append(b, typ), u24(len(body))...)
	b = binary.BigEndian.AppendUint16(b, number)
	b = append(append(b, u24(off)...), u24(end-off)...)
	return append(b, body[off:end]...)
}

// dtlsHello is the body of a ClientHello of DTLS.
func dtlsHello(version uint16, cookie, exts []byte) []byte {
	b := tlsHello(tlsClientHello, version, nil, suite, exts)[tlsHandshakeHeader:]
	const session = 2 + 32 + 1
	return join(b[:session], []byte{byte(len(cookie))}, cookie, b[session:])
}

// dtlsHellos returns the bodies of all ClientHellos of the recordings, and one that is larger than a datagram.
func dtlsHellos(t *testing.T) (hellos [][]byte) {
	for _, x := range recordings(t) {
		if x.proto != DTLS {
			continue
		}
		var a Assembly
		for _, s := range x.segs {
			if s.side != 0 || s.data[dtlsHeaders-7] != 0 { // the first message's number
				continue
			}
			off := int(s.data[dtlsHeaders-6])<<16 | int(s.data[dtlsHeaders-5])<<8 | int(s.data[dtlsHeaders-4])
			a.Add(off, s.data[dtlsHeaders:])
		}
		hellos = append(hellos, bytes.Clone(a.Front()))
	}
	require.GreaterOrEqual(t, len(hellos), 2)
	name := tlsExt(extServerName, tlsNames(tlsName(0, "large.example")))
	return append(hellos, dtlsHello(dtls12, nil, append(tlsExt(51, string(make([]byte, 3000))), name...)))
}

const dtlsHeaders = 13 + dtlsMessageHeader

// dtlsSays parses a datagram and returns the verdict, and what is printed.
func dtlsSays(t require.TestingT, data []byte, state *State) (Verdict, string) {
	var h Hint
	var c Conn
	v := parseDTLS(&h, &c, Input{Data: data, Final: true, State: state})
	if v != Done {
		return v, ""
	}
	checkHint(t, &h)
	var text strings.Builder
	printMessage(&text, 0, &h)
	return v, text.String()
}

// TestDTLSPieces cuts hellos into fragments that overlap, come twice and in any order, in any number of datagrams, with
// datagrams of other protocols between them: the hint stays the same, and is there once all bytes are.
func TestDTLSPieces(t *testing.T) {
	hellos := dtlsHellos(t)
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SampledFrom(hellos).Draw(t, "hello")
		_, want := dtlsSays(t, dtlsRecord(tlsClientHello, 0, body, 0, len(body)), nil)
		require.NotEmpty(t, want)
		fragments := dtlsFragments(t, len(body))
		state := new(State)
		missing := bytes.Repeat([]byte{1}, len(body))
		for len(fragments) > 0 {
			var data []byte
			for n := rapid.IntRange(1, 3).Draw(t, "records"); n > 0 && len(fragments) > 0; n-- {
				p := fragments[0]
				fragments = fragments[1:]
				data = append(data, dtlsRecord(tlsClientHello, 0, body, p[0], p[1])...)
				clear(missing[p[0]:p[1]])
			}
			foreign, _ := dtlsSays(t, []byte("\x00\x01\x00\x00\x21\x12\xa4\x42"), state)
			require.Equal(t, Reject, foreign)
			verdict, got := dtlsSays(t, data, state)
			if bytes.IndexByte(missing, 1) < 0 {
				require.Equal(t, want, got)
				require.Empty(t, state.hello.Front(), "the state is as new")
				return
			}
			require.Equal(t, More, verdict)
			require.LessOrEqual(t, state.Size(), Window)
		}
		require.Fail(t, "all fragments, and no verdict")
	})
}

// dtlsFragments draws ranges that together are all of a message of the given size, in any order.
func dtlsFragments(t *rapid.T, size int) (fragments [][2]int) {
	for off := 0; off < size; {
		end := min(size, off+rapid.IntRange(1, 700).Draw(t, "size"))
		fragments = append(fragments, [2]int{max(0, off-rapid.IntRange(0, 20).Draw(t, "overlap")), end})
		off = end
	}
	if len(fragments) == 1 { // it would be whole in the first record
		fragments = [][2]int{{0, size / 2}, {size / 2, size}}
	}
	fragments = append(fragments, rapid.SliceOfN(rapid.SampledFrom(fragments), 0, 5).Draw(t, "twice")...)
	return rapid.Permutation(fragments).Draw(t, "order")
}

// TestDTLSBeginsAnew has a client that starts over with a cookie before all of its first hello was seen.
func TestDTLSBeginsAnew(t *testing.T) {
	exts := tlsExt(extServerName, tlsNames(tlsName(0, "anew.example")))
	first, second := dtlsHello(dtls12, nil, exts), dtlsHello(dtls12, []byte("cookie"), exts)
	state := new(State)
	for _, data := range [][]byte{
		dtlsRecord(tlsClientHello, 0, first, 0, 60),
		dtlsRecord(tlsClientHello, 1, second, 60, len(second)),
	} {
		verdict, _ := dtlsSays(t, data, state)
		require.Equal(t, More, verdict)
	}
	_, got := dtlsSays(t, dtlsRecord(tlsClientHello, 1, second, 0, 60), state)
	assert.Contains(t, got, `sni="anew.example"`)
}

// TestDTLSCut takes from a hello that was cut, or whose state could not be kept, what is there.
func TestDTLSCut(t *testing.T) {
	exts := append(tlsExt(extServerName, tlsNames(tlsName(0, "cut.example"))), tlsExt(21, string(make([]byte, 100)))...)
	body := dtlsHello(dtls12, nil, exts)
	for _, data := range [][]byte{
		dtlsRecord(tlsClientHello, 0, body, 0, len(body))[:dtlsHeaders+len(body)-50],
		dtlsRecord(tlsClientHello, 0, body, 0, len(body)-50),
	} {
		_, got := dtlsSays(t, data, nil)
		assert.Contains(t, got, `sni="cut.example"`)
		assert.NotContains(t, got, "ja4")
	}
	verdict, _ := dtlsSays(t, dtlsRecord(tlsClientHello, 0, body, 50, len(body)), nil)
	assert.Equal(t, Reject, verdict)
}

func TestDTLSVersions(t *testing.T) {
	for _, c := range []struct {
		version       uint16
		list          string
		printed, head string
	}{
		{dtls10, "", "DTLS 1.0", "dd1i0100"},
		{dtls12, "", "DTLS 1.2", "dd2i0100"},
		{dtls12, "\x04\xfe\xfd\xfe\xfc", "DTLS 1.3", "dd3i0101"},
	} {
		var exts []byte
		if c.list != "" {
			exts = tlsExt(extSupportedVersions, c.list)
		}
		body := dtlsHello(c.version, nil, exts)
		var h Hint
		require.Equal(t, Done, parseDTLS(&h, new(Conn), Input{Data: dtlsRecord(tlsClientHello, 0, body, 0, len(body)), Final: true}))
		assert.Equal(t, c.printed, fieldText(&h, "version"))
		assert.Equal(t, c.head, fieldText(&h, "ja4")[:8])
	}
}

// TestDTLSRejects changes each byte of the headers whose value is fixed.
func TestDTLSRejects(t *testing.T) {
	body := dtlsHello(dtls12, nil, nil)
	whole := dtlsRecord(tlsClientHello, 0, body, 0, len(body))
	verdict, _ := dtlsSays(t, whole, new(State))
	require.Equal(t, Done, verdict)
	for i := range dtlsHeaders + 2 {
		if i == 9 || i == 10 || i == 15 { // a record may have any number, and a message be longer than its first fragment
			continue
		}
		bad := bytes.Clone(whole)
		bad[i] ^= 0x22
		verdict, _ := dtlsSays(t, bad, nil)
		assert.Equal(t, Reject, verdict, "byte %d", i)
	}
}

// TestDTLSVerify has a request for a cookie, and one whose length is not its cookie's.
func TestDTLSVerify(t *testing.T) {
	verify := []byte{0xfe, 0xff, 4, 1, 2, 3, 4}
	_, got := dtlsSays(t, dtlsRecord(dtlsHelloVerify, 0, verify, 0, len(verify)), nil)
	assert.Equal(t, "> interim\n", got)
	verify[2]++
	verdict, _ := dtlsSays(t, dtlsRecord(dtlsHelloVerify, 0, verify, 0, len(verify)), nil)
	assert.Equal(t, Reject, verdict)
}
