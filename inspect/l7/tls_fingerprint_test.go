package l7

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mirrorsink/mirrorsink/decap/wire"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// u16s packs numbers that are given in hex, as in JA4's text.
func u16s(t *testing.T, list string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(list, ",", ""))
	require.NoError(t, err)
	return b
}

// bare packs extensions of the given types without a body.
func bare(types ...uint16) (b []byte) {
	for _, typ := range types {
		b = append(b, tlsExt(typ, "")...)
	}
	return b
}

func counted16(list []byte) string {
	return string(append(binary.BigEndian.AppendUint16(nil, uint16(len(list))), list...))
}

// fingerprint parses a hello and returns what is printed as key.
func fingerprint(t *testing.T, msg []byte, key string) string {
	var h Hint
	require.Equal(t, Done, parseTLS(&h, new(Conn), Input{Data: tlsRecords(0x0301, maxTLSRecord, msg), Final: true}))
	return fieldText(&h, key)
}

// TestJA3 has the vectors of JA3's README, and GREASE in every list.
func TestJA3(t *testing.T) {
	short := tlsHello(tlsClientHello, tls10, nil, u16s(t, "0004,0005,000a,0009,0064,0062,0003,0006,0013,0012,0063"), nil)
	assert.Equal(t, "769,4-5-10-9-100-98-3-6-19-18-99,,,", fingerprint(t, short, "string"))
	assert.Equal(t, "de350869b8c85de67a350c8d186f11e6", fingerprint(t, short, "hash"))

	ciphers := "002f,0035,0005,000a,c009,c00a,c013,c014,0032,0038,0013,0004"
	for _, grease := range []bool{false, true} {
		names, formats := tlsExt(extServerName, tlsNames(tlsName(0, "a.example"))), tlsExt(extPointFormats, "\x01\x00")
		suites, groups, first := u16s(t, ciphers), "\x00\x06\x00\x17\x00\x18\x00\x19", []byte{}
		if grease {
			suites = append([]byte{0x2a, 0x2a}, suites...)
			groups = "\x00\x08\xda\xda\x00\x17\x00\x18\x00\x19"
			first = tlsExt(0x1a1a, "x")
		}
		msg := tlsHello(tlsClientHello, tls10, nil, suites, join(first, names, tlsExt(extGroups, groups), formats))
		assert.Equal(t, "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0", fingerprint(t, msg, "string"))
		assert.Equal(t, "ada70206e40642a3e4461f35503241d5", fingerprint(t, msg, "hash"))
	}
}

// TestJA3S has the vectors of JA3S's README.
func TestJA3S(t *testing.T) {
	for text, want := range map[string]string{
		"769,47,65281-0-11-35-5-16": "836ce314215654b5b1f85f97c73e506f",
		"769,47,":                   "18e962e106761869a61045bed0e81c2c",
	} {
		var exts []byte
		if strings.Contains(text, "65281") {
			exts = bare(65281, 0, 11, 35, 5, 16)
		}
		msg := tlsHello(tlsServerHello, tls10, nil, []byte{0, 47}, exts)
		assert.Equal(t, text, fingerprint(t, msg, "string"))
		assert.Equal(t, want, fingerprint(t, msg, "hash"))
	}
}

// TestJA4 has the example of JA4's text: whole, without signature algorithms, without any extension, and with GREASE.
func TestJA4(t *testing.T) {
	const (
		ciphers  = "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"
		versions = "\x06\x9a\x9a\x03\x04\x03\x03"
		algs     = "0403,0804,0401,0503,0805,0501,0806,0601"
	)
	exts := func(sigAlgs string, more ...[]byte) []byte {
		return join(append(more, bare(0x1b), tlsExt(extServerName, tlsNames(tlsName(0, "a.example"))), bare(0x33),
			tlsExt(extALPN, "\x00\x0c\x02h2\x08http/1.1"), bare(0x4469, 0x17, 0x2d), tlsExt(extSignatureAlgs, sigAlgs),
			bare(5, 0x23, 0x12), tlsExt(extSupportedVersions, versions), bare(0xff01, 0xb, 0xa, 0x15))...)
	}
	hello := func(ciphers string, exts []byte) string {
		return fingerprint(t, tlsHello(tlsClientHello, tls12, nil, u16s(t, ciphers), exts), "ja4")
	}
	want := "t13d1516h2_8daaf6152771_e5627efa2ab1"
	assert.Equal(t, want, hello(ciphers, exts(counted16(u16s(t, algs)))))
	assert.Equal(t, want, hello("3a3a,"+ciphers, exts(counted16(u16s(t, algs+",4a4a")), tlsExt(0xeaea, ""))))
	assert.Equal(t, "t13d1516h2_8daaf6152771_6d807ffa2a79", hello(ciphers, exts("")))
	assert.Equal(t, "t12i150000_8daaf6152771_000000000000", hello(ciphers, nil))
	assert.Equal(t, "t12i000000_000000000000_000000000000", hello("0a0a", nil))
	assert.Equal(t, "t12i9900", hello(strings.Repeat("c030", 120), nil)[:8])
}

// TestJA4ALPN has the examples of JA4's text.
func TestJA4ALPN(t *testing.T) {
	for name, want := range map[string]string{
		"h2": "h2", "http/1.1": "h1", "h": "hh", "": "00",
		"\xab": "ab", "\xab\xcd": "ad", "0\xab": "3b", "01\xab\xcd": "3d", "0\xab\xcd1": "01",
	} {
		assert.Equal(t, want, string(appendJA4ALPN(nil, []byte(name))), "%q", name)
	}
}

// TestJA4Versions takes the highest version by its number, which is how drafts come to have none.
func TestJA4Versions(t *testing.T) {
	for _, c := range []struct {
		version  uint16
		versions string
		want     string
	}{
		{0x0300, "", "s3"}, {0x0301, "", "10"}, {0x0302, "", "11"}, {0x0303, "", "12"}, {0x0304, "", "13"},
		{0x0303, "\x04\x03\x01\x03\x02", "11"}, {0x0303, "\x04\x03\x04\x7f\x1c", "00"}, {0x0303, "\x02\x2a\x2a", "12"},
		{0xfeff, "", "d1"}, {0xfefd, "", "d2"}, {0xfefd, "\x04\xfe\xfd\xfe\xfc", "d3"},
	} {
		body := tlsHello(tlsClientHello, c.version, nil, suite, tlsExt(extSupportedVersions, c.versions))[4:]
		hello, ok := readClientHello(wire.New(body), true, false)
		require.True(t, ok)
		assert.Equal(t, c.want, hello.ja4Version(), "%x", c)
	}
}

// TestFingerprintOfAll holds that a hello that was cut has no fingerprint: it would be another client's.
func TestFingerprintOfAll(t *testing.T) {
	data := tlsRecords(0x0301, maxTLSRecord, someClient)
	assert.Contains(t, tlsText(t, data), "ja4 ")
	cut := tlsText(t, data[:len(data)-1])
	assert.NotEmpty(t, cut)
	assert.NotContains(t, cut, "ja")
}
