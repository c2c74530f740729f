package l7

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// outcome is the result of a parser's call.
type outcome struct {
	verdict Verdict
	next    int
	conn    Conn
	text    string
}

// try calls a parser with the state that a message found, and checks the hint.
func (m *message) try(tb require.TestingT, h *Hint, in Input) outcome {
	h.Reset()
	c := m.conn
	in.State = m.state()
	v := m.parse(h, &c, in)
	if v != Done {
		return outcome{verdict: v}
	}
	checkHint(tb, h)
	var text strings.Builder
	printMessage(&text, in.Side, h)
	return outcome{v, h.Next, c, text.String()}
}

// forEachMessage calls f with each message of each recording.
func forEachMessage(t *testing.T, f func(t *testing.T, x *recording, m message)) {
	for _, x := range recordings(t) {
		t.Run(filepath.Base(x.path), func(t *testing.T) {
			x.messages(t, func(m message, _ *Hint) { f(t, &x, m) })
		})
	}
}

// TestPrefixes gives each message byte by byte: a verdict other than More holds for all longer prefixes, and so does the hint.
func TestPrefixes(t *testing.T) {
	forEachMessage(t, func(t *testing.T, x *recording, m message) {
		if !x.stream {
			return
		}
		var h Hint
		full := m.try(t, &h, m.in)
		decided := false
		for n := range len(m.in.Data) {
			got := m.try(t, &h, Input{Data: m.in.Data[:n], Side: m.in.Side})
			if decided || got.verdict != More {
				decided = true
				require.Equal(t, full, got, "the first %d bytes of %x", n, m.in.Data)
			}
		}
	})
}

// TestPrefixesFinal gives each message cut anywhere, as the last of its direction: there is always a verdict.
func TestPrefixesFinal(t *testing.T) {
	forEachMessage(t, func(t *testing.T, _ *recording, m message) {
		var h Hint
		for n := range len(m.in.Data) + 1 {
			h.Reset()
			c := m.conn
			got := m.parse(&h, &c, Input{Data: m.in.Data[:n], Side: m.in.Side, Final: true})
			if got == More {
				require.Fail(t, "no verdict", "on the first %d bytes of %x", n, m.in.Data)
			}
		}
	})
}

// TestForeign: the parsers of the other protocols reject each message, whole and cut.
func TestForeign(t *testing.T) {
	forEachMessage(t, func(t *testing.T, x *recording, m message) {
		var h Hint
		for p := None + 1; p < Protos; p++ {
			for _, parse := range []Parse{Table[p].Stream, Table[p].Datagram} {
				if parse == nil || p == x.proto {
					continue
				}
				m := message{parse: parse, in: m.in}
				for n := len(m.in.Data) % stride(1); n <= len(m.in.Data); n += stride(1) {
					got := m.try(t, &h, Input{Data: m.in.Data[:n], Side: m.in.Side, Final: true})
					require.Equal(t, Reject, got.verdict, "%s read %x", p, m.in.Data[:n])
				}
			}
		}
	})
}

// TestBegins: a client's first segment begins like a message of its own protocol, and of no other.
func TestBegins(t *testing.T) {
	for _, x := range recordings(t) {
		begins := Table[x.proto].Begins
		if !x.stream || begins == nil {
			continue
		}
		assert.True(t, begins(x.segs[0].data), x.path)
		for p := None + 1; p < Protos; p++ {
			if other := Table[p].Begins; other != nil && p != x.proto {
				assert.False(t, other(x.segs[0].data), "%s as %s", x.path, p)
			}
		}
	}
}

// TestSame: a parser's result depends on its input and state only, and not on the earlier contents of the hint.
func TestSame(t *testing.T) {
	var used Hint
	forEachMessage(t, func(t *testing.T, _ *recording, m message) {
		var fresh Hint
		assert.Equal(t, m.try(t, &fresh, m.in), m.try(t, &used, m.in))
	})
}

// TestAliases holds that a hint's texts lie in the input or in the hint's scratch: when both are overwritten, so are they.
func TestAliases(t *testing.T) {
	forEachMessage(t, func(t *testing.T, _ *recording, m message) {
		var h Hint
		m.try(t, &h, m.in) // makes the scratch large enough
		data := append([]byte(nil), m.in.Data...)
		m.try(t, &h, Input{Data: data, Side: m.in.Side, Final: m.in.Final})
		for _, memory := range [][]byte{data, h.scratch} {
			for i := range memory {
				memory[i] = '.'
			}
		}
		for _, f := range h.Fields {
			assert.Equal(t, strings.Repeat(".", len(f.Text)), string(f.Text), f.Key)
		}
	})
}

func TestAllocatesNothing(t *testing.T) {
	forEachMessage(t, func(t *testing.T, x *recording, m message) {
		if x.proto == QUIC { // TestQUICAllocations has its bound: the standard library's ciphers are on the heap
			return
		}
		assert.Zero(t, testing.AllocsPerRun(10, m.again()))
	})
}

// BenchmarkMessage measures the second message of each recording, which is the first response.
func BenchmarkMessage(b *testing.B) {
	for _, x := range recordings(b) {
		var all []message
		x.messages(b, func(m message, _ *Hint) { all = append(all, m) })
		b.Run(strings.TrimSuffix(filepath.Base(x.path), ".txtar"), func(b *testing.B) {
			b.ReportAllocs()
			again := all[min(1, len(all)-1)].again()
			for b.Loop() {
				again()
			}
		})
	}
}

// again returns a function that parses the message once more, into a hint that has become large enough.
func (m *message) again() func() {
	var h Hint
	var c Conn
	run := func() {
		h.Reset()
		c = m.conn
		m.parse(&h, &c, m.in)
	}
	run()
	run()
	return run
}

// Bounds on a hint, whatever the message: what one event may cost.
const (
	maxFields = 8 << 10
	maxText   = 128 << 10
)

// checkHint checks what every exporter relies on.
func checkHint(tb require.TestingT, h *Hint) {
	assert.True(tb, h.Next > 0 || h.Next == Stop || h.Next == Unknown, "next %d", h.Next)
	assert.Equal(tb, h.NameSource != NoName, len(h.Name) > 0, "a name and its source come together")
	assert.LessOrEqual(tb, h.Role, Interim)
	assert.Less(tb, h.NameSource, numNameSources)
	require.LessOrEqual(tb, len(h.Fields), maxFields)
	text := 0
	fields := h.Fields
	for len(fields) > 0 {
		fields = checkField(tb, fields, Object)
	}
	for i := range h.Fields {
		text += len(h.Fields[i].Text)
	}
	assert.LessOrEqual(tb, text, maxText)
}

// checkField checks the first field, which is in an object or array, with all that is in it, and returns what follows.
func checkField(tb require.TestingT, fields []Field, in Kind) []Field {
	f := &fields[0]
	require.NotEqual(tb, End, f.Kind, "an end of nothing")
	require.LessOrEqual(tb, f.Kind, End)
	assert.Equal(tb, in == Array, f.Key == element, "keys are in objects, and only there: %q", f.Key)
	fields = fields[1:]
	if f.Kind != Object && f.Kind != Array {
		return fields
	}
	keys := map[Key]bool{}
	for {
		require.NotEmpty(tb, fields, "%s does not end", f.Key)
		if fields[0].Kind == End {
			return fields[1:]
		}
		assert.False(tb, f.Kind == Object && keys[fields[0].Key], "%s has two of %s", f.Key, fields[0].Key)
		keys[fields[0].Key] = true
		fields = checkField(tb, fields, f.Kind)
	}
}
