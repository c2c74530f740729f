// Package pdns is passive DNS: it remembers which addresses were the answers to whose questions, so that a flow to an
// address can be called by the name that its client had asked for, and a flow that no lookup explains can be told.
//
// Everything belongs to a tap, a mirrored interface: networks with the same private addresses do not mix. Addresses are
// in 16 bytes, IPv4 as IPv4-mapped IPv6. Times are Unix nanoseconds and come from the caller; the package has no clock.
package pdns

import (
	"bytes"
	"sync"
	"time"
)

// Grace is how long beyond its TTL an answer still explains a connection, and an address that changed its name still
// counts as shared: applications resolve, then wait, and many cache for longer than they may. It is what the inline
// products that look for connections without lookups grant.
const Grace = 300 * time.Second

const (
	// maxTTL is what resolvers cache at the most: a week is BIND's default, others have less. It also keeps a forged TTL
	// of 68 years from explaining an address for ever.
	maxTTL = 7 * 24 * 60 * 60
	// dohMemory is how long a client counts as one that asks by DNS over HTTPS. Its connection may stay open all day, and
	// only the start is noticed.
	dohMemory = 24 * time.Hour
	// maxTaps bounds the bits that arm taps.
	maxTaps = 1 << 16
)

// Host is one host as a tap sees it: who asked, or who connects.
type Host struct {
	Tap  uint32
	Addr [16]byte
}

// Answer is what the cache knows of an address.
type Answer struct {
	Name      []byte // in lower case; the caller's memory
	Learned   int64  // when the answer was seen last
	Expires   int64  // when its TTL ended, or will
	Stale     bool   // the TTL had ended: the name is a guess from the past
	Shared    bool   // of late the address was the answer for another name too: the name may be the wrong one
	OtherHost bool   // another host asked, not this one
}

// Counts says how full the cache is.
type Counts struct {
	Live    int    // answers and other facts that are remembered
	Evicted uint64 // those forgotten to make room for others, least recently used first
}

// Cache remembers answers. Its memory is fixed when it is made; it allocates nothing later. It is safe for concurrent
// use: a client's lookup and its connection may come to different workers.
type Cache struct {
	mu    sync.Mutex
	facts facts
	names names
	armed [maxTaps / 64]uint64 // a bit for each tap
	text  []byte               // a name in lower case
}

// New makes a cache that takes at most so many bytes, and room for 64 answers at the least.
func New(bytes int) *Cache {
	n := max(minFacts, bytes/factBytes)
	return &Cache{facts: newFacts(n), names: newNames(n), text: make([]byte, 0, maxName)}
}

// Add learns that a host asked for a name and was given an address for ttl seconds. Of an address's names the last one
// added counts for the host. Names that are empty are ignored.
func (c *Cache) Add(h Host, addr [16]byte, name []byte, ttl uint32, nanos int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ref := c.intern(name)
	if ref == 0 {
		return
	}
	c.learn(key{h.Tap, isAddress, addr}, h.Addr, ref, ttl, nanos)
	if !bytes.HasSuffix(c.text, mdns) {
		c.arm(h.Tap)
	}
}

// mdns ends the names of multicast DNS (RFC 6762 section 3). They say nothing about whether the questions to resolvers
// are mirrored.
var mdns = []byte(".local")

// Lookup returns what is known of an address that a host connects to, appending the name to dst. Answers to the host
// itself go first, then the latest to any other.
func (c *Cache) Lookup(dst []byte, h Host, addr [16]byte, nanos int64) (Answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := key{h.Tap, isAddress, addr}
	found, shared := c.facts.best(k, h.Addr, nanos)
	if found == 0 {
		return Answer{}, false
	}
	c.facts.touch(found)
	f := &c.facts.all[found]
	return Answer{
		Name:      c.names.append(dst, f.name)[len(dst):],
		Learned:   f.learned,
		Expires:   f.expires,
		Stale:     nanos > f.expires,
		Shared:    shared,
		OtherHost: f.client != h.Addr,
	}, true
}

// AddECH learns that an HTTPS or SVCB record of a name has ECH keys, for ttl seconds.
func (c *Cache) AddECH(tap uint32, name []byte, ttl uint32, nanos int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ref := c.intern(name); ref != 0 {
		c.learn(key{tap, isECH, refKey(ref)}, [16]byte{}, ref, ttl, nanos)
	}
}

// ECH reports whether clients of a tap had ECH keys for a name. If they had not, an encrypted hello to it is GREASE.
func (c *Cache) ECH(tap uint32, name []byte, nanos int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := c.lower(name)
	ref := c.names.find(text, c.names.hash(text))
	if ref == 0 {
		return false
	}
	i := c.facts.find(key{tap, isECH, refKey(ref)}, [16]byte{})
	return i != 0 && nanos <= c.facts.all[i].expires+int64(Grace)
}

// AddDoH learns that a host spoke with a resolver by TLS or QUIC, so that lookups may pass unseen: see IsResolver.
func (c *Cache) AddDoH(h Host, nanos int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.entry(key{h.Tap, isDoH, h.Addr}, h.Addr)
	c.facts.all[i].learned = nanos
}

// DoH reports whether a host spoke with a resolver by TLS or QUIC within a day.
func (c *Cache) DoH(h Host, nanos int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.facts.find(key{h.Tap, isDoH, h.Addr}, h.Addr)
	return i != 0 && nanos <= c.facts.all[i].learned+int64(dohMemory)
}

// Armed reports whether answers of a resolver were seen on a tap. Until then the want of a lookup says nothing: the
// questions to Amazon's resolver are mirrored only if the filter says so.
func (c *Cache) Armed(tap uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return tap < maxTaps && c.armed[tap/64]>>(tap%64)&1 != 0
}

func (c *Cache) arm(tap uint32) {
	if tap < maxTaps {
		c.armed[tap/64] |= 1 << (tap % 64)
	}
}

// Counts says how full the cache is.
func (c *Cache) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Counts{Live: c.facts.live, Evicted: c.facts.evicted}
}

// learn stores an answer, and takes over the reference to its name.
func (c *Cache) learn(k key, client [16]byte, ref uint32, ttl uint32, nanos int64) {
	f := &c.facts.all[c.entry(k, client)]
	expires := nanos + int64(min(ttl, maxTTL))*int64(time.Second)
	switch f.name {
	case 0:
	case ref: // an A record and the hint of an HTTPS record have TTLs of their own: the longer one counts
		expires = max(expires, f.expires)
	default:
		f.other = max(f.other, f.expires+int64(Grace))
	}
	c.names.release(f.name)
	f.name, f.learned, f.expires = ref, nanos, expires
}

// entry returns the fact of a key and client, made if there is none.
func (c *Cache) entry(k key, client [16]byte) uint32 {
	i := c.facts.claim(k, client)
	if i == 0 {
		for c.facts.full() {
			c.evict()
		}
		i = c.facts.insert(k, client)
	}
	c.facts.touch(i)
	return i
}

// intern returns a reference to a name, which the caller owns, after making room for it; 0 for the empty name.
func (c *Cache) intern(name []byte) uint32 {
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

// evict forgets the least recently used fact.
func (c *Cache) evict() {
	c.names.release(c.facts.evict())
}

// lower puts a name into the cache's own memory in lower case (RFC 4343), as far as names go.
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
