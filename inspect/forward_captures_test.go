package inspect_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// memory is a Source of frames, and a Forwarder that keeps them.
type memory struct {
	frames []decap.Datagram
	last   []decap.Frame
	n      int
}

func (m *memory) Forward(f decap.Frame) { m.last = append(m.last, f) }

func (m *memory) Flush() {
	for _, f := range m.last {
		head, tail, _ := f.Packet.Fix(make([]byte, 0, decap.MaxHead), decap.Fixes{VLAN: f.VLAN, Ethernet: true})
		frame := slices.Concat(head, tail)
		added := len(frame) - len(f.Packet.Frame)
		m.frames = append(m.frames, decap.Datagram{Data: frame, WireLen: f.WireLen + added, Nanos: f.Nanos})
	}
	m.last = m.last[:0]
}

// Tag keeps sessions apart in one capture.
func (m *memory) Tag(outer netip.Addr, vni uint32) uint16 {
	a := outer.As16()
	return uint16(crc32.ChecksumIEEE(binary.BigEndian.AppendUint32(a[:], vni))%4094) + 1
}

func (m *memory) Read(b *decap.Batch) error {
	b.N = copy(b.D[:], m.frames[m.n:])
	m.n += b.N
	if m.n == len(m.frames) {
		return io.EOF
	}
	return nil
}

// parserRules returns the bypass rules of all protocols.
func parserRules(t *testing.T) (rules []forward.Rule) {
	for _, text := range []string{"tls", "quic", "http"} {
		rule, err := forward.ParseRule(text, nil)
		require.NoError(t, err)
		rules = append(rules, rule)
	}
	return rules
}

// forwarded replays a capture and returns the frames that were forwarded.
func forwarded(t *testing.T, file string, rules []forward.Rule) (*memory, *collected, event.Counters) {
	src, err := capture.Open(file)
	if err != nil {
		return new(memory), new(collected), event.Counters{}
	}
	defer src.Close()
	to, out := new(memory), new(collected)
	w := inspect.New(inspect.Config{Memory: inspect.Share(64 << 20), Forward: &forward.Config{To: to, Tags: to, Bypass: rules, KeepBoth: true}}, src, out)
	var damaged *capture.CorruptError
	if err := w.Run(); err != nil && !errors.As(err, &damaged) {
		require.NoError(t, err, file)
	}
	return to, out, w.Counters()
}

// findings counts what was found of names, messages and fingerprints, without when and in which flow.
func findings(c *collected) map[string]int {
	found := map[string]int{}
	for _, b := range c.batches {
		for i := range b.Events {
			e := &b.Events[i]
			if e.Kind != event.AppLayer {
				continue
			}
			var s strings.Builder
			fmt.Fprintf(&s, "%s %v:%d > %v:%d", e.Proto, e.Src.Netip(), e.SrcPort, e.Dst.Netip(), e.DstPort)
			for _, f := range b.Fields(e) {
				switch f.Kind {
				case l7.String:
					fmt.Fprintf(&s, " %v=%q", f.Key, b.Text(f.Text))
				case l7.Int:
					fmt.Fprintf(&s, " %v=%d", f.Key, f.Num())
				default:
				}
			}
			found[s.String()]++
		}
	}
	return found
}

// TestBypassLosesNothing: the frames that are forwarded with all bypass rules have every name, message and fingerprint of
// the capture, and no other.
func TestBypassLosesNothing(t *testing.T) {
	var all, saved event.Tally
	for _, file := range captures(t) {
		to, out, n := forwarded(t, file, parserRules(t))
		again := new(collected)
		require.NoError(t, inspect.New(inspect.Config{Memory: inspect.Share(64 << 20)}, to, again).Run())
		want, got := findings(out), findings(again)
		for _, line := range slices.Sorted(maps.Keys(want)) {
			if got[line] != want[line] && (n.Paired == 0 || got[line] == 0) { // both copies of a packet have one tag, and are read as one
				t.Errorf("%s: %d, not %d: %s", file, got[line], want[line], line)
			}
		}
		for line := range got {
			if want[line] == 0 {
				t.Errorf("%s: made up: %s", file, line)
			}
		}
		all.Bytes += n.Forward.Passed.Bytes
		for _, tally := range n.Forward.Excluded[event.BypassTLS:] {
			saved.Bytes += tally.Bytes
		}
	}
	t.Logf("%d of %d bytes were bypassed", saved.Bytes, all.Bytes+saved.Bytes)
	require.NotZero(t, saved.Bytes)
}
