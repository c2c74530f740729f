package l7

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mirrorsink/mirrorsink/decap/wire"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// tlsRecords packs a handshake message into records of the given version, with at most size bytes in each.
func tlsRecords(version uint16, size int, msg []byte) (b []byte) {
	for len(msg) > 0 {
		n := min(size, len(msg))
		b = binary.BigEndian.AppendUint16(append(b, tlsHandshake), version)
		b = append(binary.BigEndian.AppendUint16(b, uint16(n)), msg[:n]...)
		msg = msg[n:]
	}
	return b
}

// tlsHello packs a ClientHello or, with one cipher suite and no lists, the parts that a ServerHello has of it.
func tlsHello(typ byte, version uint16, session []byte, suites, exts []byte) []byte {
	body := binary.BigEndian.AppendUint16(nil, version)
	body = append(body, bytes.Repeat([]byte{0x55}, 32)...)
	body = append(append(body, byte(len(session))), session...)
	if typ == tlsClientHello {
		body = binary.BigEndian.AppendUint16(body, uint16(len(suites)))
		body = append(append(body, suites...), 1)
	} else {
		body = append(body, suites...)
	}
	body = append(body, 0)
	if exts != nil {
		body = append(binary.BigEndian.AppendUint16(body, uint16(len(exts))), exts...)
	}
	return append([]byte{typ, 0, byte(len(body) >> 8), byte(len(body))}, body...)
}

func tlsExt(typ uint16, body string) []byte {
	b := binary.BigEndian.AppendUint16(nil, typ)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body))), body...)
}

// tlsNames is the body of a server_name extension.
func tlsNames(entries ...string) string {
	list := strings.Join(entries, "")
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(list)))) + list
}

func tlsName(typ byte, name string) string {
	return string(binary.BigEndian.AppendUint16([]byte{typ}, uint16(len(name)))) + name
}

var (
	suite      = []byte{0x13, 0x01}
	someClient = tlsHello(tlsClientHello, tls12, nil, suite, tlsExt(extServerName, tlsNames(tlsName(0, "a.example"))))
)

// tlsText parses a message of a new connection that is all there, and returns what is printed, empty if it is rejected.
func tlsText(t require.TestingT, data []byte) string {
	m := message{parse: parseTLS}
	var h Hint
	return m.try(t, &h, Input{Data: data, Final: true}).text
}

// TestTLSRecords cuts hellos into records of any sizes and versions: the hint stays the same.
func TestTLSRecords(t *testing.T) {
	hellos := [][]byte{someClient}
	for _, x := range recordings(t) {
		if x.proto == TLS {
			messages := tlsMessages{h: new(Hint), records: wire.New(x.segs[0].data)}
			if msg, _ := messages.next(); tlsWhole(msg) {
				hellos = append(hellos, msg)
			}
		}
	}
	require.Greater(t, len(hellos), 5)
	rapid.Check(t, func(t *rapid.T) {
		msg := rapid.SampledFrom(hellos).Draw(t, "hello")
		var h Hint
		m := message{parse: parseTLS}
		want := m.try(t, &h, Input{Data: tlsRecords(0x0301, maxTLSRecord, msg)})
		require.Equal(t, Done, want.verdict)

		var data []byte
		for rest := msg; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "size")
			version := rapid.Uint16Range(0x0300, 0x0304).Draw(t, "version")
			data = append(data, tlsRecords(version, n, rest[:n])...)
			rest = rest[n:]
		}
		require.Equal(t, want, m.try(t, &h, Input{Data: data}))
		cut := rapid.IntRange(0, len(data)-1).Draw(t, "cut")
		require.Equal(t, More, m.try(t, &h, Input{Data: data[:cut]}).verdict)
	})
}

// TestTLSNames: a name that cannot be a host name is printed, but does not become the name of the flow.
func TestTLSNames(t *testing.T) {
	for _, c := range []struct{ ext, sni, name string }{
		{tlsNames(tlsName(0, "a.example")), "a.example", "a.example"},
		{tlsNames(tlsName(0, "a.example"), tlsName(0, "b.example")), "a.example", "a.example"},
		{tlsNames(tlsName(1, "other"), tlsName(0, "b.example")), "b.example", "b.example"},
		{tlsNames(tlsName(0, "")), "no sni", ""},
		{tlsNames(tlsName(0, "_dns.192-0-2-1.ex\xc3\xa4mple")), "_dns.192-0-2-1.ex\xc3\xa4mple", "_dns.192-0-2-1.ex\xc3\xa4mple"},
		{tlsNames(tlsName(0, "a.example\x00.evil")), "a.example\x00.evil", ""},
		{tlsNames(tlsName(0, "a b")), "a b", ""},
		{tlsNames(tlsName(0, strings.Repeat("a", 256))), strings.Repeat("a", 256), ""},
		{tlsNames(tlsName(0, "a.example"))[:9], "no sni", ""},
		{"", "no sni", ""},
	} {
		msg := tlsHello(tlsClientHello, tls12, nil, suite, tlsExt(extServerName, c.ext))
		var h Hint
		require.Equal(t, Done, parseTLS(&h, new(Conn), Input{Data: tlsRecords(0x0301, maxTLSRecord, msg)}), "%q", c.ext)
		assert.Equal(t, c.sni, fieldText(&h, "sni"))
		assert.Equal(t, c.name, string(h.Name))
	}
}

// TestTLSCut takes from a hello that was cut what is there.
func TestTLSCut(t *testing.T) {
	whole := tlsRecords(0x0301, maxTLSRecord, someClient)
	assert.Contains(t, tlsText(t, whole), `sni "a.example"`)
	noName := tlsText(t, whole[:len(whole)-1])
	assert.Contains(t, noName, `client_handshake {version "TLS 1.2"}`)
	assert.NotContains(t, noName, "sni")
	assert.Empty(t, tlsText(t, whole[:5+4+2+32+1+2+1]), "no whole cipher suite")

	name := tlsExt(extServerName, tlsNames(tlsName(0, "b.example")))
	padded := tlsHello(tlsClientHello, tls12, nil, suite, append(name, tlsExt(21, strings.Repeat("\x00", 2000))...))
	assert.Contains(t, tlsText(t, tlsRecords(0x0301, maxTLSRecord, padded)[:300]), `sni="b.example"`)
}

func TestTLSRejects(t *testing.T) {
	record := func(msg []byte) []byte { return tlsRecords(0x0301, maxTLSRecord, msg) }
	for name, data := range map[string][]byte{
		"an alert before a hello":      {21, 3, 3, 0, 2, 2, 40},
		"a gesture before a retry":     {20, 3, 3, 0, 1, 1},
		"application data":             {23, 3, 3, 0, 4, 1, 2, 3, 4},
		"a record of version 3.5":      append([]byte{22, 3, 5}, record(someClient)[3:]...),
		"an empty record":              append([]byte{22, 3, 1, 0, 0}, record(someClient)...),
		"a record of 16385 bytes":      append([]byte{22, 3, 1, 0x40, 1}, record(someClient)[5:]...),
		"another handshake message":    record(append([]byte{11}, someClient[1:]...)),
		"a hello of 37 bytes":          record(append([]byte{1, 0, 0, 37, 3, 3}, make([]byte, 35)...)),
		"a hello of 16 MB":             record(append([]byte{1, 0xff}, someClient[2:]...)),
		"a hello of version 4":         record(tlsHello(tlsClientHello, 0x0400, nil, suite, nil)),
		"a session ID of 33 bytes":     record(tlsHello(tlsClientHello, tls12, make([]byte, 33), suite, nil)),
		"an odd list of cipher suites": record(tlsHello(tlsClientHello, tls12, nil, append(suite, 0), nil)),
		"no cipher suite":              record(tlsHello(tlsClientHello, tls12, nil, nil, []byte{})),
		"another record in the middle": append(record(someClient[:20]), append([]byte{23, 3, 1, 0, 50}, make([]byte, 50)...)...),
	} {
		assert.Empty(t, tlsText(t, data), name)
	}
}

// TestTLSAlert reads alerts in the place of a ServerHello, where anything else is none.
func TestTLSAlert(t *testing.T) {
	greeted := Conn{Mode: [2]uint8{tlsGreeted}}
	for _, c := range []struct {
		data string
		role Role
		want Verdict
	}{
		{"\x15\x03\x03\x00\x02\x02\x28", Response, Done},
		{"\x15\x03\x01\x00\x02\x01\x00", Response, Done},
		{"\x15\x03\x01\x00\x02\x01\x70", Interim, Done},
		{"\x15\x03\x01\x00\x02\x03\x28", 0, Reject},
		{"\x15\x03\x01\x00\x01\x02\x16", 0, Reject},
		{"\x15\x03\x01\x00\x1a\x02\x28\x00", 0, Reject},
		{"\x15\x03\x01\x00\x02\x02", 0, More},
	} {
		var h Hint
		conn := greeted
		assert.Equal(t, c.want, parseTLS(&h, &conn, Input{Data: []byte(c.data), Side: 1}), "%x", c.data)
		if c.want == Done {
			assert.Equal(t, c.role, h.Role, "%x", c.data)
		}
	}
}

// TestTLSVersions has the server's choice from both places where it may stand.
func TestTLSVersions(t *testing.T) {
	for _, c := range []struct {
		legacy uint16
		ext    string
		want   string
	}{
		{0x0300, "", "SSLv3"},
		{0x0301, "", "TLS 1.0"},
		{0x0302, "", "TLS 1.1"},
		{0x0303, "", "TLS 1.2"},
		{0x0303, "\x03\x04", "TLS 1.3"},
		{0x0303, "\x7f\x1c", "TLS 1.3 draft-28"},
		{0x0303, "\xfb\x1a", "TLS 1.3 draft-26-fb"},
		{0x0303, "\xfa\xce", "0xface"},
	} {
		exts := []byte{}
		if c.ext != "" {
			exts = tlsExt(extSupportedVersions, c.ext)
		}
		text := tlsText(t, tlsRecords(0x0303, maxTLSRecord, tlsHello(tlsServerHello, c.legacy, nil, suite, exts)))
		assert.Contains(t, text, "  version \""+c.want+"\"\n", "%x", c)
		assert.Contains(t, text, "cipher 4865")
	}
	// Until draft 21 a ServerHello had neither session ID nor compression method; RFC 8446 appendix D names the change.
	draft18 := append([]byte{2, 0, 0, 38, 0x7f, 0x12}, append(make([]byte, 32), 0x13, 0x01, 0, 0)...)
	assert.Contains(t, tlsText(t, tlsRecords(0x0301, maxTLSRecord, draft18)), "TLS 1.3 draft-18")
}

func TestTLSClientVersions(t *testing.T) {
	for list, want := range map[string]string{
		"\x06\x9a\x9a\x03\x04\x03\x03": "TLS 1.3", // the first is GREASE
		"\x04\x7f\x17\x03\x03":         "TLS 1.3 draft-23",
		"\x04\x03\x04\x7f\x17":         "TLS 1.3",
		"\x02\x03\x01":                 "TLS 1.2",
	} {
		msg := tlsHello(tlsClientHello, tls12, nil, []byte{0x1a, 0x1a, 0x13, 1}, tlsExt(extSupportedVersions, list))
		text := tlsText(t, tlsRecords(0x0301, maxTLSRecord, msg))
		assert.Contains(t, text, "version \""+want+"\"", "%x", list)
		assert.Contains(t, text, ",4865,")
	}
}

// TestTLSResumption has a server take up a session by its ID or, from TLS 1.3 on, by a key that was shared before.
func TestTLSResumption(t *testing.T) {
	id, other := []byte("0123456789abcdef"), []byte("fedcba9876543210")
	psk := join(tlsExt(extSupportedVersions, "\x03\x04"), tlsExt(extPreSharedKey, "\x00\x00"))
	for _, c := range []struct {
		name           string
		client, server []byte
		exts           []byte
		want           bool
	}{
		{"echo", id, id, nil, true},
		{"a new ID", id, other, nil, false},
		{"a shorter ID", id, id[:8], nil, false},
		{"no ID", nil, nil, nil, false},
		{"echo in TLS 1.3", id, id, tlsExt(extSupportedVersions, "\x03\x04"), false},
		{"key", id, id, psk, true},
	} {
		var h Hint
		var conn Conn
		client := tlsRecords(0x0301, maxTLSRecord, tlsHello(tlsClientHello, tls12, c.client, suite, nil))
		require.Equal(t, Done, parseTLS(&h, &conn, Input{Data: client}))
		h.Reset()
		server := tlsRecords(0x0301, maxTLSRecord, tlsHello(tlsServerHello, tls12, c.server, suite, c.exts))
		require.Equal(t, Done, parseTLS(&h, &conn, Input{Data: server, Side: 1, Final: true}))
		var text strings.Builder
		printMessage(&text, 1, &h)
		assert.Equal(t, c.want, strings.Contains(text.String(), "session_resumed true"), c.name)
	}
}

// TestSSLv2 reads the hello in which old clients offered SSL 3.0 and TLS beside SSL 2.0.
func TestSSLv2(t *testing.T) {
	const hello = "802e0100020015000000100100800300800700c006004002008004008000000401020304050607080102030405060708"
	data, err := hex.DecodeString(hello)
	require.NoError(t, err)
	data[1] = byte(len(data) - 2)
	text := tlsText(t, data)
	assert.Contains(t, text, "version \"SSLv2\"")
	assert.Contains(t, text, "ciphers {65664, 196736, 458944, 393280, 131200, 262272, 4}")

	var h Hint
	for n := range data {
		require.Equal(t, More, parseTLS(&h, new(Conn), Input{Data: data[:n]}))
	}
	for i := range 11 { // the lengths, the type and the version
		bad := bytes.Clone(data)
		bad[i] ^= 0x41
		assert.Empty(t, tlsText(t, bad), "byte %d", i)
	}
}

// TestTLSBounds has the longest lists that a window has room for.
func TestTLSBounds(t *testing.T) {
	many := strings.Repeat("\x01\x01\x00\x00", 1500)
	msg := tlsHello(tlsClientHello, tls12, nil, bytes.Repeat(suite, 2000), join([]byte(many),
		tlsExt(extALPN, "\x0b\xb8"+strings.Repeat("\x01x", 1500)), tlsExt(extSignatureAlgs, "\x07\xd0"+strings.Repeat("\x04\x03", 1000))))
	assert.NotEmpty(t, tlsText(t, tlsRecords(0x0301, maxTLSRecord, msg))) // the bounds are checkHint's
}
