package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/wire"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// TestEveryRow measures everything for a very short time: every row is there and all packets are accounted for.
func TestEveryRow(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root and network namespaces")
	}
	if _, _, err := wire.TwoCPUs(); err != nil {
		t.Skip(err)
	}
	if !testform.Long {
		t.Skip("measures for half a minute: run with MIRRORSINK_LONG_TESTS=1")
	}
	dir := t.TempDir()
	build := func(name, of string) string {
		path := filepath.Join(dir, name)
		out, err := exec.Command("go", "build", "-o", path, of).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return path
	}
	live, binary := build("live", "."), build("mirrorsink", "../../../cmd/mirrorsink")
	for _, load := range []string{"550", "mix"} {
		cmd := exec.Command(live, "-binary", binary, "-rounds", "1", "-warm", "20ms", "-window", "50ms", "-soak", "100ms", "-only", load)
		cmd.Dir = "../../.."
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, "%s", &stderr)
		for _, what := range []string{
			"iface alone, 1442 B: frames", "tap alone, 102 B: frames", "tap alone, 102 B with a tag: frames", "VXLAN alone, 542 B: frames", "saturated: ring, forwarding to a tap, of ring",
			"saturated: ring with tc drop of one that counts", "saturated: ring with tc drop of udp", "a second: udp of recvmmsg that counts",
			"for 100ms: packets dropped", "udp, saturated for 100ms: garbage collections meanwhile", "ring, saturated for 100ms: longest stop",
		} {
			assert.Contains(t, string(out), what)
		}
	}
}
