//go:build ignore

// Get fetches each URL twice, over a new connection each time, with Go's own TLS: its ClientHello offers
// X25519MLKEM768, and the second one resumes the first one's session.
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
			InsecureSkipVerify: true, // the server signed its certificate itself
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
