package event

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/decap"
)

// spellings returns the names of the first n values of an enumeration.
func spellings[T interface {
	~uint8
	String() string
}](n T) (names []string) {
	for i := range n {
		names = append(names, i.String())
	}
	return names
}

// TestSpellingsDiffer: no two values of an enumeration are printed alike, so that consumers can tell them apart.
func TestSpellingsDiffer(t *testing.T) {
	for enum, names := range map[string][]string{
		"kind": spellings(Kinds), "initiator": spellings(numInitiators), "confidence": spellings(numConfidences),
		"direct": spellings(numDirects), "ech": spellings(numECHs), "state": spellings(numStates),
		"tcp state": spellings(numTCPStates), "end": spellings(numEndReasons), "direction": spellings(numDirections),
		"exclusion": spellings(Exclusions), "refusal": spellings(NumRefusals),
	} {
		seen := map[string]bool{}
		for _, name := range names {
			assert.NotEmpty(t, name, enum)
			assert.Regexp(t, `^[a-z0-9_]+$`, name, enum)
			assert.False(t, seen[name], "%s: %s twice", enum, name)
			seen[name] = true
		}
	}
}

// TestBetterEvidenceIsAsConfident: stronger evidence for the client never has a lower confidence.
func TestBetterEvidenceIsAsConfident(t *testing.T) {
	last := Low
	for i := range numInitiators {
		assert.GreaterOrEqual(t, i.Confidence(), last, i)
		last = i.Confidence()
	}
	assert.Equal(t, High, last)
}

func TestKindSet(t *testing.T) {
	s := KindsOf(Flow, Stats)
	for k := range Kinds {
		assert.Equal(t, k == Flow || k == Stats, s.Has(k), k)
	}
	assert.Zero(t, KindsOf())
}

func TestOppositeDirections(t *testing.T) {
	for d := range numDirections {
		assert.Equal(t, d, d.Opposite().Opposite())
		assert.Equal(t, d == NoDirection, d == d.Opposite())
	}
}

func TestProtocolPredicates(t *testing.T) {
	for proto, want := range map[uint8][3]bool{
		decap.TCP: {true, true, false}, decap.UDP: {true, false, false}, decap.SCTP: {true, false, false},
		decap.ICMP: {false, false, true}, decap.ICMPv6: {false, false, true}, 47: {},
	} {
		e := Event{IPProto: proto}
		assert.Equal(t, want, [3]bool{e.HasPorts(), e.IsTCP(), e.IsICMP()}, proto)
	}
}

// TestAddrs: IPv4-mapped addresses are IPv4 addresses in IPv4 packets only.
func TestAddrs(t *testing.T) {
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	e := Event{Src: mapped.As16(), Dst: netip.MustParseAddr("2001:db8::1").As16(), IPVersion: 6}
	src, dst := e.Addrs()
	assert.Equal(t, mapped, src)
	assert.Equal(t, netip.MustParseAddr("2001:db8::1"), dst)
	e.IPVersion = 4
	src, _ = e.Addrs()
	assert.Equal(t, netip.MustParseAddr("192.0.2.1"), src)
}

// TestFieldNumbers: a field keeps any number in its two halves.
func TestFieldNumbers(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 1 << 32, -(1 << 32), 1<<63 - 1, -1 << 63} {
		f := Field{Text: halves(n)}
		assert.Equal(t, n, f.Num())
	}
}
