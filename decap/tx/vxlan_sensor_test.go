package tx

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
)

func viewsOf(n int) *vxlanOut {
	o := &vxlanOut{views: make([]view, n)}
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

func TestLanesShareFlowsOfOneWorkerEvenly(t *testing.T) {
	const flows = 32_000
	var all [lanes]int
	for i := range uint32(flows) {
		hash := i * 2654435761 >> 2 // of the first of four workers
		all[laneOf(hash)]++
	}
	for i := range all {
		assert.InEpsilon(t, flows/lanes, all[i], 0.1, "lane %d", i)
	}
}

// TestSensorNewsAlternate: whatever happens to a sensor, it goes away and comes back in turns; it takes no frames from its going away
// on until it answers or may be tried again; and one failed look alone is no news.
func TestSensorNewsAlternate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSensor("s", netip.MustParseAddrPort("10.0.0.1:4789"))
		away, fails := false, 0
		tell := func(n news) {
			switch n {
			case wentAway:
				require.False(t, away, "twice")
				require.False(t, takesFrames(s.health.Load()))
				away = true
			case cameBack:
				require.True(t, away)
				require.Equal(t, alive, s.health.Load())
				away = false
			case sameAsBefore:
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"answers": func(*rapid.T) { fails = 0; tell(s.examined(nil)) },
			"is silent": func(t *rapid.T) {
				fails++
				was := s.health.Load()
				tell(s.examined(errors.New("connection refused")))
				if fails < deadAfter {
					require.Equal(t, was, s.health.Load())
				} else {
					require.Equal(t, silent, s.health.Load())
				}
			},
			"is refused": func(*rapid.T) { tell(s.refused()) },
			"is tried again": func(*rapid.T) {
				s.retry()
				if takesFrames(s.health.Load()) {
					tell(s.reached())
				}
			},
			"": func(t *rapid.T) {
				if !away {
					require.True(t, takesFrames(s.health.Load()))
				}
			},
		})
	})
}

func openOut(t testing.TB, cfg VXLANConfig) (Target, Out) {
	v, err := OpenVXLAN(cfg)
	require.NoError(t, err)
	o, err := v.Open()
	require.NoError(t, err)
	t.Cleanup(func() { o.Close(); v.Close() })
	return v, o
}

// TestFailuresAreSorted by what they say of a frame.
func TestFailuresAreSorted(t *testing.T) {
	for _, c := range []struct {
		err   error
		loss  Loss
		given int
	}{
		{syscall.EINTR, Losses, 0},
		{syscall.ECONNREFUSED, Losses, 0},
		{syscall.EAGAIN, Busy, 3},
		{syscall.ENOBUFS, Busy, 1},
		{syscall.EMSGSIZE, Oversize, 1},
		{syscall.ENETUNREACH, Down, 1},
		{syscall.EHOSTUNREACH, Down, 1},
		{syscall.EPERM, Down, 1},
	} {
		v, way := openOut(t, VXLANConfig{Hosts: []string{"127.0.0.1:4789"}, Log: slog.New(slog.DiscardHandler)})
		o := way.(*vxlanOut)
		l := o.lanes[0]
		for range 3 {
			l.put(&Frame{Tail: []byte{1}}, 0, slot{})
		}
		given := 0
		for range 2 { // the first time an error may be due to an earlier frame
			if given = o.failed(l, 0, c.err); given > 0 {
				break
			}
		}
		assert.Equal(t, c.given, given, "%v", c.err)
		var want [Losses]uint64
		if c.loss != Losses {
			want[c.loss] = uint64(c.given)
		}
		assert.Equal(t, want, o.counts.Dropped, "%v", c.err)
		if c.loss == Down {
			assert.Equal(t, uint64(1), v.Counts().Outages, "%v", c.err)
		}
	}
}

func TestVXLANConfigErrors(t *testing.T) {
	for _, c := range []struct {
		cfg  VXLANConfig
		want string
	}{
		{VXLANConfig{}, "no host given: give HOST:PORT, as 10.0.0.7:4789"},
		{VXLANConfig{Hosts: []string{"10.0.0.7:4789"}, VNI: 1 << 24}, "a VNI of 16777216 is too large: give 0 to 16777215"},
		{VXLANConfig{Hosts: []string{"10.0.0.7:4789"}, MTU: 576}, "an MTU of 576 is too small: give at least 1350"},
		{VXLANConfig{Hosts: []string{"10.0.0.7:0"}}, "host 10.0.0.7:0: an address and a port are needed: give HOST:PORT, as 10.0.0.7:4789"},
		{VXLANConfig{Hosts: []string{"10.0.0.7:4789", "[::ffff:10.0.0.7]:4789"}}, "host [::ffff:10.0.0.7]:4789: 10.0.0.7:4789 is given twice: name each sensor once"},
		{VXLANConfig{Hosts: []string{"10.0.0.7"}}, "host 10.0.0.7: address 10.0.0.7: missing port in address: give HOST:PORT, as 10.0.0.7:4789"},
	} {
		_, err := OpenVXLAN(c.cfg)
		assert.EqualError(t, err, "vxlan target: "+c.want, fmt.Sprint(c.cfg))
	}
}

// TestVXLANCountsEveryFrameOnce: whole or in pieces, whichever of its datagrams were sent.
func TestVXLANCountsEveryFrameOnce(t *testing.T) {
	_, way := openOut(t, VXLANConfig{Hosts: []string{"127.0.0.1:4789"}, Log: slog.New(slog.DiscardHandler)})
	o := way.(*vxlanOut)
	rapid.Check(t, func(t *rapid.T) {
		o.counts = Counts{}
		l := o.lanes[0]
		var frames, whole, octets uint64
		for range rapid.IntRange(0, 6).Draw(t, "frames") {
			pieces, lost := rapid.IntRange(1, 4).Draw(t, "pieces"), false
			for i := range pieces {
				l.slots[0] = slot{size: 100, piece: pieces > 1, more: i < pieces-1}
				if rapid.Bool().Draw(t, "sent") {
					o.sent(l, 0, 1)
				} else {
					o.drop(l, 0, 1, Busy)
					lost = true
				}
			}
			frames++
			if !lost {
				whole++
				octets += 100
			}
		}
		require.Equal(t, whole, o.counts.Frames)
		require.Equal(t, octets, o.counts.Bytes)
		require.Equal(t, frames-whole, o.counts.Dropped[Busy])
	})
}
