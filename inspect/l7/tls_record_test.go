package l7

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestTLSRecord(t *testing.T) {
	type header struct {
		size          int
		encrypted, ok bool
	}
	for text, want := range map[string]header{
		"":                             {},
		"\x16\x03\x01\x02":             {}, // cut in the header
		"\x16\x03\x01\x02\x00\x01":     {5 + 512, false, true},
		"\x15\x03\x03\x00\x02\x01\x00": {7, false, true},
		"\x18\x03\x02\x00\x10":         {21, false, true},
		"\x14\x03\x03\x00\x01\x01":     {6, true, true},
		"\x17\x03\x03\x40\x11":         {5 + 0x4011, true, true},
		"\x17\x03\x03\x00\x00":         {}, // without content
		"\x17\x02\x03\x00\x05":         {}, // no version of SSL 3 or TLS
		"\x19\x03\x03\x00\x05":         {}, // no type
		"GET / HTTP/1.1\r\n":           {},
	} {
		var got header
		got.size, got.encrypted, got.ok = TLSRecord([]byte(text))
		assert.Equal(t, want, got, "%q", text)
	}
}

func TestIsEncryptedTLSRecord(t *testing.T) {
	for text, want := range map[string]bool{
		"":                         false,
		"\x17\x03\x03\x00":         false,
		"\x17\x03\x03\x00\x01\x00": true,
		"\x17\x03\x03\x48\x00":     true, // the largest
		"\x17\x03\x03\x48\x01":     false,
		"\x17\x03\x05\x00\x01":     false,
		"\x14\x03\x03\x00\x01\x01": true,
		"\x14\x03\x03\x00\x02\x01": false,
		"\x16\x03\x03\x00\x10":     false,
	} {
		assert.Equal(t, want, IsEncryptedTLSRecord([]byte(text)), "%q", text)
	}
}

// TestEncryptedTLSRecordsAreRecords: the strict test holds only of what the other one takes for encrypted, too.
func TestEncryptedTLSRecordsAreRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := []byte{
			rapid.Uint8Range(18, 26).Draw(t, "type"), rapid.Uint8Range(2, 4).Draw(t, "major"), rapid.Uint8Range(0, 6).Draw(t, "minor"),
			rapid.Byte().Draw(t, "high"), rapid.Byte().Draw(t, "low"),
		}
		if size, encrypted, ok := TLSRecord(b); IsEncryptedTLSRecord(b) {
			assert.True(t, ok && encrypted, "%x", b)
			assert.Greater(t, size, tlsRecordHeader)
		}
	})
}
