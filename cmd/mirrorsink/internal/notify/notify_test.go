package notify_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/notify"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/notify/notifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStates(t *testing.T) {
	s := notifytest.Listen(t, 0)
	m := notify.Open(slog.New(slog.DiscardHandler))
	m.Ready("receiving")
	assert.Equal(t, "READY=1\nSTATUS=receiving", s.Next())
	m.Status("still receiving")
	assert.Equal(t, "STATUS=still receiving", s.Next())
	m.Stopping("draining", 1500*time.Millisecond)
	assert.Equal(t, "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=1500000", s.Next())
}

// lines counts what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// TestSignsOfLife: they come while the work goes on, end while it does not, which is logged once, and come again when it does.
func TestSignsOfLife(t *testing.T) {
	s := notifytest.Listen(t, 9*time.Millisecond)
	log := new(lines)
	m := notify.Open(slog.New(slog.NewTextHandler(log, nil)))
	var alive atomic.Bool
	var looks atomic.Int64
	alive.Store(true)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.Keep(ctx, func() bool { looks.Add(1); return alive.Load() })
	}()
	for range 5 {
		require.Equal(t, "WATCHDOG=1", s.Next())
	}
	alive.Store(false)
	for from := looks.Load(); looks.Load() < from+5; {
		time.Sleep(time.Millisecond)
	}
	m.Status("stuck") // behind the last sign of life
	s.Await("STATUS=stuck")
	for from := looks.Load(); looks.Load() < from+5; {
		time.Sleep(time.Millisecond)
	}
	m.Status("still stuck")
	require.Equal(t, "STATUS=still stuck", s.Next(), "no sign of life between them")
	require.Equal(t, 1, log.count("does not go on"))
	alive.Store(true)
	require.Equal(t, "WATCHDOG=1", s.Next())
	stop()
	<-ended
}

// TestWithoutAManager: nothing is sent, nothing is waited for, and nothing is logged.
func TestWithoutAManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	log := new(lines)
	m := notify.Open(slog.New(slog.NewTextHandler(log, nil)))
	m.Ready("receiving")
	m.Keep(t.Context(), func() bool { t.Error("nobody waits for signs of life"); return true })
	m.Stopping("draining", time.Second)
	assert.Zero(t, log.count("\n"))
}

// TestAManagerThatIsGone: a socket that does not answer is logged once, and a watchdog that is no number too.
func TestAManagerThatIsGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	t.Setenv("WATCHDOG_USEC", "soon")
	log := new(lines)
	m := notify.Open(slog.New(slog.NewTextHandler(log, nil)))
	m.Ready("receiving")
	m.Stopping("draining", time.Second)
	m.Keep(t.Context(), func() bool { t.Error("nobody waits for signs of life"); return true })
	assert.Equal(t, 1, log.count("cannot notify"))
	assert.Equal(t, 1, log.count("no signs of life"))
}
