package egress

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

func noServices() (*flowlog.Services, error) { return nil, nil }

// TestReload: a new file counts at once; a bad one leaves the old one, in one line of the log, and so do address ranges that cannot be read.
func TestReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	var lines bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lines, nil))

	opts := Options{File: file}
	_, err := opts.Open(noServices, log)
	require.ErrorContains(t, err, "--policy")
	write("allow: [{to: a.test}]\n")
	broken := errors.New("no ranges")
	services := noServices
	p, err := opts.Open(func() (*flowlog.Services, error) { return services() }, log)
	require.NoError(t, err)
	first := p.Rules()
	require.Len(t, first.Policy.Allow, 1)

	write("allow: [{to: a.test}]\nworkload: {}\nalert: {nothing: {}}\n")
	p.Reload()
	require.Same(t, first, p.Rules())
	require.Equal(t, 1, strings.Count(lines.String(), "\n"))
	require.Contains(t, lines.String(), "the old one stays")

	write("allow: [{to: a.test}, {to: b.test}]\n")
	services = func() (*flowlog.Services, error) { return nil, broken }
	p.Reload()
	require.Same(t, first, p.Rules())
	services = noServices
	p.Reload()
	require.Len(t, p.Rules().Policy.Allow, 2)
	counts := p.Count()
	require.NotZero(t, counts.Loaded)
	counts.Loaded = 0
	require.Equal(t, Counts{Reloads: 1, Failures: 2}, counts)
}
