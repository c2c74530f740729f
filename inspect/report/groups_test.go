package report

import (
	"cmp"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// someSum draws the sum of one record.
func someSum(t *rapid.T) sum {
	at := rapid.Int64Range(0, 1000).Draw(t, "at")
	return sum{
		flows: 1, packets: rapid.Int64Range(0, 9).Draw(t, "packets"), bytes: rapid.Int64Range(0, 1<<40).Draw(t, "bytes"),
		other: rapid.Int64Range(0, 1).Draw(t, "other"), first: at, last: at + rapid.Int64Range(0, 60).Draw(t, "length"),
	}
}

// TestGroupsAreAMap: with any bound of memory, groups hold the sums that a map holds, and each visits them in the order of
// keys, also after additions and subtractions across spilled runs.
func TestGroupsAreAMap(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		s := &spill{dir: dir}
		g := newGroups(rapid.SampledFrom([]int{1, 400, 2000, 1 << 20}).Draw(t, "limit"), s)
		model := map[string]sum{}
		for range rapid.IntRange(0, 100).Draw(t, "changes") {
			key, n := rapid.StringMatching(`[a-e]{0,2}`).Draw(t, "key"), someSum(t)
			group, err := g.get([]byte(key))
			require.NoError(t, err)
			m, ok := model[key]
			if !ok {
				m = emptySum
			}
			if ok && rapid.Bool().Draw(t, "subtract") {
				group.subtract(&n)
				m.subtract(&n)
			} else {
				group.add(&n)
				m.add(&n)
			}
			model[key] = m
		}
		got, keys := map[string]sum{}, []string(nil)
		require.NoError(t, g.each(func(key []byte, s *sum) {
			got[string(key)] = *s
			keys = append(keys, string(key))
		}))
		for key, m := range model {
			if m.flows|m.other == 0 {
				delete(model, key) // empty groups are not visited
			}
		}
		require.Equal(t, model, got)
		require.True(t, slices.IsSorted(keys))
		require.NoError(t, s.close())
	})
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestGroupsStayWithinTheirBound: the estimated memory of groups exceeds the bound by at most one group.
func TestGroupsStayWithinTheirBound(t *testing.T) {
	s := &spill{dir: t.TempDir()}
	defer s.close()
	g := newGroups(1000, s)
	for i := range 100 {
		_, err := g.get([]byte{byte(i)})
		require.NoError(t, err)
		require.LessOrEqual(t, g.used, 1000)
	}
	require.Greater(t, len(s.ends), 10, "groups were spilled")
}

// TestKeyRoundTrip: the parts of a key are those it was made of, whatever bytes they hold. A part that is too long is cut.
func TestKeyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "parts")
		var key []byte
		for _, part := range want {
			key = appendPart(key, part)
		}
		require.Equal(t, want, splitKey(key))
	})
	require.Len(t, splitKey(appendPart(nil, string(make([]byte, maxPart+1))))[0], maxPart)
}

// TestRankingIsASort: a ranking has the first rows of all groups sorted by value and key, and counts the others.
func TestRankingIsASort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := ranking{limit: rapid.IntRange(0, 5).Draw(t, "limit"), by: bytesSum.of}
		var all []ranked
		for range rapid.IntRange(0, 1500).Draw(t, "groups") {
			row := ranked{[]string{rapid.StringMatching(`[ab]{3}`).Draw(t, "key")}, sum{bytes: rapid.Int64Range(0, 3).Draw(t, "bytes")}}
			all = append(all, row)
			r.add(appendPart(nil, row.parts[0]), &row.sum)
		}
		left := r.finish()
		slices.SortFunc(all, func(a, b ranked) int {
			return cmp.Or(cmp.Compare(b.sum.bytes, a.sum.bytes), cmp.Compare(a.parts[0], b.parts[0]))
		})
		want := all
		if r.limit > 0 {
			want = all[:min(r.limit, len(all))]
		}
		require.Equal(t, want, r.rows)
		require.Equal(t, uint64(len(all)-len(want)), left)
	})
}

// TestTruncatedRunIsAnError: a run whose end is missing on disk gives an error.
func TestTruncatedRunIsAnError(t *testing.T) {
	s := &spill{dir: t.TempDir()}
	defer s.close()
	one := sum{flows: 1, bytes: 5}
	require.NoError(t, s.write(map[string]*sum{"key": &one, "other": &one}))
	require.NoError(t, s.file.Truncate(s.ends[0]-1))
	err := s.merge(func([]byte, *sum) {})
	require.ErrorContains(t, err, "the groups exceed --memory, and the temporary file failed: ")
}
