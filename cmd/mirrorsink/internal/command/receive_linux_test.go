package command

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// aloneOnLoopback runs a test in a process with a network namespace of its own, in which there is loopback and nothing else.
// It reports whether this is that process.
func aloneOnLoopback(t *testing.T) bool {
	t.Helper()
	const variable = "MIRRORSINK_TEST_IN_NAMESPACE"
	if os.Getenv(variable) == t.Name() {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		defer unix.Close(fd)
		request, err := unix.NewIfreq("lo")
		require.NoError(t, err)
		request.SetUint16(unix.IFF_UP)
		require.NoError(t, unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request))
		return true
	}
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), variable+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Skip("needs root and network namespaces:", err)
	}
	require.NoError(t, cmd.Wait(), "%s", &out)
	return false
}

// sendDatagrams sends n datagrams that are no VXLAN.
func sendDatagrams(t *testing.T, to string, n int) {
	t.Helper()
	conn, err := net.Dial("udp", to)
	require.NoError(t, err)
	defer conn.Close()
	for range n {
		_, err := conn.Write(make([]byte, 8))
		require.NoError(t, err)
	}
}

func TestListenOnARing(t *testing.T) {
	if !aloneOnLoopback(t) {
		return
	}
	const sent = 100
	for _, args := range [][]string{
		{"--source=ring:lo"}, {"--source=ring:lo", "--tc-drop"}, {"--source=ring:lo", "--workers=3", "--receive-buffer=1MiB"},
	} {
		s := startListen(t, args...)
		assert.Contains(t, s.stderr.String(), "source=ring:lo")
		sendDatagrams(t, s.udp, sent)
		require.Eventually(t, func() bool { return s.scrape()["mirrorsink_datagrams_received_total"] == sent }, testTimeout, 5*time.Millisecond)
		assert.EqualValues(t, sent, s.scrape()[`mirrorsink_datagrams_total{reason="no_vni"}`])
		assert.Zero(t, s.scrape()["mirrorsink_kernel_drops_total"])
		assert.Zero(t, s.scrape()["mirrorsink_ring_freezes_total"])
		require.Zero(t, s.end(), s.stderr.String())
	}
}

func TestListenOnARingSaysWhatIsWrong(t *testing.T) {
	if !aloneOnLoopback(t) {
		return
	}
	for want, args := range map[string][]string{
		"listen on ring absent0: no such device":  {"--source=ring:absent0"},
		"want udp, or ring: and an interface":     {"--source=ring:"},
		"nothing to drop behind without --source": {"--tc-drop"},
		"listen on ring lo: udp 192.0.2.1:4789":   {"--source=ring:lo", "--listen=192.0.2.1:4789"},
		"a ring of 3221225472 bytes":              {"--source=ring:lo", "--receive-buffer=3GiB"},
	} {
		var stderr bytes.Buffer
		code := Run(t.Context(), append([]string{"listen", "--metrics=off", "--eve=-"}, args...), io.Discard, &stderr)
		assert.NotZero(t, code)
		assert.Contains(t, stderr.String(), want)
	}
}
