//go:build ignore

// Server is the remote end of the captures: a DNS server with its own zone on the given addresses, and web servers on ports 80
// and 443 of every address, with a self-signed certificate.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func main() {
	dns := flag.String("dns", "127.0.0.1", "addresses of the DNS server, separated by commas")
	flag.Parse()
	for addr := range strings.SplitSeq(*dns, ",") {
		go serveDNSDatagrams(net.JoinHostPort(addr, "53"))
		go serveDNSStreams(net.JoinHostPort(addr, "53"))
	}
	go func() { log.Fatal(http.ListenAndServe(":80", handler())) }()
	s := &http.Server{Addr: ":443", Handler: handler(), TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate()}}}
	log.Fatal(s.ListenAndServeTLS("", ""))
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "this is %s\n", r.Host) })
	mux.HandleFunc("/bytes/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		w.Header().Set("Content-Length", strconv.Itoa(n))
		io.WriteString(w, strings.Repeat("mirror \n", n/8+1)[:n])
	})
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "part %d\n", i)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "%d bytes\n", n)
	})
	mux.Handle("/old", http.RedirectHandler("/", http.StatusMovedPermanently))
	return mux
}

// certificate returns a certificate with an ECDSA key, which keeps handshakes small.
func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "example.com"},
		DNSNames:     []string{"example.com", "*.example.com", "*.example.net", "*.example.org"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
