package l7

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestIsEncryptedQUIC(t *testing.T) {
	const v1, v2, draft29 = "\x00\x00\x00\x01", "\x6b\x33\x43\xcf", "\xff\x00\x00\x1d"
	for text, want := range map[string]bool{
		"":                     false,
		"\x40abc":              false, // too short for a packet
		"\x40abcd":             true,  // a short header
		"\x00abcd":             false, // without the fixed bit: another protocol
		"\xc0" + v1:            false, // Initial
		"\xd0" + v1:            true,  // 0-RTT
		"\xe0" + v1:            true,  // Handshake
		"\xf0" + v1:            false, // Retry
		"\xd0" + v2:            false, // version 2 numbers them otherwise
		"\xe0" + v2:            true,
		"\xf0" + v2:            true,
		"\xc0" + v2:            false,
		"\xe0" + draft29:       false,
		"\xe0\x00\x00\x00\x00": false, // version negotiation
	} {
		assert.Equal(t, want, IsEncryptedQUIC([]byte(text)), "%q", text)
	}
}

func TestIsEncryptedPublicQUIC(t *testing.T) {
	header := "\x0812345678\x04" + "0123456789ab"
	for text, want := range map[string]bool{
		"":                                 false,
		header:                             true,
		header + "secret":                  true,
		header + "\xa0\x01\x28\x00CHLO":    false,
		header + "\xa0\x01\x28\x00REJ\x00": false,
		header + "\xa0\x01\x28\x00SREJ":    false,
		header + "\xa0\x01\x28\x00SHLO":    false,
		"\x0912345678Q039\x01":             false, // with a version
		"\x0a12345678PRST":                 false, // a reset
		"\xc3\x00\x00\x00\x01":             false, // the IETF's header
		header + strings.Repeat(".", publicFront-len(header)-3) + "CHLO": true, // too far behind the header
		header + strings.Repeat(".", publicFront-len(header)-4) + "CHLO": false,
	} {
		assert.Equal(t, want, IsEncryptedPublicQUIC([]byte(text)), "%q", text)
	}
}

func TestHasPublicHeader(t *testing.T) {
	assert.False(t, HasPublicHeader(nil))
	assert.True(t, HasPublicHeader([]byte("\x0912345678Q039")))
	assert.False(t, HasPublicHeader([]byte("\xc3\x00\x00\x00\x01")))
}
