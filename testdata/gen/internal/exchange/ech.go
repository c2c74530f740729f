package exchange

import (
	"crypto/ecdh"
	"crypto/rand"

	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/record"
)

// echConfigs returns an ECHConfigList (RFC 9849 section 4) with one key: X25519, HKDF-SHA256, AES-128-GCM.
func echConfigs() []byte {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	record.Must(err)
	const publicName = "provider.example.com"
	contents := append([]byte{7, 0, 0x20, 0, 32}, key.PublicKey().Bytes()...)
	contents = append(contents, 0, 4, 0, 1, 0, 1, 64, byte(len(publicName)))
	contents = append(append(contents, publicName...), 0, 0)
	config := append([]byte{0xfe, 0x0d, 0, byte(len(contents))}, contents...)
	return append([]byte{0, byte(len(config))}, config...)
}
