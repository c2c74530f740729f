package command

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
		code <- Run(ctx, []string{"replay", "--quiet", "--parquet", "s3://records", "--cloudwatch-eve", "/eve", "--spool", spool, testdata("mirror-dns.pcap")},
			io.Discard, &stderr)
	}()
	stderr.await(t, `mirrorsink: (waiting) for the delivery of .*\n`)
	text := stderr.String()
	oneLine(t, text)
	assert.Regexp(t, `delivery of \d+ files for s3://records \(PutObject: no answer: connection refused\)`, text)
	assert.Regexp(t, ` and 1 files for log group /eve \(PutLogEvents: no answer: connection refused\); an interrupt ends the wait, `, text)
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
