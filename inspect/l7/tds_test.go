package l7

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// wrapTDS puts bytes into packets of TDS, with at most size bytes in each.
func wrapTDS(b []byte, size int) (packets []byte) {
	for number := byte(0); len(b) > 0; number++ {
		n := min(size, len(b))
		status := byte(0)
		if n == len(b) {
			status = tdsLast
		}
		packets = binary.BigEndian.AppendUint16(append(packets, tdsPrelogin, status), uint16(tdsHeader+n))
		packets = append(append(packets, 0, 0, number, 0), b[:n]...)
		b = b[n:]
	}
	return packets
}

// TestTLSInTDS: hellos of both sides that packets of TDS carry say what they say without, however the packets cut them, and as soon as
// they are complete.
func TestTLSInTDS(t *testing.T) {
	var all []recording
	for _, x := range recordings(t) {
		if x.proto == TLS {
			all = append(all, x)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SampledFrom(all).Draw(t, "exchange")
		size := rapid.IntRange(1, 4088).Draw(t, "size")
		var plain, wrapped Conn
		for _, side := range []uint8{0, 1} {
			var data []byte
			for _, s := range x.segs {
				if s.side == side {
					data = append(data, s.data...)
				}
			}
			want, got := message{parse: parseTLS, conn: plain}, message{parse: parseTLS, conn: wrapped}
			var h Hint
			a := want.try(t, &h, Input{Data: data, Side: side, Final: true})
			packets := wrapTDS(data, size)
			b := got.try(t, &h, Input{Data: packets, Side: side, Final: true})
			require.Equal(t, a.verdict, b.verdict)
			require.Equal(t, a.text, b.text)
			plain, wrapped = a.conn, b.conn
			if b.next > 0 && b.next < len(packets) {
				require.Positive(t, a.next)
			}
			cut := rapid.IntRange(0, len(packets)).Draw(t, "cut")
			if early := got.try(t, &h, Input{Data: packets[:cut], Side: side}); early.verdict != More {
				require.Equal(t, b.text, early.text)
			}
		}
	})
	require.True(t, beginsTLS(wrapTDS(tlsOneRecord(someClient), 1000)))
}

// TestTDSRejects: a table of options that leads out of its packet, or does not begin with the version, is not one of TDS.
func TestTDSRejects(t *testing.T) {
	packet := func(body string) []byte {
		b := binary.BigEndian.AppendUint16([]byte{tdsPrelogin, tdsLast}, uint16(tdsHeader+len(body)))
		return append(append(b, 0, 0, 0, 0), body...)
	}
	good := "\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff" + "123456" + "\x01"
	for _, body := range []string{
		strings.Replace(good, "\x00\x0b\x00\x06", "\x00\x0b\x00\x16", 1), strings.Replace(good, "\x00\x0b\x00\x06", "\x00\x00\x00\x06", 1),
		strings.Replace(good, "\x01\x00\x11", "\x08\x00\x11", 1), strings.Replace(good, "\xff", "\x02", 1), good[5:], "\xff123456",
	} {
		var h Hint
		require.Equal(t, Reject, parseTDS(&h, new(Conn), Input{Data: packet(body)}), "%q", body)
	}
	var h Hint
	require.Equal(t, Done, parseTDS(&h, new(Conn), Input{Data: packet(good)}))
}
