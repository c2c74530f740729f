package pdns

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"reflect"
)

// kind is what an entry holds.
type kind uint32

const (
	kindAddress kind = iota // an address was the answer to a client's query
	kindECH                 // a name has ECH keys
	kindDoH                 // a host uses a resolver with TLS or QUIC
	kindAlias               // a name leads to another one
)

// key is what entries are found by. It has no padding, so that it can be hashed as it is in memory.
type key struct {
	session uint32
	kind    kind
	about   [16]byte // the address, the name's reference, the host, or a hash of both names
}

// refKey returns the key of a name. The name stays as long as an entry refers to it.
func refKey(ref uint32) (k [16]byte) {
	binary.LittleEndian.PutUint32(k[:], ref)
	return k
}

// entry is one cached fact. It has no pointer, so the garbage collector does not scan it.
type entry struct {
	key     key
	client  [16]byte
	first   int64 // since when the address has the name without a pause
	seen    int64
	expires int64
	other   int64  // until when the address counts as shared with its previous name; 0 if it had none
	oldest  int64  // since when the address has a name
	name    uint32 // a reference that the entry owns; 0 for none
	chain   uint32 // the next entry in the same bucket; of a free entry, the next free one
	older   uint32 // neighbors in order of use; all[0] is both ends
	newer   uint32
}

// maxClients bounds the clients with an entry of their own for one address of a session. A host's own interface has one client.
// A resolver's interface has thousands, whose answers are nearly the same.
const maxClients = 8

const minEntries = 64

// entryBytes is the memory per entry, with its share of the indexes, rounded up, and of the names.
var entryBytes = int(reflect.TypeFor[entry]().Size()) + 8 + nameBytes

// entries is a table of entries in order of use. Its hash has a random seed, so that nobody can choose addresses that fall into
// one bucket. No result depends on the seed.
type entries struct {
	all     []entry  // all[0] is no entry but the ends of the list
	index   []uint32 // heads of chains; 0 is the end of a chain
	seed    maphash.Seed
	free    uint32
	used    uint32 // all[1:used+1] were in use at least once
	live    int
	evicted uint64
}

func newEntries(n int) entries {
	return entries{all: make([]entry, n+1), index: make([]uint32, indexSize(n)), seed: maphash.MakeSeed()}
}

// indexSize returns the smallest power of two that is not less than n.
func indexSize(n int) int { return 1 << bits.Len(uint(n-1)) }

func (t *entries) bucket(k *key) *uint32 {
	return &t.index[maphash.Comparable(t.seed, *k)&uint64(len(t.index)-1)]
}

// find returns the entry of a key and client, or 0.
func (t *entries) find(k key, client [16]byte) uint32 {
	for i := *t.bucket(&k); i != 0; i = t.all[i].chain {
		if f := &t.all[i]; f.key == k && f.client == client {
			return i
		}
	}
	return 0
}

// best returns the entry of a key for a client: its own, or else the one seen last, or 0. Names that were first seen after latest do
// not count, nor, as long as there is one that does, addresses that had another name before. shared reports that the address has other
// names too.
func (t *entries) best(k key, client [16]byte, nanos, latest int64) (found uint32, shared bool) {
	renamed := uint32(0)
	for i := *t.bucket(&k); i != 0; i = t.all[i].chain {
		f := &t.all[i]
		switch {
		case f.key != k:
		case f.first > latest:
			if f.oldest <= latest && (renamed == 0 || f.other > t.all[renamed].other) {
				renamed = i
			}
		case f.client == client:
			return i, nanos < f.other
		case found == 0 || f.seen > t.all[found].seen:
			found = i
		}
	}
	if found == 0 {
		return renamed, renamed != 0
	}
	return found, t.hasOtherName(found, nanos)
}

// hasOtherName reports whether an address had several names, for one client or for different ones.
func (t *entries) hasOtherName(found uint32, nanos int64) bool {
	best := &t.all[found]
	for i := *t.bucket(&best.key); i != 0; i = t.all[i].chain {
		f := &t.all[i]
		if f.key == best.key && (nanos < f.other || f.name != best.name && nanos <= f.expires+int64(Grace)) {
			return true
		}
	}
	return false
}

// reuse returns the entry of a key and client. If there is none and the key has maxClients, the client takes over the entry
// that was seen least recently. Otherwise it returns 0.
func (t *entries) reuse(k key, client [16]byte) uint32 {
	clients, oldest := 0, uint32(0)
	for i := *t.bucket(&k); i != 0; i = t.all[i].chain {
		f := &t.all[i]
		if f.key != k {
			continue
		}
		if f.client == client {
			return i
		}
		clients++
		if oldest == 0 || f.seen < t.all[oldest].seen {
			oldest = i
		}
	}
	if clients < maxClients {
		return 0
	}
	t.all[oldest].client = client
	return oldest
}

func (t *entries) full() bool { return t.free == 0 && int(t.used)+1 == len(t.all) }

// insert makes an entry, which becomes the most recently used one. The table must not be full.
func (t *entries) insert(k key, client [16]byte) uint32 {
	i := t.free
	if i != 0 {
		t.free = t.all[i].chain
	} else {
		t.used++
		i = t.used
	}
	head := t.bucket(&k)
	t.all[i] = entry{key: k, client: client, chain: *head, older: i, newer: i}
	*head = i
	t.live++
	t.touch(i)
	return i
}

// touch makes an entry the most recently used one.
func (t *entries) touch(i uint32) {
	t.unlink(i)
	last := t.all[0].older
	t.all[i].older, t.all[i].newer = last, 0
	t.all[last].newer, t.all[0].older = i, i
}

func (t *entries) unlink(i uint32) {
	f := &t.all[i]
	t.all[f.older].newer, t.all[f.newer].older = f.newer, f.older
}

// evict removes the least recently used entry, of which there must be one, and returns the reference that it owned.
func (t *entries) evict() (name uint32) {
	i := t.all[0].newer
	t.unlink(i)
	f := &t.all[i]
	link := t.bucket(&f.key)
	for *link != i {
		link = &t.all[*link].chain
	}
	*link = f.chain
	name, f.chain = f.name, t.free
	t.free = i
	t.live--
	t.evicted++
	return name
}
