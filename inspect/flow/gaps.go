package flow

import (
	"slices"
	"sort"
	"unsafe"
)

// Gaps remembers where the missing bytes of a side are, if they are in several places, so that segments which come late and in any order
// fill what they fill. A record alone has room for one place. A side with several has a list here. When the memory is used up the oldest
// list goes, and its side has one place again. A nil *Gaps has no lists.
type Gaps struct {
	index          [gapBuckets]*gapList
	oldest, newest *gapList
	free           *gapList // by chain
	used, bound    int      // bytes
}

// gapList has the gaps of a side, in the order of sequence numbers.
type gapList struct {
	record       *Record
	side         Side
	gaps         []gap
	chain        *gapList // in its bucket, or of those that are free
	older, newer *gapList
}

// gap is missing bytes.
type gap struct{ start, end uint32 }

func (g gap) len() uint32 { return g.end - g.start }

const (
	gapBuckets  = 1 << 12
	gapListSize = int(unsafe.Sizeof(gapList{}))
	gapSize     = int(unsafe.Sizeof(gap{}))
)

// maxGaps bounds the gaps of a side: what a message of 2 KiB can have of which every second byte came. Of more the first ones are taken for
// lost.
const maxGaps = 1 << 10

// keptGaps is how many gaps a list has room for that is kept for reuse.
const keptGaps = 16

// SetGapMemory bounds the memory for the gaps of sides that have several, in bytes.
func (t *Table) SetGapMemory(bytes int) { t.gaps.bound = bytes }

// Gaps returns the table's gaps.
func (t *Table) Gaps() *Gaps { return &t.gaps }

func (g *Gaps) bucket(r *Record, s Side) **gapList {
	n := uintptr(unsafe.Pointer(r))/unsafe.Sizeof(Record{})*2 + uintptr(s)
	return &g.index[n%gapBuckets]
}

// of returns the list of a side; nil if it has none. A side of which nothing is missing has none.
func (g *Gaps) of(r *Record, s Side) *gapList {
	if g == nil || r.Missing[s] == 0 {
		return nil
	}
	for l := *g.bucket(r, s); l != nil; l = l.chain {
		if l.record == r && l.side == s {
			return l
		}
	}
	return nil
}

// add gives a side without a list one.
func (g *Gaps) add(r *Record, s Side) *gapList {
	l := g.free
	if l != nil {
		g.free = l.chain
	} else {
		l = new(gapList)
		g.used += gapListSize
	}
	at := g.bucket(r, s)
	*l = gapList{record: r, side: s, gaps: l.gaps[:0], chain: *at, older: g.newest}
	*at = l
	if g.newest != nil {
		g.newest.newer = l
	} else {
		g.oldest = l
	}
	g.newest = l
	return l
}

// drop frees the list of a side, if it has one.
func (g *Gaps) drop(r *Record, s Side) {
	if l := g.of(r, s); l != nil {
		g.remove(l)
	}
}

func (g *Gaps) remove(l *gapList) {
	at := g.bucket(l.record, l.side)
	for *at != l {
		at = &(*at).chain
	}
	*at = l.chain
	if l.older != nil {
		l.older.newer = l.newer
	} else {
		g.oldest = l.newer
	}
	if l.newer != nil {
		l.newer.older = l.older
	} else {
		g.newest = l.older
	}
	if cap(l.gaps) > keptGaps {
		g.used -= cap(l.gaps) * gapSize
		l.gaps = nil
	}
	*l = gapList{gaps: l.gaps[:0], chain: g.free}
	g.free = l
}

// insert puts a gap into a list.
func (g *Gaps) insert(l *gapList, i int, x gap) {
	if len(l.gaps) == maxGaps {
		l.gaps = slices.Delete(l.gaps, 0, 1)
		i = max(i-1, 0)
	}
	before := cap(l.gaps)
	if before == len(l.gaps) {
		l.gaps = slices.Grow(l.gaps, max(4, before))
	}
	l.gaps = slices.Insert(l.gaps, i, x)
	g.used += (cap(l.gaps) - before) * gapSize
	for g.used > g.bound && g.oldest != l {
		g.remove(g.oldest)
	}
}

// skip notes that the bytes of a side from what comes next up to a sequence number are missing.
func (r *Record) skip(s Side, end uint32, g *Gaps) {
	x := gap{r.next[s], end}
	switch l := g.of(r, s); {
	case r.Missing[s] == 0 || g == nil:
	case l != nil:
		if last := &l.gaps[len(l.gaps)-1]; last.end == x.start {
			last.end = end
		} else {
			g.insert(l, len(l.gaps), x)
		}
	case r.gapEnd[s] != x.start: // otherwise the gap grows
		l = g.add(r, s)
		g.insert(l, 0, onlyGap(r, s))
		g.insert(l, 1, x)
	}
	r.Missing[s] = saturated(r.Missing[s], x.len())
	r.gapEnd[s] = end
	r.senders[s].habits &^= habitStamp // gapEnd is that of a gap now
}

// onlyGap returns the gap of a side that has one and no list.
func onlyGap(r *Record, s Side) gap { return gap{r.gapEnd[s] - r.Missing[s], r.gapEnd[s]} }

// fill subtracts bytes that came from those that are missing and returns how many of them these were.
func (r *Record) fill(s Side, seq, n uint32, g *Gaps) uint32 {
	if r.Missing[s] == 0 || n == 0 {
		return 0
	}
	l := g.of(r, s)
	if l == nil {
		return g.fillOnly(r, s, seq, n)
	}
	filled := g.fill(l, gap{seq, seq + n})
	r.Missing[s] -= min(filled, r.Missing[s])
	switch {
	case len(l.gaps) == 0:
		g.remove(l)
	case len(l.gaps) == 1 && l.gaps[0].len() == r.Missing[s]:
		r.gapEnd[s] = l.gaps[0].end
		g.remove(l)
	}
	return filled
}

// fillOnly is fill for a side without a list: the gap is the Missing bytes before its end.
func (g *Gaps) fillOnly(r *Record, s Side, seq, n uint32) uint32 {
	whole := onlyGap(r, s)
	part := whole.meet(gap{seq, seq + n})
	if part.len() == 0 {
		return 0
	}
	r.Missing[s] -= part.len()
	switch {
	case part.end == whole.end:
		r.gapEnd[s] = part.start
	case part.start != whole.start && g != nil:
		l := g.add(r, s)
		g.insert(l, 0, gap{whole.start, part.start})
		g.insert(l, 1, gap{part.end, whole.end})
	}
	return part.len()
}

// meet returns the part of a gap that lies in other bytes.
func (g gap) meet(x gap) gap {
	if int32(x.start-g.start) < 0 {
		x.start = g.start
	}
	if int32(x.end-g.end) > 0 {
		x.end = g.end
	}
	if int32(x.end-x.start) <= 0 {
		return gap{}
	}
	return x
}

// fill takes bytes out of a list and returns how many of them were missing.
func (g *Gaps) fill(l *gapList, x gap) (filled uint32) {
	i := sort.Search(len(l.gaps), func(i int) bool { return int32(l.gaps[i].end-x.start) > 0 })
	for i < len(l.gaps) {
		at := &l.gaps[i]
		part := at.meet(x)
		if part.len() == 0 {
			break
		}
		filled += part.len()
		switch {
		case part == *at:
			l.gaps = slices.Delete(l.gaps, i, i+1)
		case part.start == at.start:
			at.start = part.end
			i++
		case part.end == at.end:
			at.end = part.start
			i++
		default:
			rest := gap{part.end, at.end}
			at.end = part.start
			g.insert(l, i+1, rest)
			return filled
		}
	}
	return filled
}

// endAt takes back what was counted of a side behind its end, if that lies in a gap, and reports whether it does: what came from behind it
// was made to mislead. Its sender closes the connection where its bytes end.
func (g *Gaps) endAt(r *Record, s Side, seq uint32) bool {
	if r.Missing[s] == 0 {
		return false
	}
	only := [1]gap{onlyGap(r, s)}
	gaps := only[:]
	l := g.of(r, s)
	if l != nil {
		gaps = l.gaps
	}
	i := sort.Search(len(gaps), func(i int) bool { return int32(gaps[i].end-seq) > 0 })
	if i == len(gaps) || int32(seq-gaps[i].start) < 0 {
		return false
	}
	behind := r.next[s] - seq // all of it
	if r.finished(s) {
		behind--
	}
	missing := gaps[i].end - seq
	for _, x := range gaps[i+1:] {
		missing += x.len()
	}
	r.Missing[s] -= min(missing, r.Missing[s])
	r.payload.sub(s, uint64(behind-missing))
	r.next[s] = seq
	r.gapEnd[s] = seq
	r.marks &^= markFIN0 << s
	if l != nil {
		l.gaps[i].end = seq
		l.gaps = l.gaps[:i+1]
		if l.gaps[i].len() == 0 {
			l.gaps = l.gaps[:i]
		}
		if len(l.gaps) == 0 {
			g.remove(l)
		}
	}
	return true
}
