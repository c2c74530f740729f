package command

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// TestWatchAgainstEC2 runs the command: an instance that comes gets a session, /metrics says so, and SIGTERM ends it well.
func TestWatchAgainstEC2(t *testing.T) {
	srv := startEC2(t, workloads())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stderr logBuffer
	code := make(chan int, 1)
	args := []string{"sessions", "watch", "-f", specFile(t, workloadSpec), "--interval", "1s", "--metrics", "127.0.0.1:0"}
	go func() { code <- Run(ctx, args, io.Discard, &stderr) }()
	has := func(n int) func() bool { return func() bool { return len(srv.Snapshot().Sessions) == n } }
	require.Eventually(t, has(3), testTimeout, 10*time.Millisecond)

	srv.PutInstance(ec2test.Instance{ID: "i-04", Tags: map[string]string{"mirror": "yes"}})
	srv.PutInterface(ec2test.Interface{ID: "eni-04", VPC: "vpc-0a", Instance: "i-04", Addresses: workloads().Interfaces[1].Addresses[1:]})
	require.Eventually(t, has(4), testTimeout, 10*time.Millisecond)
	metrics := stderr.await(t, `what=metrics address=(\S+)`)
	require.Eventually(t, func() bool {
		_, page := get("http://" + metrics + "/metrics")
		return strings.Contains(page, "mirrorsink_watch_sessions_wanted 4\n") &&
			strings.Contains(page, `mirrorsink_watch_changes_total{kind="session",op="create",outcome="ok"} 4`) &&
			strings.Contains(page, `mirrorsink_watch_api_calls_total{action="CreateTrafficMirrorSession",outcome="ok"} 4`)
	}, testTimeout, 10*time.Millisecond)
	stop()
	assert.Equal(t, exitOK, <-code, stderr.String())
}

// TestWatchNamesEachFailure, with its reason, and says how far the round came.
func TestWatchNamesEachFailure(t *testing.T) {
	srv := startEC2(t, workloads())
	srv.Deny("CreateTrafficMirrorFilterRule")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stderr logBuffer
	code := make(chan int, 1)
	args := []string{"sessions", "watch", "-f", specFile(t, workloadSpec), "--metrics", "off"}
	go func() { code <- Run(ctx, args, io.Discard, &stderr) }()
	stderr.await(t, `(a change failed)" error="create rule everything ingress 10: CreateTrafficMirrorFilterRule: UnauthorizedOperation`)
	stderr.await(t, `the round failed" error="(2 changes done, 1 failed, 7 not begun)"`)
	stop()
	assert.Equal(t, exitOK, <-code)
}

func TestWatchRefusesWhatCannotBe(t *testing.T) {
	srv := startEC2(t, workloads())
	spec := specFile(t, workloadSpec)
	for _, args := range [][]string{{"--interval", "10ms"}, {"--max-deletions", "-1"}, {"--metrics", "nowhere"}} {
		r := runHere(t, append([]string{"sessions", "watch", "-f", spec}, args...)...)
		assert.Equal(t, exitUsage, r.code)
		oneLine(t, r.stderr)
	}
	require.NoError(t, os.WriteFile(spec, []byte("owner: x\n"), 0o644))
	r := runHere(t, "sessions", "watch", "-f", spec)
	assert.Equal(t, exitError, r.code)
	oneLine(t, r.stderr)
	assert.Empty(t, srv.Calls())
}
