package pdns

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const second = int64(time.Second)

func ip(s string) [16]byte { return netip.MustParseAddr(s).As16() }

var (
	alice = Host{1, ip("10.0.0.1")}
	bob   = Host{1, ip("10.0.0.2")}
	there = ip("192.0.2.1")
)

// lookup returns the name of an address, followed by its flags.
func lookup(c *Cache, h Host, addr [16]byte, nanos int64) string {
	a, ok := c.Lookup(nil, h, addr, nanos, nanos)
	if !ok {
		return ""
	}
	s := string(a.Name)
	if a.Stale {
		s += " stale"
	}
	if a.Shared {
		s += " shared"
	}
	if a.OtherHost {
		s += " other"
	}
	return s
}

func TestLookup(t *testing.T) {
	c := New(0)
	assert.Empty(t, lookup(c, alice, there, 0))
	c.Add(alice, there, []byte("WWW.Example.com"), 60, 100*second)
	assert.Equal(t, "www.example.com", lookup(c, alice, there, 160*second))
	assert.Equal(t, "www.example.com stale", lookup(c, alice, there, 160*second+1))
	assert.Equal(t, "www.example.com other", lookup(c, bob, there, 101*second))
	assert.Empty(t, lookup(c, alice, ip("192.0.2.2"), 101*second), "another address")
	assert.Empty(t, lookup(c, Host{2, alice.Addr}, there, 101*second), "another session")
}

func TestLookupAppends(t *testing.T) {
	c := New(0)
	c.Add(alice, there, []byte("a.example"), 60, 7)
	memory := append(make([]byte, 0, 32), "before "...)
	a, ok := c.Lookup(memory, alice, there, 8, 8)
	require.True(t, ok)
	assert.Equal(t, "before a.example", string(memory[:cap(memory)][:16]))
	assert.Equal(t, Answer{Name: []byte("a.example"), LastSeen: 7, Expires: 7 + 60*second}, a)
}

// TestSharedAddress: the last name counts, and the address counts as shared for as long as the previous name was valid.
func TestSharedAddress(t *testing.T) {
	c := New(0)
	c.Add(alice, there, []byte("a.example"), 60, 0)
	c.Add(alice, there, []byte("b.example"), 3600, 10*second)
	assert.Equal(t, "b.example shared", lookup(c, alice, there, 360*second-1))
	assert.Equal(t, "b.example", lookup(c, alice, there, 360*second))
	c.Add(alice, there, []byte("B.example"), 3600, 400*second)
	assert.Equal(t, "b.example", lookup(c, alice, there, 401*second))
	c.Add(alice, there, []byte("c.example"), 1, 402*second)
	c.Add(alice, there, []byte("d.example"), 1, 403*second)
	assert.Equal(t, "d.example stale shared", lookup(c, alice, there, 4000*second), "b.example was good for an hour")
}

// TestOtherHosts: the latest answer to another host is used, and an address with different names is shared.
func TestOtherHosts(t *testing.T) {
	c := New(0)
	carol := Host{1, ip("10.0.0.3")}
	c.Add(bob, there, []byte("b.example"), 60, 10)
	c.Add(alice, there, []byte("a.example"), 60, 5)
	assert.Equal(t, "b.example shared other", lookup(c, carol, there, 20))
	assert.Equal(t, "a.example", lookup(c, alice, there, 20))
	assert.Equal(t, "b.example stale other", lookup(c, carol, there, 400*second))
}

// TestTTL: the longer of two TTLs of the same name counts, and none is longer than a week.
func TestTTL(t *testing.T) {
	c := New(0)
	c.Add(alice, there, []byte("a.example"), 300, 0)
	c.Add(alice, there, []byte("a.example"), 60, 0)
	assert.Equal(t, "a.example", lookup(c, alice, there, 300*second))
	c.Add(bob, there, []byte("a.example"), 1<<32-1, 0)
	assert.Equal(t, "a.example stale", lookup(c, bob, there, 7*24*3600*second+1))
}

// TestManyClients: an address that everybody asks for does not fill the cache.
func TestManyClients(t *testing.T) {
	c := New(0)
	for i := range 40 {
		c.Add(Host{1, ip(fmt.Sprintf("10.0.0.%d", i))}, there, []byte("a.example"), 60, int64(i))
	}
	assert.Equal(t, Counts{Live: maxClients}, c.Counts())
	assert.Equal(t, "a.example", lookup(c, Host{1, ip("10.0.0.39")}, there, 40))
	assert.Equal(t, "a.example other", lookup(c, Host{1, ip("10.0.0.5")}, there, 40))
}

func TestArmed(t *testing.T) {
	c := New(0)
	c.Add(Host{Session: 3}, there, []byte("printer.local"), 60, 0)
	c.AddDoH(Host{Session: 3}, 0)
	c.Add(Host{Session: 3}, there, nil, 60, 0)
	assert.False(t, c.SeesDNS(3), "multicast DNS is no resolver")
	c.Add(Host{Session: 3}, there, []byte("a.example"), 60, 0)
	assert.True(t, c.SeesDNS(3))
	assert.False(t, c.SeesDNS(2))
	for i := range 1000 {
		c.Add(Host{Session: 5}, ip(fmt.Sprintf("2001:db8::%x", i)), []byte("b.example"), 60, 0)
	}
	assert.True(t, c.SeesDNS(3), "even if all answers of the session were evicted")
	c.Add(Host{Session: maxSessions}, there, []byte("a.example"), 60, 0)
	assert.False(t, c.SeesDNS(maxSessions))
}

func TestECH(t *testing.T) {
	c := New(0)
	assert.False(t, c.ECH(1, []byte("a.example"), 0))
	c.AddECH(1, []byte("A.example"), 60, 0)
	assert.True(t, c.ECH(1, []byte("a.Example"), 360*second))
	assert.False(t, c.ECH(1, []byte("a.example"), 360*second+1))
	assert.False(t, c.ECH(2, []byte("a.example"), 0))
	assert.False(t, c.ECH(1, []byte("b.example"), 0))
	assert.False(t, c.ECH(1, nil, 0))
	assert.Empty(t, lookup(c, Host{Session: 1}, refKey(1), 0), "it is no answer for an address")
}

func TestDoH(t *testing.T) {
	c := New(0)
	c.AddDoH(alice, 5)
	assert.True(t, c.DoH(alice, 5+24*3600*second))
	assert.False(t, c.DoH(alice, 6+24*3600*second))
	assert.False(t, c.DoH(bob, 5))
	assert.False(t, c.DoH(Host{2, alice.Addr}, 5))
	c.AddDoH(alice, 9)
	assert.Equal(t, Counts{Live: 1}, c.Counts())
}

// TestEvictsLeastRecentlyUsed fills the cache with answers, and with names that need more room than there is.
func TestEvictsLeastRecentlyUsed(t *testing.T) {
	for name, size := range map[string]int{"by number": 3, "by size": 230} {
		c := New(0)
		add := func(i int) {
			c.Add(alice, ip(fmt.Sprintf("2001:db8::%x", i)), fmt.Appendf(nil, "%03d%s", i, strings.Repeat("x", size)), 60, 0)
		}
		for i := range 200 {
			add(i)
			require.NotEmpty(t, lookup(c, alice, ip("2001:db8::"), 0), "%s: the answer used after each of %d", name, i)
		}
		n := c.Counts()
		assert.Equal(t, 200, n.Live+int(n.Evicted), name)
		for i := 1; i < 200; i++ {
			kept := lookup(c, alice, ip(fmt.Sprintf("2001:db8::%x", i)), 0) != ""
			assert.Equal(t, i > 200-n.Live, kept, "%s: %d", name, i)
		}
	}
}

// TestConcurrently: several workers add and look up answers, and each finds its own last one intact.
func TestConcurrently(t *testing.T) {
	c := New(0)
	var workers sync.WaitGroup
	for i := range 4 {
		workers.Go(func() {
			host, name := Host{uint32(i), alice.Addr}, fmt.Sprintf("%d.example", i)
			for range 1000 {
				c.Add(host, there, []byte(name), 60, 0)
				assert.Equal(t, name, lookup(c, host, there, 0))
				assert.True(t, c.SeesDNS(host.Session))
				c.AddECH(host.Session, []byte(name), 60, 0)
				assert.True(t, c.ECH(host.Session, []byte(name), 0))
				c.AddDoH(host, 0)
				assert.True(t, c.DoH(host, 0))
			}
		})
	}
	workers.Wait()
	assert.Equal(t, Counts{Live: 12}, c.Counts())
}

// steady returns a function that does a worker's work for a lookup and a connection, in a full cache.
func steady(tb testing.TB, size int) func() {
	c := New(size)
	var addr [16]byte
	name := []byte("0000000000.cloudfront.example")
	var dst [maxName]byte
	i := uint32(0)
	step := func() {
		i++
		for j := range 8 {
			name[j] = 'a' + byte(i>>(4*j)&15)
		}
		addr[0], addr[1], addr[2], addr[3] = byte(i), byte(i>>8), byte(i>>16), byte(i>>24)
		c.Add(alice, addr, name, 60, int64(i))
		if a, ok := c.Lookup(dst[:0], alice, addr, int64(i), int64(i)); !ok || len(a.Name) != len(name) {
			tb.Fatal("not found")
		}
	}
	for c.Counts().Evicted == 0 {
		step()
	}
	return step
}

func TestAllocatesNothing(t *testing.T) {
	assert.Zero(t, testing.AllocsPerRun(1000, steady(t, 1<<20)))
}

// BenchmarkAddLookup adds an answer under a new name, which evicts another, and looks it up: the most expensive case.
func BenchmarkAddLookup(b *testing.B) {
	for _, size := range []int{1 << 20, 64 << 20} {
		b.Run(fmt.Sprintf("%dMiB", size>>20), func(b *testing.B) {
			step := steady(b, size)
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}

func BenchmarkLookupNothing(b *testing.B) {
	c := New(16 << 20)
	for b.Loop() {
		c.Lookup(nil, alice, there, 0, 0)
	}
}

// TestMemory: the tables together take the requested memory, and not much less.
func TestMemory(t *testing.T) {
	for _, size := range []int{1 << 20, 3 << 20, 16 << 20} {
		c := New(size)
		total := slabBytes(c.entries.all) + slabBytes(c.entries.index) + slabBytes(c.names.all) + slabBytes(c.names.chunks) +
			slabBytes(c.names.index)
		assert.LessOrEqual(t, total, size+256, "%d", size) // and the entries that are never in use
		assert.Greater(t, total, size*9/10, "%d", size)
	}
}

func slabBytes[T any](slab []T) int { return len(slab) * int(reflect.TypeFor[T]().Size()) }
