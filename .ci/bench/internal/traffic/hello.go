package traffic

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// hellos returns the first TLS record of each side of a connection.
func hellos(name string) (client, server []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	c, s := &recorder{Conn: a}, &recorder{Conn: b}
	served := make(chan error, 1)
	go func() {
		served <- tls.Server(s, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}}).Handshake()
	}()
	cfg := &tls.Config{ServerName: name, InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519}}
	if err := errors.Join(tls.Client(c, cfg).Handshake(), <-served); err != nil {
		return nil, nil, fmt.Errorf("make TLS hellos: %w", err)
	}
	return firstRecord(c.sent), firstRecord(s.sent), nil
}

// recorder keeps the bytes written to a connection.
type recorder struct {
	net.Conn
	sent []byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.sent = append(r.sent, b...)
	return r.Conn.Write(b)
}

func firstRecord(b []byte) []byte { return b[:5+int(binary.BigEndian.Uint16(b[3:]))] }
