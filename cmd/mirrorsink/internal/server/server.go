// Package server runs HTTP servers for metrics and health, with timeouts that keep slow clients from holding connections.
package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// Server is an HTTP server on a socket of its own.
type Server struct {
	http *http.Server
	addr net.Addr
	done chan struct{} // closed when the server has ended
}

// Serve starts a server; what names it in errors. Its timeouts keep slow or idle clients from holding connections.
func Serve(what string, addr flags.Address, h http.Handler, log *slog.Logger) (*Server, error) {
	ln, err := net.Listen("tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("serve %s on %v: %w (give another address or off)", what, &addr, cause(err))
	}
	s := &Server{addr: ln.Addr(), done: make(chan struct{}), http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("server failed", "server", what, "error", err)
		}
	}()
	log.Info("serving", "what", what, "address", s.addr.String())
	return s, nil
}

// cause returns the error of the system call, without the words that package net puts around it.
func cause(err error) error {
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}

// Close ends the server and its connections.
func (s *Server) Close() {
	s.http.Close()
	<-s.done
}
