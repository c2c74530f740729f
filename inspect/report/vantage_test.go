package report

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

func TestVantageMayBe(t *testing.T) {
	for _, c := range []struct {
		vantage vantage
		paired  string
		want    bool
	}{
		{vantage{"eni-1", 7}, "", true}, {vantage{"eni-1", 7}, "eni-1", true}, {vantage{"eni-1", 7}, "eni-2", false}, {vantage{"", 7}, "eni-2", true},
		{vantage{"eni-1", 7}, "7/10.0.0.1", true}, {vantage{"eni-1", 7}, "8/10.0.0.1", false}, {vantage{"eni-1", 0}, "8/10.0.0.1", true},
		{vantage{"eni-1", 7}, "x/10.0.0.1", false}, {vantage{"eni-1", 7}, "-7/", false}, {vantage{}, "eni-1", true},
	} {
		assert.Equal(t, c.want, c.vantage.mayBe(c.paired), "%v of %q", c.vantage, c.paired)
	}
}

// TestVantageSame: equality of vantage points is symmetric, and by interface where one is known.
func TestVantageSame(t *testing.T) {
	point := rapid.Custom(func(t *rapid.T) vantage {
		return vantage{rapid.SampledFrom([]string{"", "eni-1", "eni-2"}).Draw(t, "eni"), rapid.Uint32Range(0, 2).Draw(t, "vni")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := point.Draw(t, "a"), point.Draw(t, "b")
		require.True(t, a.same(a))
		require.Equal(t, a.same(b), b.same(a))
		if a.eni != "" && b.eni != "" {
			require.Equal(t, a.eni == b.eni, a.same(b))
		}
	})
}

// TestDedupIsBounded: dedup keeps at most about its limit, finds the duplicate of a recent record, and counts the records that
// it dropped.
func TestDedupIsBounded(t *testing.T) {
	const n, kept = 1000, 100
	d := newDedup(kept * countedCost)
	at := func(i int, eni, direction string) *row {
		return &row{Record: flowlog.Record{
			InterfaceID: eni, FlowDirection: direction, SrcAddr: netip.MustParseAddr("10.0.0.1"), DstAddr: netip.MustParseAddr("10.0.0.2"),
			SrcPort: uint16(i), DstPort: 443, Protocol: 6, Start: 1764057600,
		}}
	}
	for i := range n {
		r := at(i, "eni-1", "egress")
		require.True(t, d.isCandidate(r))
		require.Nil(t, d.take(d.hash(r), r))
		d.store(d.hash(r), &counted{vantage: vantageOf(r), direction: r.FlowDirection})
		require.LessOrEqual(t, len(d.young.first)+len(d.old.first), kept+2)
	}
	recent := at(n-1, "eni-2", "ingress")
	require.NotNil(t, d.take(d.hash(recent), recent))
	require.Nil(t, d.take(d.hash(recent), recent), "a third record is no duplicate")
	oldest := at(0, "eni-2", "ingress")
	require.Nil(t, d.take(d.hash(oldest), oldest))
	require.Equal(t, uint64(1), d.found)
	require.Equal(t, uint64(n), d.dropped+d.young.n+d.old.n+d.found)
}

// TestCandidates: records of public IPv4 addresses, of unknown direction or vantage point are no candidates, unless they name
// their other end.
func TestCandidates(t *testing.T) {
	d := newDedup(1 << 20)
	for _, c := range []struct {
		src, dst, direction, eni string
		want                     bool
	}{
		{"10.0.0.1", "10.0.0.2", "egress", "eni-1", true},
		{"10.0.0.1", "10.0.0.2", "", "eni-1", false},
		{"10.0.0.1", "10.0.0.2", "egress", "", false},
		{"10.0.0.1", "203.0.113.1", "egress", "eni-1", false},
		{"203.0.113.1", "10.0.0.1", "ingress", "eni-1", false},
		{"2001:db8::1", "2001:db8::2", "egress", "eni-1", true},
		{"10.0.0.1", "2001:db8::2", "egress", "eni-1", true},
	} {
		r := &row{Record: flowlog.Record{
			SrcAddr: netip.MustParseAddr(c.src), DstAddr: netip.MustParseAddr(c.dst), FlowDirection: c.direction, InterfaceID: c.eni,
		}}
		assert.Equal(t, c.want, d.isCandidate(r), fmt.Sprint(c))
		r.Paired = "eni-2"
		assert.True(t, d.isCandidate(r), fmt.Sprint(c))
	}
}
