package output

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/send"
)

// stuck is an output whose counts are given.
type stuck struct {
	send.Counts
	name string
}

func (*stuck) Alert(*alert.Alert) {}
func (s *stuck) Name() string     { return s.name }
func (s *stuck) LastError() (string, error) {
	return "https://x.example", errors.New("HTTP status 503")
}
func (*stuck) Close(context.Context) error       { return nil }
func (s *stuck) set(n uint64, age time.Duration) { s.Counts = send.Counts{Waiting: n, OldestAge: age} }

// Counts implements alertOutput; the field of that name is hidden by it.
func (s *stuckOutput) Counts() send.Counts { return s.stuck.Counts }

type stuckOutput struct{ *stuck }

// TestReportOverdue: an output that has not delivered for long is in the log once, with the reason, and once more when it delivers again.
func TestReportOverdue(t *testing.T) {
	var lines bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lines, nil))
	sns, hook := &stuck{name: "sns"}, &stuck{name: "webhook"}
	a := &Alerts{outputs: []alertOutput{&stuckOutput{sns}, &stuckOutput{hook}}}
	look := func() string {
		lines.Reset()
		a.ReportOverdue(log)
		return lines.String()
	}
	sns.set(5, overdueAfter-time.Second)
	require.Empty(t, look(), "most outages are shorter")
	sns.set(7, overdueAfter)
	first := look()
	require.Equal(t, 1, strings.Count(first, "\n"))
	require.Contains(t, first, `level=ERROR msg="alerts are not delivered" output=sns to=https://x.example waiting=7 oldest=10m0s error="HTTP status 503"`)
	sns.set(9, overdueAfter+time.Hour)
	require.Empty(t, look(), "it is said once")
	hook.set(1, overdueAfter)
	require.Contains(t, look(), "output=webhook")
	sns.set(0, 0)
	require.Contains(t, look(), `level=INFO msg="alerts are delivered again" output=sns`)
	sns.set(1, overdueAfter)
	require.Contains(t, look(), "output=sns", "another outage is said again")
}
