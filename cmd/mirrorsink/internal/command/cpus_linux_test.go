package command

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/host"
)

// threadsByCPUs counts the threads of this process by the CPUs that they may use.
func threadsByCPUs(t *testing.T) map[string]int {
	t.Helper()
	names, err := filepath.Glob("/proc/self/task/*/status")
	require.NoError(t, err)
	count := map[string]int{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		count[string(regexp.MustCompile(`(?m)^Cpus_allowed_list:\t(.*)$`).FindSubmatch(text)[1])]++
	}
	return count
}

// twoUsableCPUs returns the first and the last CPU that this process may use.
func twoUsableCPUs(t *testing.T) (first, last string) {
	t.Helper()
	cpus, err := host.UsableCPUs()
	require.NoError(t, err)
	if len(cpus) < 2 {
		t.Skip("needs two CPUs")
	}
	return strconv.Itoa(cpus[0]), strconv.Itoa(cpus[len(cpus)-1])
}

// holdPinned starts listen with more workers than CPUs, and holds that its threads keep to them in turn, and that no other
// thread does, nor any that is left after it.
func holdPinned(t *testing.T, args ...string) {
	t.Helper()
	first, last := twoUsableCPUs(t)
	before := threadsByCPUs(t)
	pinned := func() [2]int {
		now := threadsByCPUs(t)
		return [2]int{now[first] - before[first], now[last] - before[last]}
	}
	s := startListen(t, append([]string{"--cpus=" + last + "," + first, "--workers=3"}, args...)...)
	assert.Eventually(t, func() bool { return pinned() == [2]int{1, 2} }, testTimeout, time.Millisecond, "one thread on CPU %s and two on CPU %s", first, last)
	sendDatagrams(t, s.udp, 10)
	require.Eventually(t, func() bool { return s.scrape()["mirrorsink_datagrams_received_total"] == 10 }, testTimeout, 5*time.Millisecond)
	assert.Equal(t, [2]int{1, 2}, pinned())
	require.Zero(t, s.end(), s.stderr.String())
	main := 1 // the process's first thread cannot end; the runtime lets it sleep
	assert.Eventually(t, func() bool { left := pinned(); return left[0]+left[1] <= main }, testTimeout, time.Millisecond)
}

func TestCPUsOfSockets(t *testing.T) { holdPinned(t) }

func TestCPUsOfRings(t *testing.T) {
	if aloneOnLoopback(t) {
		holdPinned(t, "--source=ring:lo", "--receive-buffer=1MiB")
	}
}

func TestCPUsOfAllSourcesInTurn(t *testing.T) {
	first, last := twoUsableCPUs(t)
	before := threadsByCPUs(t)
	s := startListen(t, "--geneve=127.0.0.1:0", "--workers=3", "--cpus="+first, "--cpus="+last)
	assert.Eventually(t, func() bool {
		now := threadsByCPUs(t)
		return now[first]-before[first] == 3 && now[last]-before[last] == 3
	}, testTimeout, time.Millisecond)
	require.Zero(t, s.end(), s.stderr.String())
}

// A CPU that is there but not allowed, as taskset and cgroups have it, is refused too.
func TestCPUsThatAreNotAllowed(t *testing.T) {
	first, last := twoUsableCPUs(t)
	refused := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocks it: the thread ends here
		var set unix.CPUSet
		n, _ := strconv.Atoi(first)
		set.Set(n)
		assert.NoError(t, unix.SchedSetaffinity(0, &set))
		var l flags.CPUs
		assert.NoError(t, l.Set(first+","+last))
		refused <- host.CheckCPUs(l)
	}()
	err := <-refused
	require.Error(t, err)
	assert.True(t, strings.HasSuffix(err.Error(), ": "+last+" not there, or not allowed to this process, which may use "+first), "%v", err)
}
