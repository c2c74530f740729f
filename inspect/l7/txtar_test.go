package l7

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata/l7")

// A recording is one file of testdata/l7, whose README describes the format.
type recording struct {
	path    string
	proto   Proto
	stream  bool // over TCP; else each segment is a datagram
	segs    []segment
	want    string
	archive *txtar.Archive
}

// segment is what one side sent at once.
type segment struct {
	side uint8
	data []byte
}

func recordings(tb testing.TB) []recording {
	paths, err := filepath.Glob("../../testdata/l7/*.txtar")
	require.NoError(tb, err)
	require.NotEmpty(tb, paths)
	all := make([]recording, len(paths))
	for i, path := range paths {
		all[i] = readRecording(tb, path)
	}
	return all
}

func readRecording(tb testing.TB, path string) recording {
	archive, err := txtar.ParseFile(path)
	require.NoError(tb, err)
	x := recording{path: path, archive: archive, proto: protoOfFile(tb, path)}
	for _, f := range archive.Files {
		switch f.Name {
		case "stream", "datagrams":
			x.stream = f.Name == "stream"
			x.segs = readSegments(tb, f.Data)
		case "want":
			x.want = string(f.Data)
		default:
			require.Fail(tb, "unknown section", "%s: %s", path, f.Name)
		}
	}
	require.NotEmpty(tb, x.segs, path)
	return x
}

// protoOfFile returns the protocol that a file's name begins with: tls.txtar and tls-retry.txtar are of TLS. Of several it is
// the longest, since names have hyphens too.
func protoOfFile(tb testing.TB, path string) Proto {
	file := strings.TrimSuffix(filepath.Base(path), ".txtar")
	best := None
	for p := None + 1; p < Protos; p++ {
		name := p.String()
		if (file == name || strings.HasPrefix(file, name+"-")) && (best == None || len(name) > len(best.String())) {
			best = p
		}
	}
	require.NotEqual(tb, None, best, "no such protocol: %s", path)
	return best
}

// readSegments reads lines of hex digits; a line that does not begin with > or < goes on with the segment before it.
func readSegments(tb testing.TB, text []byte) (segs []segment) {
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		if line == "" {
			continue
		}
		if i := strings.IndexByte("><", line[0]); i >= 0 {
			segs = append(segs, segment{side: uint8(i)})
			line = line[1:]
		}
		data, err := hex.DecodeString(strings.Join(strings.Fields(line), ""))
		require.NoError(tb, err)
		require.NotEmpty(tb, segs, "the first line begins with > or <")
		last := &segs[len(segs)-1]
		last.data = append(last.data, data...)
	}
	return segs
}

// message is one input for which the parser of an exchange's protocol returned Done, with the state before it.
type message struct {
	parse  Parse
	conn   Conn
	in     Input
	before []Input // datagrams that began the message
}

// state returns the state after the datagrams before, nil if there are none.
func (m *message) state() *State {
	if len(m.before) == 0 {
		return nil
	}
	s := new(State)
	for _, in := range m.before {
		var h Hint
		c := m.conn
		in.State = s
		m.parse(&h, &c, in)
	}
	return s
}

// messages plays an exchange as a worker does, and calls done with each message. It ends where another protocol begins.
func (x *recording) messages(tb testing.TB, done func(m message, h *Hint)) {
	if !x.stream {
		x.datagrams(tb, done)
		return
	}
	var c Conn
	var h Hint
	var sides [2]reader
	for _, s := range x.segs {
		r := &sides[s.side]
		r.add(s.data)
		for !r.stopped && len(r.buf) > 0 {
			in := Input{Data: r.buf, Side: s.side}
			before := c
			h.Reset()
			v := Table[x.proto].Stream(&h, &c, in)
			require.NotEqual(tb, Reject, v, "%s: side %d: %x", x.path, s.side, r.buf)
			if v == More {
				break
			}
			done(message{parse: Table[x.proto].Stream, conn: before, in: in}, &h)
			if h.Switch {
				return
			}
			r.next(h.Next)
		}
	}
}

// datagrams plays an exchange of datagrams, each of which is a message or a part of one.
func (x *recording) datagrams(tb testing.TB, done func(m message, h *Hint)) {
	m := message{parse: Table[x.proto].Datagram}
	state := new(State)
	var stopped [2]bool
	for _, s := range x.segs {
		if stopped[s.side] {
			continue
		}
		var h Hint
		c := m.conn
		m.in = Input{Data: s.data, Side: s.side, Final: true}
		switch m.parse(&h, &c, Input{Data: s.data, Side: s.side, Final: true, State: state}) {
		case More:
			m.before = append(m.before, m.in)
		case Done:
			done(m, &h)
			m.conn, m.before, stopped[s.side] = c, nil, h.Next == Stop
			state.Reset()
		case Reject:
			require.Fail(tb, "rejected", "%s: %x", x.path, s.data)
		}
	}
}

// reader is the state of one direction: the bytes that were not read yet, and the number of bytes to skip.
type reader struct {
	buf     []byte
	skip    int
	stopped bool
}

func (r *reader) add(data []byte) {
	n := min(r.skip, len(data))
	r.skip -= n
	r.buf = append(r.buf, data[n:]...)
}

func (r *reader) next(n int) {
	if n < 0 {
		r.stopped = true
		return
	}
	r.skip = max(0, n-len(r.buf))
	r.buf = r.buf[min(n, len(r.buf)):]
}

func TestExchanges(t *testing.T) {
	for _, x := range recordings(t) {
		t.Run(filepath.Base(x.path), func(t *testing.T) {
			var got strings.Builder
			x.messages(t, func(m message, h *Hint) { printMessage(&got, m.in.Side, h) })
			if *update {
				x.rewrite(t, got.String())
				return
			}
			assert.Equal(t, x.want, got.String(), "go test ./inspect/l7 -run TestExchanges -update rewrites it")
		})
	}
}

func (x *recording) rewrite(t *testing.T, want string) {
	files := x.archive.Files[:0]
	for _, f := range x.archive.Files {
		if f.Name != "want" {
			files = append(files, f)
		}
	}
	x.archive.Files = append(files, txtar.File{Name: "want", Data: []byte(want)})
	require.NoError(t, os.WriteFile(x.path, txtar.Format(x.archive), 0o644))
}

var roleNames = map[Role]string{Framing: "framing", Request: "request", Response: "response", Interim: "interim"}

// printMessage prints a hint as the want sections have it.
func printMessage(b *strings.Builder, side uint8, h *Hint) {
	fmt.Fprintf(b, "%c %s", "><"[side], roleNames[h.Role])
	if h.NameSource != NoName {
		fmt.Fprintf(b, " %s=%q", h.NameSource, h.Name)
	}
	if h.Switch {
		b.WriteString(" switch")
	}
	switch h.Next {
	case Stop:
		b.WriteString(" stop")
	case Unknown:
		b.WriteString(" unknown")
	}
	b.WriteByte('\n')
	printFields(b, h.Fields)
}

func printFields(b *strings.Builder, fields []Field) {
	depth := 1
	for i := 0; i < len(fields); i++ {
		f := &fields[i]
		if f.Kind == End {
			depth--
			fmt.Fprintf(b, "%s}\n", strings.Repeat("  ", depth))
			continue
		}
		b.WriteString(strings.Repeat("  ", depth) + label(f))
		switch items, flat := inline(fields[i+1:]); {
		case f.Kind != Array && f.Kind != Object:
			b.WriteString(scalar(f) + "\n")
		case flat:
			fmt.Fprintf(b, "{%s}\n", strings.Join(items, ", "))
			i += len(items) + 1
		default:
			b.WriteString("{\n")
			depth++
		}
	}
}

// label prints a field's key, with a + before what is printed under hint.
func label(f *Field) string {
	s := f.Key.String()
	if f.Extra {
		s = "+" + s
	}
	if s != "" {
		s += " "
	}
	return s
}

// inline prints the fields up to the next End; it is false if an object or array begins among them.
func inline(fields []Field) (items []string, flat bool) {
	for i := range fields {
		switch f := &fields[i]; f.Kind {
		case End:
			return items, true
		case Object, Array:
			return nil, false
		case String, Int, Bool:
			items = append(items, label(f)+scalar(f))
		}
	}
	return nil, false
}

func scalar(f *Field) string {
	switch f.Kind {
	case Int:
		return strconv.FormatInt(f.Num, 10)
	case Bool:
		return strconv.FormatBool(f.Num != 0)
	default:
		return strconv.Quote(string(f.Text))
	}
}
