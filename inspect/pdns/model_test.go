package pdns

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is the cache in plain words: a list of facts, least recently used first.
type model struct {
	facts   []*modelFact
	evicted uint64
}

type modelFact struct {
	tap                     uint32
	what                    string // "address ...", "ech ..." or "doh ..."
	client                  [16]byte
	name                    string
	learned, expires, other int64
}

// chunks returns how many chunks the distinct names take, and one more.
func (m *model) chunks(more string) (n int) {
	seen := map[string]bool{more: true, "": true}
	n = (len(more) + chunkText - 1) / chunkText
	for _, f := range m.facts {
		if !seen[f.name] {
			n += (len(f.name) + chunkText - 1) / chunkText
		}
		seen[f.name] = true
	}
	return n
}

func (m *model) evict() {
	m.facts = m.facts[1:]
	m.evicted++
}

// of returns the facts of a key.
func (m *model) of(tap uint32, what string) (all []*modelFact) {
	for _, f := range m.facts {
		if f.tap == tap && f.what == what {
			all = append(all, f)
		}
	}
	return all
}

func (m *model) touch(f *modelFact) {
	m.facts = append(slices.DeleteFunc(m.facts, func(g *modelFact) bool { return g == f }), f)
}

// entry finds or makes a fact.
func (m *model) entry(h Host, what string) *modelFact {
	all := m.of(h.Tap, what)
	i := slices.IndexFunc(all, func(f *modelFact) bool { return f.client == h.Addr })
	var f *modelFact
	switch {
	case i >= 0:
		f = all[i]
	case len(all) == maxClients:
		f = slices.MinFunc(all, func(a, b *modelFact) int { return int(a.learned - b.learned) })
		f.client = h.Addr
	default:
		if len(m.facts) == minFacts {
			m.evict()
		}
		f = &modelFact{tap: h.Tap, what: what, client: h.Addr}
		m.facts = append(m.facts, f)
	}
	m.touch(f)
	return f
}

func (m *model) add(h Host, what, name string, ttl uint32, nanos int64) {
	for m.chunks(name) > minFacts*chunksPerTwo/2 {
		m.evict()
	}
	f := m.entry(h, what)
	expires := nanos + int64(ttl)*second
	if f.name == name {
		expires = max(expires, f.expires)
	} else if f.name != "" {
		f.other = max(f.other, f.expires+int64(Grace))
	}
	f.name, f.learned, f.expires = name, nanos, expires
}

func (m *model) lookup(h Host, what string, nanos int64) (Answer, bool) {
	all := m.of(h.Tap, what)
	if len(all) == 0 {
		return Answer{}, false
	}
	best := slices.MaxFunc(all, func(a, b *modelFact) int { return int(a.learned - b.learned) })
	own := slices.IndexFunc(all, func(f *modelFact) bool { return f.client == h.Addr })
	shared := slices.ContainsFunc(all, func(f *modelFact) bool {
		return nanos < f.other || f.name != best.name && nanos <= f.expires+int64(Grace)
	})
	if own >= 0 {
		best = all[own]
		shared = nanos < best.other
	}
	m.touch(best)
	return Answer{Name: []byte(best.name), Learned: best.learned, Expires: best.expires, Stale: nanos > best.expires,
		Shared: shared, OtherHost: own < 0}, true
}

// TestModel holds the cache against the model: what is found, what is said of it, and what was evicted, by want of room
// for facts or for names.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := New(0), &model{}
		nanos := int64(0)
		addrs := rapid.SampledFrom([]int{4, 100}).Draw(t, "addresses")
		long := rapid.SampledFrom([]int{1, 8}).Draw(t, "length")
		host := rapid.Custom(func(t *rapid.T) Host {
			return Host{rapid.Uint32Range(0, 1).Draw(t, "tap"), [16]byte{15: byte(rapid.IntRange(0, 11).Draw(t, "client"))}}
		})
		text := rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.StringMatching(`[a-e]{1,2}\.example\.`).Draw(t, "name"), rapid.IntRange(1, long).Draw(t, "times"))
		})
		ttl := rapid.Uint32Range(0, 600)
		address := rapid.Custom(func(t *rapid.T) [16]byte { return [16]byte{byte(rapid.IntRange(0, addrs).Draw(t, "address"))} })
		what := func(addr [16]byte) string { return "address " + string(addr[:]) }
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				nanos += rapid.Int64Range(1, 100*second).Draw(t, "later")
				require.Equal(t, Counts{len(m.facts), m.evicted}, c.Counts())
			},
			"Add": func(t *rapid.T) {
				h, addr, name, ttl := host.Draw(t, "host"), address.Draw(t, "to"), text.Draw(t, "name"), ttl.Draw(t, "ttl")
				c.Add(h, addr, bytes.ToUpper([]byte(name)), ttl, nanos)
				m.add(h, what(addr), name, ttl, nanos)
				require.True(t, c.Armed(h.Tap))
			},
			"Lookup": func(t *rapid.T) {
				h, addr := host.Draw(t, "host"), address.Draw(t, "to")
				want, found := m.lookup(h, what(addr), nanos)
				got, ok := c.Lookup(nil, h, addr, nanos)
				require.Equal(t, found, ok)
				require.Equal(t, want, got)
			},
			"ECH": func(t *rapid.T) {
				tap, name, ttl := host.Draw(t, "host").Tap, text.Draw(t, "name"), ttl.Draw(t, "ttl")
				all := m.of(tap, "ech "+name)
				known := len(all) == 1 && nanos <= all[0].expires+int64(Grace)
				require.Equal(t, known, c.ECH(tap, []byte(name), nanos))
				c.AddECH(tap, []byte(name), ttl, nanos)
				m.add(Host{Tap: tap}, "ech "+name, name, ttl, nanos)
			},
			"DoH": func(t *rapid.T) {
				h := host.Draw(t, "host")
				all := m.of(h.Tap, "doh "+string(h.Addr[:]))
				require.Equal(t, len(all) == 1, c.DoH(h, nanos))
				c.AddDoH(h, nanos)
				m.entry(h, "doh "+string(h.Addr[:])).learned = nanos
			},
		})
	})
}

// FuzzNames gives the cache names of any bytes and lengths: what comes back is what went in, as far as names go.
func FuzzNames(f *testing.F) {
	f.Add([]byte("a.example"), []byte("B.example"))
	f.Add(bytes.Repeat([]byte("x"), chunkText), bytes.Repeat([]byte("y"), maxName+1))
	f.Add([]byte{0, 0xff, '.'}, []byte{})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		c := New(0)
		for i := range 50 { // by turns, more often than there is room
			name := [2][]byte{one, two}[i%2]
			c.Add(alice, [16]byte{byte(i)}, name, 60, 0)
			a, ok := c.Lookup(nil, alice, [16]byte{byte(i)}, 0)
			require.Equal(t, len(name) > 0, ok)
			for j, b := range a.Name {
				require.True(t, b == name[j] || b == name[j]|0x20 && 'A' <= name[j] && name[j] <= 'Z')
			}
			require.Len(t, a.Name, min(len(name), maxName))
		}
	})
}
