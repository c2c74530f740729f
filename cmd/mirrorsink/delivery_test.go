package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
)

// A replay that waits for AWS says so once, what for, and an interrupt ends it: the files stay in the spool.
func TestReplayTellsWhatItWaitsFor(t *testing.T) {
	newS3(t)
	newCloudwatch(t)
	t.Setenv("AWS_ENDPOINT_URL_S3", nobody(t))
	t.Setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", nobody(t))
	spool := filepath.Join(t.TempDir(), "spool")
	ctx, interrupt := context.WithCancel(t.Context())
	var stderr logBuffer
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"replay", "--quiet", "--parquet", "s3://records", "--cloudwatch-eve", "/eve", "--spool", spool, testdata("mirror-dns.pcap")},
			io.Discard, &stderr)
	}()
	stderr.await(t, `mirrorsink: (waiting) for AWS to take .*\n`)
	said := stderr.String()
	oneLine(t, said)
	assert.Regexp(t, `take \d+ files for s3://records \(PutObject: no answer: connection refused\)`, said)
	assert.Regexp(t, ` and 1 files for log group /eve \(PutLogEvents: no answer: connection refused\); an interrupt ends the wait, `, said)
	select {
	case <-code:
		t.Fatal("it did not wait")
	default:
	}
	interrupt()
	assert.Equal(t, exitError, <-code)
	assert.Regexp(t, `(?m)s3://records: PutObject: no answer: connection refused: \d+ files stay in `, stderr.String())
	assert.Regexp(t, `(?m)^mirrorsink: log group /eve: PutLogEvents: .*: 1 files stay in `, stderr.String())
	assert.NotEmpty(t, parquetFiles(t, spool))
}

// nobody is the address of a server that is not there.
func nobody(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return "http://" + l.Addr().String()
}

// What is not delivered yet is told only where it takes long.
func TestNothingIsToldOfAQuickDelivery(t *testing.T) {
	var stderr logBuffer
	p := new(pipeline)
	p.tellDelay(&stderr, 0)()
	p.tellDelay(&stderr, time.Hour)()
	assert.Empty(t, stderr.String())
}

// deliveryFunc is an output that has nothing to write and delivers by a function.
type deliveryFunc struct {
	delivery
	deliver func(ctx context.Context) error
}

func (d deliveryFunc) Close(context.Context) (uint64, error)        { return 0, nil }
func (d deliveryFunc) Err() error                                   { return nil }
func (d deliveryFunc) Deliver(ctx context.Context) error            { return d.deliver(ctx) }
func (d deliveryFunc) Delivered() (to awsService, count aws.Counts) { return }
func (d deliveryFunc) Trouble() (to string, why error)              { return }

// An interrupt that ended the reading does not end the delivery of what was read; one that comes later does.
func TestWhatAnInterruptEnds(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	p := &pipeline{cfg: pipelineConfig{Log: slog.New(slog.DiscardHandler)}}
	p.outs = []output{deliveryFunc{deliver: func(delivering context.Context) error {
		interrupt()
		return delivering.Err()
	}}}
	require.ErrorIs(t, p.finish(ctx, io.Discard), context.Canceled)
	require.NoError(t, p.finish(ctx, io.Discard))
}
