package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// TestEveryRow measures everything for a very short time: every row is there and all packets are accounted for.
func TestEveryRow(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root and network namespaces")
	}
	if _, _, err := twoCPUs(); err != nil {
		t.Skip(err)
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

func TestConnectionsAdvanceWithValidChecksums(t *testing.T) {
	for _, size := range []int{110, 550, 1450} {
		l := connections(size)
		require.Len(t, l.frames, 2*flows)
		seen := map[uint32]bool{}
		for range 3 {
			frame := l.take(7)
			payload := frame[outerLen:]
			require.Len(t, payload, vxlanLen+size)
			var p decap.Packet
			reason := new(decap.Decoder).Parse(&p, &decap.Datagram{Data: payload, WireLen: len(payload), Link: decap.LinkVXLAN})
			require.Equal(t, decap.OK, reason)
			inner := payload[vxlanLen+etherLen:]
			segment := inner[ipLen:]
			require.Zero(t, ^fold(sum(inner[:ipLen])), "the IP header's checksum")
			require.Zero(t, ^fold(sum(inner[12:ipLen])+6+uint32(len(segment))+sum(segment)), "the segment's checksum")
			seen[binary.BigEndian.Uint32(segment[4:])] = true
		}
		assert.Len(t, seen, 3, "sequence numbers")
	}
}

func TestIdentity(t *testing.T) {
	right := sample{arrived: 105, counts: counts{received: 90, drops: 10, reasons: 90, hasReasons: true}}
	require.NoError(t, identity(right, 5, 120))
	for name, change := range map[string]func(*sample){
		"a lost packet":        func(m *sample) { m.received-- },
		"one counted twice":    func(m *sample) { m.drops++ },
		"one without a reason": func(m *sample) { m.reasons-- },
		"more than were sent":  func(m *sample) { m.arrived += 100; m.received += 100; m.reasons += 100 },
		"nothing arrived":      func(m *sample) { *m = sample{arrived: 5} },
	} {
		wrong := right
		change(&wrong)
		assert.Error(t, identity(wrong, 5, 120), name)
	}
}

func TestParseCounts(t *testing.T) {
	text := fmt.Sprintf("# HELP %s Datagrams.\n%[1]s 1.5e+06\n%s{reason=\"ok\"} 7\n%[2]s{reason=\"bad_ip\"} 5\n%s 3\nother 9\n",
		receivedMetric, reasonsMetric, dropsMetric)
	c, err := parseCounts(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, counts{received: 1.5e6, drops: 3, reasons: 12, hasReasons: true}, c)
}

func TestLinesAreComplete(t *testing.T) {
	var o output
	assert.Empty(t, o.lines())
	_, _ = o.Write([]byte("gc 1 @"))
	assert.Empty(t, o.lines())
	_, _ = o.Write([]byte("0.1s\ngc 2"))
	assert.Equal(t, "gc 1 @0.1s\n", o.lines())
}
