//go:build ignore

// Get fetches each URL twice, over new connections, with Go's TLS. Its ClientHello offers X25519MLKEM768, and the second
// connection resumes the session of the first.
package main

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	t := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true, // the server's certificate is self-signed
			ClientSessionCache: tls.NewLRUClientSessionCache(8),
		},
		ForceAttemptHTTP2: true,
	}
	client := http.Client{Transport: t}
	for _, url := range os.Args[1:] {
		for range 2 {
			resp, err := client.Get(url)
			if err != nil {
				log.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
}
