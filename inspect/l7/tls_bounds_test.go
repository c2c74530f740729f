package l7

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// tlsGREASE is the n-th of the 16 reserved values (RFC 8701).
func tlsGREASE(n int) string {
	b := byte(n<<4 | 0x0a)
	return string([]byte{b, b})
}

// tlsOneRecord packs a handshake message into one record.
func tlsOneRecord(msg []byte) []byte { return tlsRecords(tls10, 1<<14, msg) }

func tlsList16(items string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(items)))) + items
}

// tlsALPN is the body of an ALPN extension.
func tlsALPN(names ...string) string {
	list := ""
	for _, name := range names {
		list += string([]byte{byte(len(name))}) + name
	}
	return tlsList16(list)
}

// TestGREASE: reserved values in any list of a hello, at any place, change neither the lists nor the fingerprints.
func TestGREASE(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grease := false
		list := func(plain ...string) (all string) {
			at := rapid.IntRange(0, len(plain)).Draw(t, "place")
			for i := 0; i <= len(plain); i++ {
				if grease && i == at {
					all += tlsGREASE(rapid.IntRange(0, 15).Draw(t, "value"))
				}
				if i < len(plain) {
					all += plain[i]
				}
			}
			return all
		}
		names := func() string {
			plain := []string{"h2", "http/1.1"}
			if grease {
				at := rapid.IntRange(0, 2).Draw(t, "place of a name")
				plain = append(plain[:at:at], append([]string{tlsGREASE(rapid.IntRange(0, 15).Draw(t, "name"))}, plain[at:]...)...)
			}
			return tlsALPN(plain...)
		}
		hello := func() []byte {
			versions := list("\x03\x04", "\x03\x03")
			exts := tlsExt(extServerName, tlsNames(tlsName(0, "a.example")))
			exts = append(exts, tlsExt(extSupportedVersions, string([]byte{byte(len(versions))})+versions)...)
			exts = append(exts, tlsExt(extGroups, tlsList16(list("\x00\x1d", "\x00\x17")))...)
			exts = append(exts, tlsExt(extSignatureAlgs, tlsList16(list("\x04\x03", "\x08\x04")))...)
			exts = append(exts, tlsExt(extALPN, names())...)
			if grease {
				exts = append(exts, tlsExt(binary.BigEndian.Uint16([]byte(tlsGREASE(3))), "")...)
			}
			return tlsOneRecord(tlsHello(tlsClientHello, tls12, nil, []byte(list("\x13\x01", "\x13\x02")), exts))
		}
		plain := tlsText(t, hello())
		grease = true
		require.Contains(t, plain, "ja4")
		require.Equal(t, plain, tlsText(t, hello()))
	})
}

// TestOnlyGREASE: a list with nothing but a reserved name is like none.
func TestOnlyGREASE(t *testing.T) {
	exts := tlsExt(extALPN, tlsALPN(tlsGREASE(4)))
	text := tlsText(t, tlsOneRecord(tlsHello(tlsClientHello, tls12, nil, suite, exts)))
	assert.NotContains(t, text, "alpn")
	assert.Contains(t, text, "t12i010100_")
}

// TestOverrunHasNoFingerprint: a hello in which a length leads beyond the part around it is reported, with the name if that can be
// read, and has no fingerprint: it would be one of bytes that mean something else.
func TestOverrunHasNoFingerprint(t *testing.T) {
	name := tlsExt(extServerName, tlsNames(tlsName(0, "a.example")))
	long := func(body string, at int, by byte) string { // makes the length at a place too large
		b := []byte(body)
		b[at] += by
		return string(b)
	}
	lists := map[string][]byte{
		"groups":            tlsExt(extGroups, long(tlsList16("\x00\x1d"), 1, 2)),
		"signatures":        tlsExt(extSignatureAlgs, long(tlsList16("\x04\x03"), 1, 1)),
		"versions":          tlsExt(extSupportedVersions, "\x04\x03\x04"),
		"formats":           tlsExt(extPointFormats, "\x02\x00"),
		"protocols":         tlsExt(extALPN, long(tlsALPN("h2"), 1, 7)),
		"name of protocol":  tlsExt(extALPN, long(tlsALPN("h2"), 2, 1)),
		"half a length":     tlsExt(extGroups, "\x00"),
		"extension":         []byte(long(string(tlsExt(99, "abc")), 3, 1)),
		"half an extension": []byte("\x00\x63\x00"),
	}
	for what, ext := range lists {
		hello := tlsHello(tlsClientHello, tls12, nil, suite, append(name[:len(name):len(name)], ext...))
		text := tlsText(t, tlsOneRecord(hello))
		assert.Contains(t, text, `sni "a.example"`, what)
		assert.NotContains(t, text, "ja", what)
	}
	whole := tlsHello(tlsClientHello, tls12, nil, suite, name)
	require.Contains(t, tlsText(t, tlsOneRecord(whole)), "ja4")
	for what, at := range map[string]int{"suites": 4 + 2 + 32 + 1 + 1, "methods": 4 + 2 + 32 + 1 + 2 + 2, "extensions": 4 + 2 + 32 + 1 + 2 + 2 + 2 + 1} {
		hello := append([]byte(nil), whole...)
		hello[at] += 200
		assert.NotContains(t, tlsText(t, tlsOneRecord(hello)), "ja", what)
	}
}

// TestServerHelloForms: up to draft 21 of TLS 1.3 a ServerHello has neither session ID nor compression method, whatever number its
// version has.
func TestServerHelloForms(t *testing.T) {
	exts := string(tlsExt(51, "\x00\x1d\x00\x01x"))
	rest := string(suite) + tlsList16(exts)
	usual := "\x00" + string(suite) + "\x00" + tlsList16(exts)
	for _, c := range []struct {
		version uint16
		rest    string
		want    string
	}{
		{tlsDraft + 14, rest, "TLS 1.3 draft-14"}, {tlsDraft + 18, rest, "TLS 1.3 draft-18"}, {tlsDraft + 21, rest, "TLS 1.3 draft-21"},
		{tlsTrial + 1, rest, "0x7e01"}, {tlsTrial + 2, usual, "0x7e02"}, {tls13, rest, "TLS 1.3"}, {tls13, usual, "TLS 1.3"},
	} {
		body := string(binary.BigEndian.AppendUint16(nil, c.version)) + strings.Repeat("r", 32) + c.rest
		text := tlsText(t, tlsOneRecord(append([]byte{tlsServerHello, 0, 0, byte(len(body))}, body...)))
		assert.Contains(t, text, "cipher 4865", c.want)
		assert.Contains(t, text, `version "`+c.want+`"`)
		assert.Contains(t, text, ",4865,51", c.want)
	}
}

// TestDraftRetry: the HelloRetryRequest of the drafts, a message of its own, comes before the ServerHello.
func TestDraftRetry(t *testing.T) {
	var h Hint
	var c Conn
	client := tlsOneRecord(someClient)
	require.Equal(t, Done, parseTLS(&h, &c, Input{Data: client}))
	body := "\x7f\x12" + tlsList16(string(tlsExt(51, "\x00\x17")))
	retry := tlsOneRecord(append([]byte{tlsRetry, 0, 0, byte(len(body))}, body...))
	server := "\x7f\x12" + strings.Repeat("r", 32) + string(suite) + tlsList16("")
	both := append(retry, tlsOneRecord(append([]byte{tlsServerHello, 0, 0, byte(len(server))}, server...))...)
	h.Reset()
	require.Equal(t, Done, parseTLS(&h, &c, Input{Data: both, Side: 1}))
	require.Equal(t, Interim, h.Role)
	require.Equal(t, len(retry), h.Next)
	h.Reset()
	require.Equal(t, Done, parseTLS(&h, &c, Input{Data: both[len(retry):], Side: 1}))
	require.Equal(t, Response, h.Role)
}
