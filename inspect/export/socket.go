package export

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/disk"
)

const (
	// socketStall is how long a reader may take nothing before its connection is closed. Events wait in the queue meanwhile.
	socketStall = 2 * time.Second
	// socketRetryMin is the delay before the next attempt to connect. It doubles after each failure, up to socketRetryMax. Events
	// are dropped meanwhile.
	socketRetryMin, socketRetryMax = 100 * time.Millisecond, 5 * time.Second
)

var errDisconnected = errors.New("no reader is connected")

// socket is a unix stream socket on which a reader such as Filebeat or Vector listens. While no reader is connected, writes fail
// at once. A connection never begins within a line.
type socket struct {
	spec, path string
	retry      time.Duration // the delay after the next failure
	retryAt    time.Time

	mu     sync.Mutex // guards the following
	conn   net.Conn   // nil while no reader listens
	closed bool
}

func openSocket(spec, path string) (*socket, error) {
	o := &socket{spec: spec, path: path, retry: socketRetryMin}
	if _, err := o.connect(); err != nil {
		return nil, fmt.Errorf("event output %s: %w (start its reader first)", spec, err)
	}
	return o, nil
}

func (o *socket) connect() (net.Conn, error) {
	conn, err := net.DialTimeout("unix", o.path, socketStall)
	if err != nil {
		return nil, disk.Cause(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		conn.Close()
		return nil, os.ErrClosed
	}
	o.conn = conn
	return conn, nil
}

// Write writes lines, and connects first if necessary. A failed write closes the connection, since its last line may be
// incomplete.
func (o *socket) Write(p []byte) (int, error) {
	conn, err := o.connection()
	if err != nil {
		return 0, err
	}
	conn.SetWriteDeadline(time.Now().Add(socketStall))
	n, err := conn.Write(p)
	if err != nil {
		o.disconnect()
	}
	return n, err
}

// connection returns the connection. It connects if there is none and the retry delay is over.
func (o *socket) connection() (net.Conn, error) {
	o.mu.Lock()
	conn := o.conn
	o.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	if time.Now().Before(o.retryAt) {
		return nil, errDisconnected
	}
	conn, err := o.connect()
	if err != nil {
		o.retryAt = time.Now().Add(o.retry)
		o.retry = min(2*o.retry, socketRetryMax)
		return nil, err
	}
	o.retry = socketRetryMin
	return conn, nil
}

func (o *socket) disconnect() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn.Close()
	o.conn = nil
	o.retryAt = time.Now().Add(o.retry)
}

// Reopen does nothing: log rotation is about files.
func (o *socket) Reopen() error { return nil }

func (o *socket) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.conn == nil {
		return nil
	}
	return o.conn.Close()
}

func (o *socket) String() string { return o.spec }
