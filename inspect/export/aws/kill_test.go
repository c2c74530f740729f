package aws_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
)

// childDir is the environment variable that makes a test the process to be killed. Its value is the folder in which it works.
const childDir = "MIRRORSINK_TEST_CHILD_DIR"

// killChild runs a test of this binary in a process of its own, which works in the folder. It kills the process at the n-th request
// that the server gets from now on.
func killChild(t *testing.T, test, dir string, server *faulty, n int) {
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	reached := make(chan struct{}, 1)
	server.mu.Lock()
	at := server.requests + n
	server.onEvery = func(n int) {
		if n == at {
			_ = cmd.Process.Kill() // before or after the request has its effect
			reached <- struct{}{}
		}
	}
	require.NoError(t, cmd.Start())
	server.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	select {
	case <-reached:
	case <-time.After(2 * time.Minute):
		t.Error("the process to be killed made too few requests")
		_ = cmd.Process.Kill()
	}
	<-ended
	server.mu.Lock()
	server.onEvery = nil
	server.mu.Unlock()
	server.idle(t)
}

// A process that is killed during an upload leaves no partial object, and the next process uploads the file.
func TestKilledInMidUpload(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		client, err := aws.Open(t.Context(), quick)
		require.NoError(t, err)
		cfg := uploadTo(dir)
		cfg.Parallel = 1 // so that there is no other request when it is killed
		_, err = client.NewUploader(cfg)
		require.NoError(t, err)
		select {} // until it is killed
	}
	server := newS3(t)
	client := open(t, quick)
	dir := t.TempDir()
	for i := range 4 {
		finish(t, dir, fmt.Sprintf("%d.parquet", i), 400*i, 400) // seven parts each
	}
	for range 4 {
		n := 1 + rand.N(8)
		t.Log("killed at request", n)
		killChild(t, "TestKilledInMidUpload", dir, server.faulty, n)
		for _, text := range server.objects(t) {
			assert.Len(t, text, 400*16, "an object is there as a whole or not at all")
		}
	}
	u, err := client.NewUploader(uploadTo(dir))
	require.NoError(t, err)
	require.NoError(t, u.Close(t.Context()))
	assertRecords(t, 4*400, server.objects(t))
	assert.Zero(t, server.unfinished(t), "uploads of killed processes are aborted")
	left, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// After a process is killed while it sends lines, every line of its closed segments is delivered at least once.
func TestKilledWhileSendingLines(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		client, err := aws.Open(t.Context(), quick)
		require.NoError(t, err)
		_, err = client.NewLogs(aws.LogsConfig{Group: "flows", CreateGroup: true, Dir: dir, Bytes: 1 << 30, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		select {}
	}
	server := newLogServer(t)
	client := open(t, quick)
	dir := t.TempDir()
	w := newWriter()
	server.setDown(true)
	l, err := client.NewLogs(aws.LogsConfig{Group: "flows", CreateGroup: true, Dir: dir, Bytes: 1 << 30, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	for range 10 {
		w.put(t, l, 20)
		require.NoError(t, l.Flush())
	}
	require.Error(t, closeWithin(l, time.Millisecond))
	server.setDown(false)
	for range 3 {
		killChild(t, "TestKilledWhileSendingLines", dir, server.faulty, 1+rand.N(6))
	}
	l, err = client.NewLogs(aws.LogsConfig{Group: "flows", CreateGroup: true, Dir: dir, Bytes: 1 << 30, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, l.Close(t.Context()))
	w.assertDelivered(t, server, "flows")
}
