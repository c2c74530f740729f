// Package web is the web servers of the captures, and a client.
package web

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Serve serves HTTP on port 80 and HTTPS on port 443 of every address, with a self-signed certificate, until one of them fails.
func Serve() error {
	failed := make(chan error, 2)
	go func() { failed <- http.ListenAndServe(":80", handler()) }()
	s := &http.Server{Addr: ":443", Handler: handler(), TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate()}}}
	go func() { failed <- s.ListenAndServeTLS("", "") }()
	return <-failed
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
