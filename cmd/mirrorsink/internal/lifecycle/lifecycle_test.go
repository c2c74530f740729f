package lifecycle

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/lifecycle/lifecycletest"
)

const testTimeout = 2 * time.Minute

func quietLog() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func open(t *testing.T, hook string, times Times) *Watcher {
	t.Helper()
	w, err := Open(t.Context(), Options{Hook: hook}, times, quietLog())
	require.NoError(t, err)
	return w
}

// TestTermination: the context ends with the instance's end as its cause, heartbeats are sent until everything is finished, and then the hook
// is completed, once.
func TestTermination(t *testing.T) {
	i := lifecycletest.New(t, lifecycletest.Settings{Group: "sinks", Hook: "drain", Timeout: 3})
	w := open(t, "drain", Times{Drain: time.Minute, Given: true})
	ctx := w.Watch(t.Context(), func(bool) { t.Error("no warm pool") })
	i.Set("autoscaling/target-lifecycle-state", "Terminated")
	<-ctx.Done()
	ending := context.Cause(ctx)
	require.Equal(t, &Ending{"the Auto Scaling group terminates this instance", time.Minute}, ending)
	require.Eventually(t, func() bool { return len(i.Calls("RecordLifecycleActionHeartbeat")) >= 2 }, testTimeout, 10*time.Millisecond)
	require.Empty(t, i.Calls("CompleteLifecycleAction"))
	w.Finish(t.Context(), ending)
	require.Equal(t, []string{"CompleteLifecycleAction i-0a1 sinks drain CONTINUE"}, i.Calls("CompleteLifecycleAction"))
}

// TestSpotInterruption: the end leaves time to write, and the hook is tried.
func TestSpotInterruption(t *testing.T) {
	i := lifecycletest.New(t, lifecycletest.Settings{Group: "sinks", Hook: "drain", Timeout: 300})
	i.Set("spot/instance-action", `{"action":"terminate","time":"`+time.Now().Add(2*time.Hour).UTC().Format(time.RFC3339)+`"}`)
	i.Fail("CompleteLifecycleAction")
	w := open(t, "drain", Times{Deadline: time.Hour})
	ctx := w.Watch(t.Context(), func(bool) { t.Error("no warm pool") })
	<-ctx.Done()
	var e *Ending
	require.ErrorAs(t, context.Cause(ctx), &e)
	require.Contains(t, e.Why, "EC2 takes this spot instance back at ")
	require.Greater(t, e.Drain, 30*time.Minute)
	require.Less(t, e.Drain, time.Hour)
	w.Finish(t.Context(), e)
	require.Len(t, i.Calls("CompleteLifecycleAction"), 1)
}

// TestWarmPool: an instance in a warm pool is quiet until it is in service, and a signal ends without a call.
func TestWarmPool(t *testing.T) {
	i := lifecycletest.New(t, lifecycletest.Settings{Group: "sinks", Hook: "drain", Timeout: 300})
	i.Set("autoscaling/target-lifecycle-state", "Warmed:Stopped")
	w := open(t, "drain", Times{})
	quiet := make(chan bool)
	parent, cancel := context.WithCancel(t.Context())
	ctx := w.Watch(parent, func(q bool) { quiet <- q })
	require.True(t, <-quiet)
	i.Set("autoscaling/target-lifecycle-state", "InService")
	require.False(t, <-quiet)
	cancel()
	<-ctx.Done()
	w.Finish(t.Context(), context.Cause(ctx))
	require.Empty(t, i.Calls("CompleteLifecycleAction"))
	require.Empty(t, i.Calls("RecordLifecycleActionHeartbeat"))
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		group, hook, fail, want string
	}{
		{"", "drain", "", "--lifecycle: instance i-0a1 is in no Auto Scaling group"},
		{"sinks", "other", "", `--lifecycle: no hook "drain" for autoscaling:EC2_INSTANCE_TERMINATING in Auto Scaling group sinks`},
		{"sinks", "drain", "DescribeLifecycleHooks", "--lifecycle: DescribeLifecycleHooks: ValidationError: No active Lifecycle Action found"},
	} {
		i := lifecycletest.New(t, lifecycletest.Settings{Group: c.group, Hook: c.hook, Timeout: 300})
		i.Fail(c.fail)
		_, err := Open(t.Context(), Options{Hook: "drain"}, Times{}, quietLog())
		require.EqualError(t, err, c.want)
	}
	i := lifecycletest.New(t, lifecycletest.Settings{Group: "sinks", Hook: "drain", Timeout: 300})
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_, err := Open(t.Context(), Options{Hook: "drain"}, Times{}, quietLog())
	require.ErrorContains(t, err, "--lifecycle: no identity of this instance: ")
	require.Empty(t, i.Calls("DescribeAutoScalingInstances"))
}

// TestDrainTimes: by default receiving takes what the hook's timeout leaves.
func TestDrainTimes(t *testing.T) {
	deadline := Times{Deadline: 10 * time.Second}
	require.Equal(t, 275*time.Second, deadline.drain(300*time.Second))
	require.Equal(t, 15*time.Second, deadline.drain(30*time.Second))
	require.Equal(t, time.Second, Times{Drain: time.Second, Given: true}.drain(300*time.Second))
	require.Zero(t, deadline.drainUntil(time.Now()))
}
