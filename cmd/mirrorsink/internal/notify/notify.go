// Package notify reports the program's state to the service manager that started it, as sd_notify(3) describes: that it is ready, that it
// lives, and that it stops.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Manager is the service manager that started the program. If there is none its methods do nothing. They are safe for concurrent use.
type Manager struct {
	watchdog time.Duration // without a sign of life for this long the manager restarts the program; 0 if it does not
	log      *slog.Logger
	failed   sync.Once
}

// Open finds the manager by the environment.
func Open(log *slog.Logger) *Manager {
	m := &Manager{log: log}
	var err error
	if m.watchdog, err = daemon.SdWatchdogEnabled(false); err != nil {
		log.Warn("no signs of life are sent to the service manager", "error", err)
	}
	return m
}

// Ready reports that the program does its work. The status is for people.
func (m *Manager) Ready(status string) { m.send(daemon.SdNotifyReady, "STATUS="+status) }

// Status reports what the program does, for people.
func (m *Manager) Status(status string) { m.send("STATUS=" + status) }

// Stopping reports that the program ends, and that it takes at most a time for that. The manager gives it as long, even if the unit does not.
func (m *Manager) Stopping(status string, within time.Duration) {
	m.send(daemon.SdNotifyStopping, "STATUS="+status, fmt.Sprint("EXTEND_TIMEOUT_USEC=", within.Microseconds()))
}

// checksPerWatchdog is how often in the time of the watchdog Keep looks for life, so that one look at a bad moment is not the end.
const checksPerWatchdog = 3

// Keep sends signs of life until ctx ends, as long as alive reports that the work has gone on since its last call. It returns at once if
// the manager does not wait for any.
func (m *Manager) Keep(ctx context.Context, alive func() bool) {
	if m.watchdog <= 0 {
		return
	}
	t := time.NewTicker(max(m.watchdog/checksPerWatchdog, 1))
	defer t.Stop()
	for was := true; ; {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		is := alive()
		if is {
			m.send(daemon.SdNotifyWatchdog)
		}
		if was && !is {
			m.log.Error("the work does not go on; the service manager restarts the program unless it does", "within", m.watchdog)
		}
		was = is
	}
}

// send sends assignments in one datagram. The first failure is logged.
func (m *Manager) send(assignments ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(assignments, "\n")); err != nil {
		m.failed.Do(func() { m.log.Warn("cannot notify the service manager", "error", err) })
	}
}
