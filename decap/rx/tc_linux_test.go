package rx

import (
	"bufio"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

// control runs something with the far end's filters.
func (w *wire) control(with func(c trafficControl)) {
	w.t.Helper()
	s, err := openRouteSocket()
	require.NoError(w.t, err)
	defer s.close()
	with(trafficControl{s, indexOf(w.t, w.out)})
}

// filters returns the far end's filters at ingress.
func (w *wire) filters() (list []filter) {
	w.t.Helper()
	w.control(func(c trafficControl) {
		var err error
		list, err = c.filters(ingressFilters)
		require.NoError(w.t, err)
	})
	return list
}

// hasQdisc reports whether there is a clsact queueing discipline, by making one.
func (w *wire) hasQdisc() (has bool) {
	w.t.Helper()
	w.control(func(c trafficControl) {
		made, err := c.ensureQdisc()
		require.NoError(w.t, err)
		has = !made
		if made {
			require.NoError(w.t, c.removeQdiscIfEmpty())
		}
	})
	return has
}

// TestRingHoldsThePort: no sender gets "port unreachable", with and without the drop.
func TestRingHoldsThePort(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	const sent = 100
	for _, drop := range []bool{false, true} {
		r := w.ring(RingConfig{DropBehind: drop})[0]
		before := stack(t)
		for range sent {
			w.send([]byte("a datagram"))
		}
		assert.Len(t, collect(t, r, sent), sent)
		assert.Zero(t, r.Drops())
		after := stack(t)
		assert.Equal(t, before["Icmp:OutDestUnreachs"], after["Icmp:OutDestUnreachs"])
		assert.Equal(t, before["Udp:NoPorts"], after["Udp:NoPorts"])
		assert.Equal(t, before["Udp:InDatagrams"], after["Udp:InDatagrams"])
		if drop {
			assert.Equal(t, before, after, "the host's stack never sees what is dropped")
		} else {
			assert.EqualValues(t, sent, after["Ip:InReceives"]-before["Ip:InReceives"])
			assert.EqualValues(t, sent, after["Udp:InErrors"]-before["Udp:InErrors"])
		}
		require.NoError(t, r.Close())
	}
	before := stack(t)
	w.send([]byte("to nobody"))
	assert.EqualValues(t, 1, stack(t)["Udp:NoPorts"]-before["Udp:NoPorts"], "without a ring the sender would get it")
	assert.Empty(t, w.filters())
	assert.False(t, w.hasQdisc())
}

// TestDropLeavesOthersAlone sends what the filter must not drop, and has a filter of somebody else beside it.
func TestDropLeavesOthersAlone(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	foreign := []bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegA, Val: 7}, bpf.RetConstant{Val: verdictNext}}
	w.control(func(c trafficControl) {
		_, err := c.ensureQdisc()
		require.NoError(t, err)
		require.NoError(t, c.add(foreign))
	})
	theirs := w.filters()
	require.Len(t, theirs, 1)
	require.False(t, theirs[0].ours)

	any6 := netip.MustParseAddrPort("[::]:4789")
	vxlan := w.ring(RingConfig{Addr: any6, DropBehind: true})
	geneve := w.ring(RingConfig{Addr: netip.MustParseAddrPort("[::]:6081"), Link: decap.LinkGENEVE, DropBehind: true})
	require.Len(t, w.filters(), 3)
	before := stack(t)
	w.sendTo(false, 4789, []byte("dropped"))
	w.sendTo(true, 4789, []byte("dropped"))
	w.sendTo(false, 6081, []byte("dropped"))
	assert.Equal(t, before, stack(t))
	w.sendTo(false, 53, []byte("for another program"))
	from, _ := w.target(false, 4789)
	w.put(outerSpec{from: from, to: netip.MustParseAddrPort("10.99.0.200:4789"), payload: []byte("passing through")}.frame(w.outMAC, w.inMAC, 0))
	assert.EqualValues(t, 2, stack(t)["Ip:InReceives"]-before["Ip:InReceives"])

	cleaned, err := RemoveStaleDrops()
	require.NoError(t, err)
	assert.Empty(t, cleaned, "this process is alive")
	require.NoError(t, vxlan[0].Close())
	require.NoError(t, geneve[0].Close())
	assert.Equal(t, theirs, w.filters())
	assert.True(t, w.hasQdisc())
}

// TestDropQdiscGoesWithTheLast has two groups on one interface, whose queueing discipline the first one made.
func TestDropQdiscGoesWithTheLast(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	first := w.ring(RingConfig{DropBehind: true})
	second := w.ring(RingConfig{Addr: netip.MustParseAddrPort("[::]:6081"), Link: decap.LinkGENEVE, DropBehind: true})
	require.NoError(t, first[0].Close())
	assert.Len(t, w.filters(), 1)
	require.NoError(t, second[0].Close())
	assert.False(t, w.hasQdisc())
}

// killedHolder is set for a process that opens a ring with a drop and waits to be killed.
const killedHolder = "MIRRORSINK_TEST_KILLED_HOLDER"

// TestDropIsRemovedAfterAKill kills a process that has one.
func TestDropIsRemovedAfterAKill(t *testing.T) {
	if name := os.Getenv(killedHolder); name != "" {
		_, err := ListenRing(RingConfig{Interface: name, Addr: netip.MustParseAddrPort("[::]:4789"), Link: decap.LinkVXLAN, DropBehind: true})
		require.NoError(t, err)
		_, _ = os.Stdout.WriteString("holding\n")
		select {}
	}
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), killedHolder+"="+w.out)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "holding\n", line)

	cleaned, err := RemoveStaleDrops()
	require.NoError(t, err)
	assert.Empty(t, cleaned, "it is alive")
	require.Len(t, w.filters(), 1)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Len(t, w.filters(), 1, "nobody could remove it")

	before := stack(t)
	w.send([]byte("dropped on behalf of the dead"))
	require.Equal(t, before, stack(t))
	cleaned, err = RemoveStaleDrops()
	require.NoError(t, err)
	assert.Equal(t, []string{w.out}, cleaned)
	assert.Empty(t, w.filters())
	assert.False(t, w.hasQdisc())
	w.send([]byte("not any more"))
	assert.EqualValues(t, 1, stack(t)["Ip:InReceives"]-before["Ip:InReceives"])
}

func TestDropMarkIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := dropMark{
			pid: rapid.Uint32().Draw(t, "pid"), started: rapid.Uint32().Draw(t, "started"),
			port: rapid.Uint16().Draw(t, "port"), made: rapid.Bool().Draw(t, "made"),
		}
		ops, err := filterOps(m.before([]bpf.Instruction{bpf.RetConstant{Val: verdictNext}}))
		require.NoError(t, err)
		got, ok := markOf(ops)
		require.True(t, ok)
		require.Equal(t, m, got)
		_, ok = markOf(ops[instructionLen:])
		require.False(t, ok)
		_, ok = markOf(ops[:rapid.IntRange(0, markWords*instructionLen-1).Draw(t, "cut")])
		require.False(t, ok)
	})
	assert.True(t, ownMark(1).alive())
	assert.False(t, dropMark{pid: 1 << 30, started: 1}.alive())
	assert.False(t, dropMark{pid: 1 << 30}.alive())
}
