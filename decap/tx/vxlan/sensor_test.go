package vxlan

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap/tx"
)

func viewsOf(n int) *out {
	o := &out{views: make([]view, n)}
	for i := range o.views {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 4789)
		o.views[i] = view{sensor: newSensor(addr.String(), addr), takes: true}
	}
	return o
}

// TestOnlyFlowsOfDeadSensorsMove: a flow whose sensor lives stays with it, whichever others die; all others find a living one, and
// without any there is none.
func TestOnlyFlowsOfDeadSensorsMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := viewsOf(rapid.IntRange(1, 8).Draw(t, "sensors"))
		hash := rapid.Uint32().Draw(t, "hash")
		own, host := o.choose(hash)
		require.Equal(t, own, host, "all live")
		living := 0
		for i := range o.views {
			o.views[i].takes = rapid.Bool().Draw(t, "lives")
			if o.views[i].takes {
				living++
			}
		}
		first, host := o.choose(hash)
		require.Equal(t, own, first)
		switch {
		case living == 0:
			require.Equal(t, -1, host)
		case o.views[own].takes:
			require.Equal(t, own, host)
		default:
			require.True(t, o.views[host].takes)
		}
	})
}

// TestSensorsShareFlowsEvenly: of all flows and of those of a dead sensor.
func TestSensorsShareFlowsEvenly(t *testing.T) {
	const flows, sensors = 40_000, 5
	o := viewsOf(sensors)
	o.views[2].takes = false
	var all, moved [sensors]int
	for i := range uint32(flows) {
		first, host := o.choose(i * 2654435761)
		all[first]++
		if first != host {
			moved[host]++
		}
	}
	for i := range sensors {
		assert.InEpsilon(t, flows/sensors, all[i], 0.05, "sensor %d", i)
		if i != 2 {
			assert.InEpsilon(t, flows/sensors/(sensors-1), moved[i], 0.1, "sensor %d", i)
		}
	}
}

func TestSocketsShareFlowsOfOneWorkerEvenly(t *testing.T) {
	const flows = 32_000
	var all [sockets]int
	for i := range uint32(flows) {
		hash := i * 2654435761 >> 2 // of the first of four workers
		all[socketOf(hash)]++
	}
	for i := range all {
		assert.InEpsilon(t, flows/sockets, all[i], 0.1, "socket %d", i)
	}
}

// TestSensorTransitionsAlternate: whatever happens to a sensor, it goes down and comes up in turns. It takes no frames after it went down
// until it answers or is probed. One failed probe alone is no transition.
func TestSensorTransitionsAlternate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSensor("s", netip.MustParseAddrPort("10.0.0.1:4789"))
		down, fails := false, 0
		note := func(n transition) {
			switch n {
			case wentDown:
				require.False(t, down, "twice")
				require.False(t, takesFrames(s.state.Load()))
				down = true
			case cameUp:
				require.True(t, down)
				require.Equal(t, reachable, s.state.Load())
				down = false
			case unchanged:
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"answers": func(*rapid.T) { fails = 0; note(s.onProbe(nil)) },
			"is unreachable": func(t *rapid.T) {
				fails++
				was := s.state.Load()
				note(s.onProbe(errors.New("connection refused")))
				if fails < failuresToDown {
					require.Equal(t, was, s.state.Load())
				} else {
					require.Equal(t, unreachable, s.state.Load())
				}
			},
			"sending fails": func(*rapid.T) { note(s.onSendFailed()) },
			"is tried again": func(*rapid.T) {
				s.retry()
				if takesFrames(s.state.Load()) {
					note(s.onSent())
				}
			},
			"": func(t *rapid.T) {
				if !down {
					require.True(t, takesFrames(s.state.Load()))
				}
			},
		})
	})
}

func openOut(t testing.TB, cfg Config) (tx.Target, tx.Out) {
	v, err := Open(cfg)
	require.NoError(t, err)
	o, err := v.Open()
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, o.Close())
		assert.NoError(t, v.Close())
	})
	return v, o
}

// TestFailuresAreClassified: the error of a system call costs as many datagrams as it concerns.
func TestFailuresAreClassified(t *testing.T) {
	for _, c := range []struct {
		err     error
		loss    tx.Loss
		dropped int
	}{
		{syscall.EINTR, tx.Losses, 0},
		{syscall.ECONNREFUSED, tx.Losses, 0},
		{syscall.EAGAIN, tx.QueueFull, 3},
		{syscall.ENOBUFS, tx.QueueFull, 1},
		{syscall.EMSGSIZE, tx.Oversize, 1},
		{syscall.ENETUNREACH, tx.Down, 1},
		{syscall.EHOSTUNREACH, tx.Down, 1},
		{syscall.EPERM, tx.Down, 1},
	} {
		v, opened := openOut(t, Config{Hosts: []string{"127.0.0.1:4789"}, Log: slog.New(slog.DiscardHandler)})
		o := opened.(*out)
		s := o.sockets[0]
		for range 3 {
			s.put(nil, []byte{1}, 0, pending{})
		}
		dropped := 0
		for range 2 { // the first time an error may be due to an earlier frame
			if dropped = o.failed(s, 0, c.err); dropped > 0 {
				break
			}
		}
		assert.Equal(t, c.dropped, dropped, "%v", c.err)
		var want [tx.Losses]uint64
		if c.loss != tx.Losses {
			want[c.loss] = uint64(c.dropped)
		}
		assert.Equal(t, want, o.counts.Dropped, "%v", c.err)
		if c.loss == tx.Down {
			assert.Equal(t, uint64(1), v.Counts().Outages, "%v", c.err)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, "no host given: give HOST:PORT, as 10.0.0.7:4789"},
		{Config{Hosts: []string{"10.0.0.7:4789"}, VNI: 1 << 24}, "a VNI of 16777216 is too large: give 0 to 16777215"},
		{Config{Hosts: []string{"10.0.0.7:0"}}, "host 10.0.0.7:0: an address and a port are needed: give HOST:PORT, as 10.0.0.7:4789"},
		{Config{Hosts: []string{"10.0.0.7:4789", "[::ffff:10.0.0.7]:4789"}}, "host [::ffff:10.0.0.7]:4789: 10.0.0.7:4789 is given twice: name each sensor once"},
		{Config{Hosts: []string{"10.0.0.7"}}, "host 10.0.0.7: address 10.0.0.7: missing port in address: give HOST:PORT, as 10.0.0.7:4789"},
	} {
		_, err := Open(c.cfg)
		assert.EqualError(t, err, "vxlan target: "+c.want, fmt.Sprint(c.cfg))
	}
}
