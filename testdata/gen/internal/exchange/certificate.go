package exchange

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/record"
)

// Files in workDir.
const (
	certFile    = "cert.pem"
	sessionFile = "session.pem"
	namedFile   = "named.pem" // a certificate with names of all sorts, and its key
)

// makeCertificate writes a key and a self-signed certificate.
func makeCertificate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	record.Must(err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"example.com"}, NotBefore: time.Now(),
		NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	record.Must(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	record.Must(err)
	out := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	record.Must(os.WriteFile(filepath.Join(workDir, certFile), out, 0o600))
}
