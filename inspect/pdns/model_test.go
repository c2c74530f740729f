package pdns

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is the simplest implementation of the cache: a list of entries, least recently used first.
type model struct {
	entries []*modelEntry
	evicted uint64
}

type modelEntry struct {
	session              uint32
	about                string // "address ...", "ech ...", "alias ..." or "doh ..."
	client               [16]byte
	name                 string
	first, seen, expires int64
	other, oldest        int64
}

// chunks returns the number of chunks that the distinct names take, plus one.
func (m *model) chunks(more string) (n int) {
	seen := map[string]bool{more: true, "": true}
	n = (len(more) + chunkText - 1) / chunkText
	for _, f := range m.entries {
		if !seen[f.name] {
			n += (len(f.name) + chunkText - 1) / chunkText
		}
		seen[f.name] = true
	}
	return n
}

func (m *model) evict() {
	m.entries = m.entries[1:]
	m.evicted++
}

// of returns the entries of a key.
func (m *model) of(session uint32, about string) (all []*modelEntry) {
	for _, f := range m.entries {
		if f.session == session && f.about == about {
			all = append(all, f)
		}
	}
	return all
}

func (m *model) touch(f *modelEntry) {
	m.entries = append(slices.DeleteFunc(m.entries, func(g *modelEntry) bool { return g == f }), f)
}

// upsert finds or makes an entry.
func (m *model) upsert(h Host, about string) (_ *modelEntry, found bool) {
	all := m.of(h.Session, about)
	i := slices.IndexFunc(all, func(f *modelEntry) bool { return f.client == h.Addr })
	var f *modelEntry
	found = true
	switch {
	case i >= 0:
		f = all[i]
	case len(all) == maxClients:
		f = slices.MinFunc(all, func(a, b *modelEntry) int { return int(a.seen - b.seen) })
		f.client = h.Addr
	default:
		if len(m.entries) == minEntries {
			m.evict()
		}
		f, found = &modelEntry{session: h.Session, about: about, client: h.Addr}, false
		m.entries = append(m.entries, f)
	}
	m.touch(f)
	return f, found
}

func (m *model) add(h Host, about, name string, ttl uint32, nanos int64) {
	for m.chunks(name) > minEntries*chunksPerTwo/2 {
		m.evict()
	}
	f, found := m.upsert(h, about)
	expires := nanos + int64(ttl)*second
	switch over := f.expires + int64(Grace); {
	case !found:
		f.first, f.seen, f.expires, f.oldest = nanos, nanos, expires, nanos
	case f.name != name && nanos < f.seen:
		f.other, f.oldest = max(f.other, expires+int64(Grace)), min(f.oldest, nanos)
		return
	case f.name != name, nanos > over:
		f.other = max(f.other, over)
		f.first, f.seen, f.expires = nanos, nanos, expires
	default:
		f.first, f.seen, f.expires = min(f.first, nanos), max(f.seen, nanos), max(f.expires, expires)
		f.oldest = min(f.oldest, nanos)
	}
	f.name = name
}

func (m *model) lookup(h Host, about string, nanos, latest int64) (Answer, bool) {
	var all, renamed []*modelEntry
	for _, f := range m.of(h.Session, about) {
		switch {
		case f.first <= latest:
			all = append(all, f)
		case f.oldest <= latest:
			renamed = append(renamed, f)
		}
	}
	bySeen := func(a, b *modelEntry) int { return int(a.seen - b.seen) }
	switch {
	case len(all) > 0:
	case len(renamed) > 0:
		best := slices.MaxFunc(renamed, func(a, b *modelEntry) int { return int(a.other - b.other) })
		m.touch(best)
		expired := best.other - int64(Grace)
		return Answer{LastSeen: expired, Expires: expired, Stale: nanos > expired, Shared: true, OtherHost: best.client != h.Addr}, true
	default:
		return Answer{}, false
	}
	best := slices.MaxFunc(all, bySeen)
	own := slices.IndexFunc(all, func(f *modelEntry) bool { return f.client == h.Addr })
	shared := slices.ContainsFunc(m.of(h.Session, about), func(f *modelEntry) bool {
		return nanos < f.other || f.name != best.name && nanos <= f.expires+int64(Grace)
	})
	if own >= 0 {
		best = all[own]
		shared = nanos < best.other
	}
	m.touch(best)
	return Answer{Name: []byte(best.name), LastSeen: best.seen, Expires: best.expires, Stale: nanos > best.expires,
		Shared: shared, OtherHost: own < 0}, true
}

// TestModel compares the cache with the model: what is found, its flags, and what was evicted for want of entries or of names.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := New(0), &model{}
		nanos, at, steps := int64(0), int64(0), int64(0) // the latest time, and one that is often near it and never the same twice
		addrs := rapid.SampledFrom([]int{4, 100}).Draw(t, "addresses")
		long := rapid.SampledFrom([]int{1, 8}).Draw(t, "length")
		host := rapid.Custom(func(t *rapid.T) Host {
			return Host{rapid.Uint32Range(0, 1).Draw(t, "session"), [16]byte{15: byte(rapid.IntRange(0, 11).Draw(t, "client"))}}
		})
		text := rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.StringMatching(`[a-e]{1,2}\.example\.`).Draw(t, "name"), rapid.IntRange(1, long).Draw(t, "times"))
		})
		ttl := rapid.Uint32Range(0, 600)
		address := rapid.Custom(func(t *rapid.T) [16]byte { return [16]byte{byte(rapid.IntRange(0, addrs).Draw(t, "address"))} })
		about := func(addr [16]byte) string { return "address " + string(addr[:]) }
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				nanos += rapid.Int64Range(1, 100*second).Draw(t, "later")
				steps++
				at = max(0, nanos-rapid.SampledFrom([]int64{0, 0, second, 1000 * second}).Draw(t, "earlier"))/1000*1000 + steps
				nanos = max(nanos, at)
				require.Equal(t, Counts{len(m.entries), m.evicted}, c.Counts())
			},
			"Add": func(t *rapid.T) {
				h, addr, name, ttl := host.Draw(t, "host"), address.Draw(t, "to"), text.Draw(t, "name"), ttl.Draw(t, "ttl")
				c.Add(h, addr, bytes.ToUpper([]byte(name)), ttl, at)
				m.add(h, about(addr), name, ttl, at)
				require.True(t, c.SeesDNS(h.Session))
			},
			"Lookup": func(t *rapid.T) {
				h, addr := host.Draw(t, "host"), address.Draw(t, "to")
				latest := at + rapid.Int64Range(0, 10*second).Draw(t, "latest")
				want, found := m.lookup(h, about(addr), at, latest)
				got, ok := c.Lookup(nil, h, addr, at, latest)
				require.Equal(t, found, ok)
				require.Equal(t, string(want.Name), string(got.Name))
				want.Name, got.Name = nil, nil
				require.Equal(t, want, got)
			},
			"Alias": func(t *rapid.T) {
				session, name, target := host.Draw(t, "host").Session, text.Draw(t, "name"), text.Draw(t, "target")
				about := "alias " + name + " " + target
				all := m.of(session, about)
				require.Equal(t, len(all) == 1 && nanos <= all[0].expires+int64(Grace), c.Alias(session, []byte(name), []byte(target), nanos))
				c.AddAlias(session, []byte(name), bytes.ToUpper([]byte(target)), 60, nanos)
				m.add(Host{Session: session}, about, "", 60, nanos)
			},
			"ECH": func(t *rapid.T) {
				session, name, ttl := host.Draw(t, "host").Session, text.Draw(t, "name"), ttl.Draw(t, "ttl")
				all := m.of(session, "ech "+name)
				known := len(all) == 1 && nanos <= all[0].expires+int64(Grace)
				require.Equal(t, known, c.ECH(session, []byte(name), nanos))
				c.AddECH(session, []byte(name), ttl, nanos)
				m.add(Host{Session: session}, "ech "+name, name, ttl, nanos)
			},
			"DoH": func(t *rapid.T) {
				h := host.Draw(t, "host")
				all := m.of(h.Session, "doh "+string(h.Addr[:]))
				require.Equal(t, len(all) == 1, c.DoH(h, nanos))
				c.AddDoH(h, nanos)
				f, _ := m.upsert(h, "doh "+string(h.Addr[:]))
				f.seen = nanos
			},
		})
	})
}

// FuzzNames: names of any bytes come back as they went in, cut at maxName.
func FuzzNames(f *testing.F) {
	f.Add([]byte("a.example"), []byte("B.example"))
	f.Add(bytes.Repeat([]byte("x"), chunkText), bytes.Repeat([]byte("y"), maxName+1))
	f.Add([]byte{0, 0xff, '.'}, []byte{})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		c := New(0)
		for i := range 50 { // by turns, more often than there is room
			name := [2][]byte{one, two}[i%2]
			c.Add(alice, [16]byte{byte(i)}, name, 60, 0)
			a, ok := c.Lookup(nil, alice, [16]byte{byte(i)}, 0, 0)
			require.Equal(t, len(name) > 0, ok)
			for j, b := range a.Name {
				require.True(t, b == name[j] || b == name[j]|0x20 && 'A' <= name[j] && name[j] <= 'Z')
			}
			require.Len(t, a.Name, min(len(name), maxName))
		}
	})
}
