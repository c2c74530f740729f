package flow

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// Table finds records by key. Its memory is fixed when it is made; pages that were never used cost nothing.
type Table struct {
	records []Record // records[0] is never handed out: 0 means none
	index   []slot   // open addressing, linear probing, never more than three quarters full
	mask    uint32
	free    uint32 // head of the list of records given back, through list.next
	used    uint32 // records[1:used+1] were handed out at least once
	live    int
	clock   int64 // see Tick

	classes [numClasses]list
	windows windows
	gaps    Gaps
	ended   func(*Record, event.EndReason, int64)
	settle  func(*Record)
}

// slot is an entry of the index: a record, and the lower half of its hash. The hash shows where the entry belongs, so that others can be
// moved without reading their records, and its upper bits keep a probe from touching wrong records.
type slot struct{ tag, rec uint32 }

// RecordSize is the memory that a flow takes, its share of the index included.
const RecordSize = int(unsafe.Sizeof(Record{})) + 3*int(unsafe.Sizeof(slot{}))

// New returns a table that takes at most a number of bytes, and has room for at least 64 flows. ended is called, with the time
// of the end, for every record that ends, before its memory is reused; it may take the record's interval counts, and must not call the
// table otherwise.
func New(size int, ended func(r *Record, why event.EndReason, nanos int64)) *Table {
	n := max(64, size/RecordSize)
	slots := 1 << bits.Len(uint(n*4/3))
	t := &Table{mask: uint32(slots - 1), ended: ended}
	t.records, t.index = slab[Record](t, n+1), slab[slot](t, slots)
	return t
}

// Live returns the number of flows in the table.
func (t *Table) Live() int { return t.live }

// Hash returns the hash of a key, for Get.
func Hash(k *decap.Key) uint64 {
	const m1, m2, m3 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3
	ports := uint64(k.LoPort) | uint64(k.HiPort)<<16 | uint64(k.Proto)<<32 | uint64(k.Version)<<40
	h := mix(word(k.Lo[:])^m1, word(k.Lo[8:])^m2)
	h = mix(h^word(k.Hi[:]), word(k.Hi[8:])^m3)
	return mix(h^ports^m2, uint64(k.Session)<<32^uint64(k.Tunnel)^seed)
}

// word is a function, since a method value would be called by its address for each number.
func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Touch reads the index where a hash belongs, and returns the number of the record that is likely the one, for TouchRecord.
func (t *Table) Touch(hash uint64) uint32 { return t.index[uint32(hash)&t.mask].rec }

// TouchRecord reads each cache line of a record, so that Get finds it in the cache. The result has no meaning: it keeps the compiler from
// dropping the reads. A caller that touches many places of the index first, and then their records, waits for memory about once, not once
// for each.
func (t *Table) TouchRecord(ref uint32) uint64 {
	r := &t.records[ref]
	return uint64(r.End) + uint64(r.Packets[0]) + uint64(r.Key.Proto)
}

// Get returns the record of a key, making one if there is none or if the one that is there has been idle for longer than
// its state allows. fresh reports that it is new; its counters are zero then, and Start and End are nanos. The record is
// valid until the next call of a method of the table.
func (t *Table) Get(k *decap.Key, hash uint64, nanos int64) (r *Record, fresh bool) {
	if _, rec := t.find(k, hash); rec != 0 {
		r = &t.records[rec]
		if r.Waiting() {
			t.settle(r)
		}
		if nanos-r.End <= timeouts[r.due()] && !r.idle(t.clock) {
			return r, false
		}
		t.finish(rec, event.EndTimeout, r.End+timeouts[r.due()])
	}
	rec := t.alloc(nanos)
	i, _ := t.find(k, hash) // only now: an eviction moves entries about
	t.index[i] = slot{uint32(hash), rec}
	t.live++
	r = &t.records[rec]
	*r = Record{Key: *k, Start: nanos, End: nanos, bits: r.bits & bitListed}
	t.enlist(rec, r.due(), nanos)
	return r, true
}

// Find returns the record of a key if it is not over by a time, and nil otherwise. It is valid until the next call of a method of the table.
func (t *Table) Find(k *decap.Key, hash uint64, nanos int64) *Record {
	_, rec := t.find(k, hash)
	r := &t.records[rec]
	if rec == 0 || nanos-r.End > timeouts[r.due()] || r.idle(t.clock) {
		return nil
	}
	return r
}

// OnWaiting sets what Get calls for a record of which segments wait, before it finds out whether the record has been idle for too long: some
// may have waited for long enough. It may call Reclassify, and must not call the table otherwise.
func (t *Table) OnWaiting(settle func(*Record)) { t.settle = settle }

// Beside returns zeroed memory for a value of a type without pointers for each record, to be indexed with its number. It is
// given back with the table.
func Beside[T any](t *Table) []T { return slab[T](t, len(t.records)) }

// find returns the index position of a key, or the free one where it belongs, and its record or 0.
func (t *Table) find(k *decap.Key, hash uint64) (uint32, uint32) {
	tag := uint32(hash)
	for i := tag & t.mask; ; i = (i + 1) & t.mask {
		s := t.index[i]
		if s.rec == 0 || s.tag == tag && t.records[s.rec].Key == *k {
			return i, s.rec
		}
	}
}

// alloc returns a record that is not in use, evicting one if there is none.
func (t *Table) alloc(nanos int64) uint32 {
	if t.free == 0 && int(t.used)+1 < len(t.records) {
		t.used++
		return t.used
	}
	if t.free == 0 {
		t.evict(nanos)
	}
	rec := t.free
	t.free = t.records[rec].list.next
	return rec
}

// End ends a record for a reason that its caller found.
func (t *Table) End(r *Record, why event.EndReason, nanos int64) { t.finish(t.Ref(r), why, nanos) }

// Ref returns a record's number, which stays the same while it is live.
func (t *Table) Ref(r *Record) uint32 {
	return uint32((uintptr(unsafe.Pointer(r)) - uintptr(unsafe.Pointer(&t.records[0]))) / unsafe.Sizeof(Record{}))
}

// At returns the record of a number.
func (t *Table) At(ref uint32) *Record { return &t.records[ref] }

// finish reports a record's end and frees it.
func (t *Table) finish(rec uint32, why event.EndReason, nanos int64) {
	r := &t.records[rec]
	t.ended(r, why, nanos)
	if r.Missing != [2]uint32{} {
		t.gaps.drop(r, 0)
		t.gaps.drop(r, 1)
	}
	t.delist(rec)
	t.unindex(rec)
	r.list.next = t.free
	t.free = rec
	t.live--
}

// unindex takes a record out of the index and moves up the entries behind it that would not be found otherwise.
func (t *Table) unindex(rec uint32) {
	hole := uint32(Hash(&t.records[rec].Key)) & t.mask
	for t.index[hole].rec != rec {
		hole = (hole + 1) & t.mask
	}
	for i := (hole + 1) & t.mask; t.index[i].rec != 0; i = (i + 1) & t.mask {
		home := t.index[i].tag & t.mask
		if (i-home)&t.mask >= (i-hole)&t.mask {
			t.index[hole] = t.index[i]
			hole = i
		}
	}
	t.index[hole] = slot{}
}

// Flush ends every flow, least recently active first within a class.
func (t *Table) Flush(why event.EndReason) { t.FlushSome(why, t.live) }

// FlushSome is Flush for at most a number of flows.
func (t *Table) FlushSome(why event.EndReason, most int) {
	for c := range t.classes {
		for ; most > 0 && t.classes[c].head != 0; most-- {
			t.finish(t.classes[c].head, why, t.records[t.classes[c].head].End)
		}
	}
}
