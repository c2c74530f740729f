// Package pdns is passive DNS: a cache of the addresses in DNS responses, by the client that got them. It gives a flow the name
// that its client looked up, and finds flows that no lookup explains.
//
// All entries belong to a mirror session, so that networks with the same private addresses do not mix. Addresses have 16 bytes,
// IPv4 as IPv4-mapped IPv6. Times are Unix nanoseconds and come from the caller; the package has no clock.
package pdns

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"sync"
	"time"
)

// Grace is how long after its TTL an answer still explains a connection, and an address that changed its name still counts as
// shared. Applications resolve, then wait, and many cache for longer than the TTL. Inline products that look for connections
// without lookups grant the same.
const Grace = 300 * time.Second

const (
	// maxTTL is the longest time that resolvers cache an answer, in seconds: a week is BIND's default, others have less. It
	// also bounds a forged TTL of 68 years.
	maxTTL = 7 * 24 * 60 * 60
	// dohMemory is how long a client counts as a user of DNS over HTTPS. Its connection may stay open all day, and only the
	// start is seen.
	dohMemory = 24 * time.Hour
	// maxSessions bounds the sessions that sawDNS has a bit for.
	maxSessions = 1 << 16
)

// Host is the client of a lookup or of a connection, on one mirror session.
type Host struct {
	Session uint32
	Addr    [16]byte
}

// Answer is the cached answer for an address.
type Answer struct {
	Name      []byte // in lower case; the caller's memory. Empty if the address has got another name since
	LastSeen  int64  // when the answer was seen last
	Expires   int64  // when its TTL ends or ended
	Stale     bool   // the TTL had ended, so the name may be out of date
	Shared    bool   // the address was recently the answer for another name too, so the name may be the wrong one
	OtherHost bool   // another host asked for the name, not this one
}

// Counts is how full the cache is.
type Counts struct {
	Live    int    // entries in the cache
	Evicted uint64 // entries that were removed to make room for others, least recently used first
}

// Cache holds answers. Its memory is fixed when it is made; it allocates nothing later. It is safe for concurrent use: a
// client's lookup and its connection may come to different workers.
type Cache struct {
	mu      sync.Mutex
	entries entries
	names   names
	sawDNS  [maxSessions / 64]uint64 // a bit for each session
	text    []byte                   // a name in lower case
	pair    []byte                   // two names in lower case
}

// New makes a cache that takes at most the given number of bytes, but has room for at least 64 entries.
func New(bytes int) *Cache {
	n := max(minEntries, bytes/entryBytes)
	return &Cache{entries: newEntries(n), names: newNames(n), text: make([]byte, 0, maxName), pair: make([]byte, 0, 2*maxName+1)}
}

// Add adds an answer: a host asked for a name and got an address for ttl seconds. A later name of the same address replaces an
// earlier one of the same host. Empty names are ignored.
func (c *Cache) Add(h Host, addr [16]byte, name []byte, ttl uint32, nanos int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ref := c.internName(name)
	if ref == 0 {
		return
	}
	c.store(key{h.Session, kindAddress, addr}, h.Addr, ref, ttl, nanos)
	if !bytes.HasSuffix(c.text, mdns) {
		c.markDNS(h.Session)
	}
}

// mdns is the suffix of multicast DNS names (RFC 6762 section 3). They do not show that traffic with resolvers is mirrored.
var mdns = []byte(".local")

// Lookup returns the answer that explains an address that a host connects to at a time, and appends its name to dst. An answer to the
// host itself is preferred; otherwise it is the latest answer to any other host. Answers after latest do not count, though workers that
// are ahead may have added them.
func (c *Cache) Lookup(dst []byte, h Host, addr [16]byte, nanos, latest int64) (Answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := key{h.Session, kindAddress, addr}
	found, shared := c.entries.best(k, h.Addr, nanos, latest)
	if found == 0 {
		return Answer{}, false
	}
	c.entries.touch(found)
	f := &c.entries.all[found]
	if f.first > latest {
		expired := f.other - int64(Grace)
		return Answer{LastSeen: expired, Expires: expired, Stale: nanos > expired, Shared: true, OtherHost: f.client != h.Addr}, true
	}
	return Answer{
		Name:      c.names.append(dst, f.name)[len(dst):],
		LastSeen:  f.seen,
		Expires:   f.expires,
		Stale:     nanos > f.expires,
		Shared:    shared,
		OtherHost: f.client != h.Addr,
	}, true
}

// AddAlias adds that a name led to another one, by an alias or a record that has the other as its target, for ttl seconds.
func (c *Cache) AddAlias(session uint32, name, target []byte, ttl uint32, nanos int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store(c.aliasKey(session, name, target), [16]byte{}, 0, ttl, nanos)
}

// Alias reports whether a name led to another one.
func (c *Cache) Alias(session uint32, name, target []byte, nanos int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.entries.find(c.aliasKey(session, name, target), [16]byte{})
	return i != 0 && nanos <= c.entries.all[i].expires+int64(Grace)
}

// aliasKey returns the key of two names: a hash of 128 bits whose seeds nobody knows.
func (c *Cache) aliasKey(session uint32, name, target []byte) key {
	c.pair = append(append(c.pair[:0], c.lower(name)...), 0)
	c.pair = append(c.pair, c.lower(target)...)
	k := key{session: session, kind: kindAlias}
	binary.LittleEndian.PutUint64(k.about[:8], maphash.Bytes(c.names.seed, c.pair))
	binary.LittleEndian.PutUint64(k.about[8:], maphash.Bytes(c.entries.seed, c.pair))
	return k
}

// AddECH adds that an HTTPS or SVCB record of a name has ECH keys, for ttl seconds.
func (c *Cache) AddECH(session uint32, name []byte, ttl uint32, nanos int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ref := c.internName(name); ref != 0 {
		c.store(key{session, kindECH, refKey(ref)}, [16]byte{}, ref, ttl, nanos)
	}
}

// ECH reports whether clients of a session had ECH keys for a name. If not, an encrypted hello to that name is GREASE.
func (c *Cache) ECH(session uint32, name []byte, nanos int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := c.lower(name)
	ref := c.names.find(text, c.names.hash(text))
	if ref == 0 {
		return false
	}
	i := c.entries.find(key{session, kindECH, refKey(ref)}, [16]byte{})
	return i != 0 && nanos <= c.entries.all[i].expires+int64(Grace)
}

// AddDoH adds that a host connected to a resolver with TLS or QUIC, so that some of its lookups cannot be seen: see IsResolver.
func (c *Cache) AddDoH(h Host, nanos int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, _ := c.upsert(key{h.Session, kindDoH, h.Addr}, h.Addr)
	f := &c.entries.all[i]
	f.seen = max(f.seen, nanos)
}

// DoH reports whether a host connected to a resolver with TLS or QUIC within the last day.
func (c *Cache) DoH(h Host, nanos int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.entries.find(key{h.Session, kindDoH, h.Addr}, h.Addr)
	return i != 0 && nanos <= c.entries.all[i].seen+int64(dohMemory)
}

// SeesDNS reports whether responses of a resolver were ever seen on a session. Without them a missing lookup proves nothing:
// queries to Amazon's resolver are mirrored only if the traffic mirror filter includes them.
func (c *Cache) SeesDNS(session uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return session < maxSessions && c.sawDNS[session/64]>>(session%64)&1 != 0
}

func (c *Cache) markDNS(session uint32) {
	if session < maxSessions {
		c.sawDNS[session/64] |= 1 << (session % 64)
	}
}

// Counts returns how full the cache is.
func (c *Cache) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Counts{Live: c.entries.live, Evicted: c.entries.evicted}
}

// store stores an answer. It takes over the reference to its name. Workers may add answers in another order than they were seen in: the
// latest one decides the name.
func (c *Cache) store(k key, client [16]byte, ref uint32, ttl uint32, nanos int64) {
	i, found := c.upsert(k, client)
	f := &c.entries.all[i]
	expires := nanos + int64(min(ttl, maxTTL))*int64(time.Second)
	switch {
	case !found:
		f.first, f.seen, f.expires, f.oldest = nanos, nanos, expires, nanos
	case f.name != ref && nanos < f.seen: // an earlier answer
		f.other, f.oldest = max(f.other, expires+int64(Grace)), min(f.oldest, nanos)
		c.names.release(ref)
		return
	case f.name != ref, nanos > f.expires+int64(Grace): // another name, or the same again
		f.other = max(f.other, f.expires+int64(Grace))
		f.first, f.seen, f.expires = nanos, nanos, expires
	default: // an A record and a hint in an HTTPS record have TTLs of their own: the longer one counts
		f.first, f.seen, f.expires = min(f.first, nanos), max(f.seen, nanos), max(f.expires, expires)
		f.oldest = min(f.oldest, nanos)
	}
	c.names.release(f.name)
	f.name = ref
}

// upsert returns the entry of a key and client, and makes it if there is none. found reports that it has an answer.
func (c *Cache) upsert(k key, client [16]byte) (i uint32, found bool) {
	i = c.entries.reuse(k, client)
	if i != 0 {
		c.entries.touch(i)
		return i, true
	}
	for c.entries.full() {
		c.evict()
	}
	return c.entries.insert(k, client), false
}

// internName returns a reference to a name, which the caller owns; 0 for the empty name. It evicts entries to make room.
func (c *Cache) internName(name []byte) uint32 {
	text := c.lower(name)
	if len(text) == 0 {
		return 0
	}
	hash := c.names.hash(text)
	ref := c.names.find(text, hash)
	if ref == 0 {
		for !c.names.fits(text) {
			c.evict()
		}
		ref = c.names.insert(text, hash)
	}
	c.names.hold(ref)
	return ref
}

// evict removes the least recently used entry.
func (c *Cache) evict() {
	c.names.release(c.entries.evict())
}

// lower copies a name into the cache's own memory, in lower case (RFC 4343) and cut at maxName.
func (c *Cache) lower(name []byte) []byte {
	c.text = c.text[:0]
	for _, b := range name[:min(len(name), maxName)] {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		c.text = append(c.text, b)
	}
	return c.text
}
