package command

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDemoNamesFlows(t *testing.T) {
	needsLinux(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr logBuffer
	code := make(chan int, 1)
	go func() { code <- Run(ctx, []string{"demo"}, &stdout, &stderr) }()
	assert.NotEmpty(t, stdout.await(t, `(?m)^([a-z.0-9-]+\.(?:com|net|org|test)) \((?:sni|http_host)\)  \w+  \S+ -> \S+  vni 10[123] of 127[.0-9]+, i-\w+\n`))
	cancel() // as Ctrl-C
	assert.Equal(t, exitOK, <-code, stderr.String())
	assert.Contains(t, stderr.String(), "packets ")
}

// TestDemoShowsAlerts: the demo shows the two alerts of its policy. They are of packets of the first ten seconds, and an alert opens within
// ten seconds after its packet.
func TestDemoShowsAlerts(t *testing.T) {
	needsLinux(t)
	eve := eveFile(t)
	r := runHere(t, "replay", "--quiet", "--policy", "../demo/policy.yaml", "--inventory", "../demo/inventory.json", "--eve", eve, "--alert", "eve",
		mirrorTo(t, "../demo/workloads.pcap.gz", "--spec", "../demo/sessions.yaml"))
	require.Equal(t, exitOK, r.code, r.stderr)
	var first time.Time
	alerts := 0
	for _, e := range readEvents(t, eve) {
		at, err := time.Parse("2006-01-02T15:04:05.999999-0700", e["timestamp"].(string))
		require.NoError(t, err)
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if e["event_type"] == "alert" {
			alerts++
			assert.Less(t, at.Sub(first), 10*time.Second)
		}
	}
	assert.Equal(t, 2, alerts)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr logBuffer
	code := make(chan int, 1)
	go func() { code <- Run(ctx, []string{"demo"}, &stdout, &stderr) }()
	stdout.await(t, `(?m)^(ALERT) exfiltration opened: batch i-0d3a1f0000000c003 -> hooks\.example\.org: 5181 bytes within 5m0s, more than 4000$`)
	stdout.await(t, `(?m)^(ALERT) direct-to-address opened: batch i-0d3a1f0000000c003 -> 203\.0\.113\.66: no lookup explains`)
	cancel()
	assert.Equal(t, exitOK, <-code, stderr.String())
}

func TestDemoEndsByItselfAndWritesEvents(t *testing.T) {
	needsLinux(t)
	eve := eveFile(t)
	r := runHere(t, "demo", "--for", "2s", "--eve", eve)
	assert.Equal(t, exitOK, r.code, r.stderr)
	assert.Empty(t, r.stdout)
	events := readEvents(t, eve)
	assert.NotEmpty(t, events)
	for _, e := range events {
		if e["event_type"] == "alert" {
			continue // of an instance, not of a packet
		}
		for _, key := range []string{"vni", "eni", "instance", "vpc", "subnet", "account", "direction"} {
			assert.Contains(t, e["mirror"], key)
		}
	}
}

// The bundled capture is what people see first: the traffic of all of its workloads must be mirrored, and have names.
func TestDemoCaptureIsMirroredWhole(t *testing.T) {
	plain, _ := replayed(t, "../demo/workloads.pcap.gz")
	mirrored, _ := replayed(t, mirrorTo(t, "../demo/workloads.pcap.gz", "--spec", "../demo/sessions.yaml"))
	distinct := map[string]bool{}
	for _, name := range names(mirrored, "flow") {
		distinct[name] = true
	}
	assert.GreaterOrEqual(t, len(distinct), 10, "%v", distinct)
	assert.ElementsMatch(t, names(plain, "flow"), names(mirrored, "flow"))
}
