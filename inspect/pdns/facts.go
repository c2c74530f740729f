package pdns

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"reflect"
)

// kind says what a fact is about.
type kind uint32

const (
	isAddress kind = iota // an address was the answer to a client's question
	isECH                 // a name has ECH keys
	isDoH                 // a host speaks with a resolver unseen
)

// key is what facts are found by. It has no gap, so it is hashed as it lies in memory.
type key struct {
	tap  uint32
	kind kind
	what [16]byte // the address, the name's reference, or the host
}

// refKey makes a key of a name. The name cannot go away while a fact refers to it.
func refKey(ref uint32) (k [16]byte) {
	binary.LittleEndian.PutUint32(k[:], ref)
	return k
}

// fact is one thing that was learned. It has no pointer, so the garbage collector never looks at it.
type fact struct {
	key     key
	client  [16]byte
	learned int64
	expires int64
	other   int64  // until when the address counts as shared with the name that it had before
	name    uint32 // a reference that the fact owns; 0 for none
	chain   uint32 // the next fact in the same place of the index; of a free one, the next free one
	older   uint32 // neighbors in order of use; all[0] is both ends
	newer   uint32
}

// maxClients is how many clients' answers are kept apart for one address of a tap. On a host's own interface there is one
// client; on that of a resolver there are thousands, whose answers are about the same.
const maxClients = 8

const minFacts = 64

// factBytes is the memory that a fact takes, with its share of the indexes, rounded up, and of the names.
var factBytes = int(reflect.TypeFor[fact]().Size()) + 8 + nameBytes

// facts is a table of facts in order of use. Its hash is keyed at random, so that nobody can choose addresses that fall
// into one place; nothing that is told depends on it.
type facts struct {
	all     []fact   // all[0] is not a fact but the ends of the list
	index   []uint32 // heads of chains; 0 is the end of a chain
	seed    maphash.Seed
	free    uint32
	used    uint32 // all[1:used+1] were handed out at least once
	live    int
	evicted uint64
}

func newFacts(n int) facts {
	return facts{all: make([]fact, n+1), index: make([]uint32, indexSize(n)), seed: maphash.MakeSeed()}
}

// indexSize returns the smallest power of two that is not less than n.
func indexSize(n int) int { return 1 << bits.Len(uint(n-1)) }

func (t *facts) place(k *key) *uint32 {
	return &t.index[maphash.Comparable(t.seed, *k)&uint64(len(t.index)-1)]
}

// find returns the fact of a key and client, or 0.
func (t *facts) find(k key, client [16]byte) uint32 {
	for i := *t.place(&k); i != 0; i = t.all[i].chain {
		if f := &t.all[i]; f.key == k && f.client == client {
			return i
		}
	}
	return 0
}

// best returns the fact that says most to a client: its own, or else the one learned last; or 0. shared says that there
// are other names.
func (t *facts) best(k key, client [16]byte, nanos int64) (found uint32, shared bool) {
	for i := *t.place(&k); i != 0; i = t.all[i].chain {
		f := &t.all[i]
		switch {
		case f.key != k:
		case f.client == client:
			return i, nanos < f.other
		case found == 0 || f.learned > t.all[found].learned:
			found = i
		}
	}
	return found, found != 0 && t.disputed(found, nanos)
}

// disputed reports whether the clients of an address know it by several names.
func (t *facts) disputed(found uint32, nanos int64) bool {
	best := &t.all[found]
	for i := *t.place(&best.key); i != 0; i = t.all[i].chain {
		f := &t.all[i]
		if f.key == best.key && (nanos < f.other || f.name != best.name && nanos <= f.expires+int64(Grace)) {
			return true
		}
	}
	return false
}

// claim returns the fact of a key and client. If there is none and the key has many clients, the client takes the place
// of the one that learned least recently. Otherwise it returns 0.
func (t *facts) claim(k key, client [16]byte) uint32 {
	clients, oldest := 0, uint32(0)
	for i := *t.place(&k); i != 0; i = t.all[i].chain {
		f := &t.all[i]
		if f.key != k {
			continue
		}
		if f.client == client {
			return i
		}
		clients++
		if oldest == 0 || f.learned < t.all[oldest].learned {
			oldest = i
		}
	}
	if clients < maxClients {
		return 0
	}
	t.all[oldest].client = client
	return oldest
}

func (t *facts) full() bool { return t.free == 0 && int(t.used)+1 == len(t.all) }

// insert makes a fact, if the table is not full. It is the last one used.
func (t *facts) insert(k key, client [16]byte) uint32 {
	i := t.free
	if i != 0 {
		t.free = t.all[i].chain
	} else {
		t.used++
		i = t.used
	}
	head := t.place(&k)
	t.all[i] = fact{key: k, client: client, chain: *head, older: i, newer: i}
	*head = i
	t.live++
	t.touch(i)
	return i
}

// touch makes a fact the last one used.
func (t *facts) touch(i uint32) {
	t.unlist(i)
	last := t.all[0].older
	t.all[i].older, t.all[i].newer = last, 0
	t.all[last].newer, t.all[0].older = i, i
}

func (t *facts) unlist(i uint32) {
	f := &t.all[i]
	t.all[f.older].newer, t.all[f.newer].older = f.newer, f.older
}

// evict forgets the fact least recently used, of which there must be one, and returns the reference that it owned.
func (t *facts) evict() (name uint32) {
	i := t.all[0].newer
	t.unlist(i)
	f := &t.all[i]
	link := t.place(&f.key)
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
