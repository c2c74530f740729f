package export

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// A reader that takes nothing for this long is treated as gone. Events wait in the queue meanwhile.
	socketStall = 2 * time.Second
	// How long to wait before connecting again, doubled after each failure. Events are dropped meanwhile.
	socketRetryMin, socketRetryMax = 100 * time.Millisecond, 5 * time.Second
)

var errAway = errors.New("its reader is away")

// socket is a unix stream socket, on which a reader such as Filebeat or Vector listens. When the reader goes away, writes
// fail at once until it is back. A connection never begins within a line.
type socket struct {
	spec, path string
	retry      time.Duration // the wait after the next failure
	retryAt    time.Time

	mu     sync.Mutex // guards the following
	conn   net.Conn   // nil while nobody listens
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
		return nil, cause(err)
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

// Write writes lines, connecting first if need be. A connection on which a write failed is given up, since its last line
// may be cut.
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

// connection returns the connection, making one unless it is too early to try again.
func (o *socket) connection() (net.Conn, error) {
	o.mu.Lock()
	conn := o.conn
	o.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	if time.Now().Before(o.retryAt) {
		return nil, errAway
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
