package inspect_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// TestIntervalsSayWhatAFlowIs: the server name, the name from DNS and the hello's fingerprint are in each interval.
func TestIntervalsSayWhatAFlowIs(t *testing.T) {
	src, err := capture.Open("../testdata/plain-tls.pcap")
	require.NoError(t, err)
	defer src.Close()
	var out collected
	require.NoError(t, inspect.New(inspect.Config{Interval: time.Minute, Memory: inspect.Share(4 << 20)}, src, &out).Run())
	names := 0
	for _, b := range out.batches {
		for i := range b.Events {
			e := &b.Events[i]
			if e.Kind != event.Interval || e.Window.SNI.Len == 0 {
				continue
			}
			names++
			require.Equal(t, b.Text(e.Name), b.Text(e.Window.SNI))
			require.Regexp(t, "^t1[23]d", string(b.Text(e.Window.JA4)))
			require.True(t, e.Window.Answered)
		}
	}
	require.Positive(t, names)
}
