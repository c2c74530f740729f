// Package notifytest has a service manager for tests, which gets what the program notifies it of.
package notifytest

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Manager is a service manager. The environment of the test names it.
type Manager struct {
	t    testing.TB
	conn *net.UnixConn
}

// Listen starts a manager, which waits for signs of life if the watchdog is not 0.
func Listen(t testing.TB, watchdog time.Duration) *Manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", strconv.FormatInt(watchdog.Microseconds(), 10))
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	if watchdog == 0 {
		t.Setenv("WATCHDOG_USEC", "")
	}
	return &Manager{t, conn}
}

// Next returns the next notification.
func (m *Manager) Next() string {
	m.t.Helper()
	buf := make([]byte, 4096)
	n, err := m.conn.Read(buf)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(buf[:n])
}

// Await returns the next notification that has an assignment, such as READY=1.
func (m *Manager) Await(assignment string) string {
	m.t.Helper()
	for {
		if text := m.Next(); strings.Contains("\n"+text+"\n", "\n"+assignment+"\n") {
			return text
		}
	}
}
