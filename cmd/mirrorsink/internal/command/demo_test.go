package command

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
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

func TestDemoEndsByItselfAndWritesEvents(t *testing.T) {
	needsLinux(t)
	eve := eveFile(t)
	r := runHere(t, "demo", "--for", "2s", "--eve", eve)
	assert.Equal(t, exitOK, r.code, r.stderr)
	assert.Empty(t, r.stdout)
	events := readEvents(t, eve)
	assert.NotEmpty(t, events)
	for _, e := range events {
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
