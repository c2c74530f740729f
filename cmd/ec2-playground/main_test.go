package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// bare takes away what the machine may know of AWS.
func bare(t *testing.T) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // and back again after the test
			require.NoError(t, os.Unsetenv(name))
		}
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// TestPlayground does what a newcomer does: has a shell evaluate what is printed, and asks EC2 with no other setting.
func TestPlayground(t *testing.T) {
	bare(t)
	dir := filepath.Join(t.TempDir(), "it's a folder")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"--listen", "127.0.0.1:0", "--dir", dir}, write) }()
	printed := make([]byte, 4096)
	n, err := read.Read(printed) // all of it is one write
	require.NoError(t, err)

	shell := exec.CommandContext(t.Context(), "sh", "-c", `eval "$1"; echo "$AWS_ENDPOINT_URL"; echo "$AWS_CONFIG_FILE"`, "sh", string(printed[:n]))
	out, err := shell.Output()
	require.NoError(t, err)
	endpoint, file, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	assert.Equal(t, filepath.Join(dir, "playground-aws-config"), file)
	t.Setenv("AWS_ENDPOINT_URL", endpoint)
	t.Setenv("AWS_CONFIG_FILE", file)
	cfg, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "eu-west-1", cfg.Region)
	all, err := ec2.NewFromConfig(cfg).DescribeTrafficMirrorSessions(t.Context(), &ec2.DescribeTrafficMirrorSessionsInput{})
	require.NoError(t, err)
	assert.Len(t, all.TrafficMirrorSessions, 1)

	stop()
	require.NoError(t, <-ended)
	assert.NoFileExists(t, file)
	assert.FileExists(t, filepath.Join(dir, "playground.yaml"))
}

// TestExampleStays: a spec that somebody has changed is not written over.
func TestExampleStays(t *testing.T) {
	dir := t.TempDir()
	spec := filepath.Join(dir, "playground.yaml")
	require.NoError(t, os.WriteFile(spec, []byte("mine"), 0o600))
	f, err := writeFiles(dir, "eu-west-1")
	require.NoError(t, err)
	text, err := os.ReadFile(f.spec)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text))
}

func TestExampleIsASpec(t *testing.T) {
	spec, err := spec.Parse("playground.yaml", example)
	require.NoError(t, err)
	assert.Equal(t, "playground", spec.Owner)
	assert.Len(t, spec.Sessions, 2)
}

func TestRefusesToListen(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:4566", "192.0.2.1:1", "localhost", "127.0.0.1"} {
		err := run(t.Context(), []string{"--listen", listen, "--dir", t.TempDir()}, new(bytes.Buffer))
		assert.ErrorContains(t, err, "--listen "+listen)
	}
}
