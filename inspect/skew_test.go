package inspect

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// skew is the longest time by which copies are late in these tests, less than segments wait for each other.
const skew = 40 * millisecond

// exchanges returns what the hosts of the recorded exchanges over TCP said, by the names of the files. A message begins with its direction.
func exchanges(t require.TestingT) map[string][]string {
	files, err := filepath.Glob("../testdata/l7/*.txtar")
	require.NoError(t, err)
	found := make(map[string][]string)
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		require.NoError(t, err)
		for _, section := range archive.Files {
			if section.Name == "stream" {
				found[strings.TrimSuffix(filepath.Base(file), ".txtar")] = messages(t, string(section.Data))
			}
		}
	}
	require.Greater(t, len(found), 40)
	return found
}

// messages decodes a section of an exchange.
func messages(t require.TestingT, section string) (out []string) {
	for l := range strings.Lines(section) {
		l, _, _ = strings.Cut(l, "#")
		direction := strings.TrimSpace(l[:min(1, len(l))])
		b, err := hex.DecodeString(strings.Join(strings.Fields(strings.TrimLeft(l, "<> ")), ""))
		require.NoError(t, err)
		if direction != "" {
			out = append(out, direction)
		}
		if len(out) > 0 {
			out[len(out)-1] += string(b)
		}
	}
	return out
}

// talk adds messages in segments of at most a length, acknowledged or not.
func (c *conversation) talk(t *rapid.T, said []string) {
	for _, m := range said {
		from, to := &c.client, &c.server
		if m[0] == '<' {
			from, to = to, from
		}
		for data := m[1:]; len(data) > 0; {
			n := min(len(data), rapid.IntRange(200, 1460).Draw(t, "length"))
			c.nanos += rapid.Int64Range(0, 5).Draw(t, "pause") * millisecond
			c.packet(from, to, 0, decap.ACK, []byte(data[:n]))
			from.seq += uint32(n)
			data = data[n:]
		}
		switch rapid.IntRange(0, 5).Draw(t, "then") {
		case 0, 1:
			c.packet(to, from, 0, decap.ACK, nil)
		case 2:
			again := c.frames[len(c.frames)-1]
			c.nanos += millisecond
			again.Nanos = c.nanos
			c.frames = append(c.frames, again)
		}
	}
}

// end adds one of the ways in which connections end.
func (c *conversation) end(t *rapid.T) {
	switch rapid.SampledFrom([]string{"not", "fin", "server's fin", "rst", "server's rst"}).Draw(t, "end") {
	case "fin":
		c.close()
	case "server's fin":
		c.client, c.server = c.server, c.client
		c.close()
		c.client, c.server = c.server, c.client
	case "rst":
		c.packet(&c.client, &c.server, 0, decap.RST|decap.ACK, nil)
	case "server's rst":
		c.packet(&c.server, &c.client, 0, decap.RST, nil)
	}
}

// skewed returns frames as they come if each direction of a connection is late by up to skew and keeps its order. upward reports the direction
// of a frame; other frames are not late.
func skewed(t *rapid.T, in []decap.Datagram, direction func(*decap.Datagram) int) []decap.Datagram {
	out := slices.Clone(in)
	var last, late [2]int64
	for i := range out {
		d := direction(&out[i])
		if d < 0 {
			continue
		}
		if i == 0 || rapid.IntRange(0, 7).Draw(t, "another delay") == 0 {
			late[d] = rapid.SampledFrom([]int64{0, 50_000, 2 * millisecond, 20 * millisecond, skew}).Draw(t, "delay")
		}
		out[i].Nanos = max(last[d], out[i].Nanos+late[d])
		last[d] = out[i].Nanos
	}
	slices.SortStableFunc(out, func(a, b decap.Datagram) int { return cmp.Compare(a.Nanos, b.Nanos) })
	return out
}

// directionOf returns 0 or 1 for the two directions of TCP, -1 for all else.
func directionOf(d *decap.Datagram) int {
	var p decap.Packet
	var decoder decap.Decoder
	switch {
	case decoder.Parse(&p, d) != decap.OK || p.Proto != decap.TCP:
		return -1
	case p.SrcPort > p.DstPort:
		return 1
	default:
		return 0
	}
}

// eventLines returns what is known of flows and messages, in an order that does not depend on that of the packets.
func eventLines(out *collected) (lines []string) {
	for _, b := range out.batches {
		for i := range b.Events {
			e := &b.Events[i]
			lines = append(lines, line(b, e)+fmt.Sprint(" ", e.Kind == event.Flow && e.Flow.Truncated, e.Flow.TCPState, e.Flow.Messages, e.Flow.TCPFlags))
		}
	}
	slices.Sort(lines)
	return lines
}

func sameEvents(t require.TestingT, want []string, in []decap.Datagram, what string) event.Counters {
	out, n := inspect(t, Config{}, in)
	got := eventLines(out)
	for i := range min(len(want), len(got)) {
		require.Equal(t, want[i], got[i], what)
	}
	require.Len(t, got, len(want), what)
	return n
}

// TestDirectionsInAnyOrder: each direction of a connection may be late. As long as it keeps its order the events are the same.
func TestDirectionsInAnyOrder(t *testing.T) {
	all := exchanges(t)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	held := uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		c := newConversation()
		name := rapid.SampledFrom(names).Draw(t, "exchange")
		c.open()
		c.talk(t, all[name])
		c.end(t)
		before := rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3, 4, 5, 6, 7}).Draw(t, "frames before the capture")
		c.frames = c.frames[min(before, len(c.frames)-1):]
		out, _ := inspect(t, Config{}, c.frames)
		want := eventLines(out)
		if strings.Contains(strings.Join(want, "\n"), "by=first_packet") {
			return // of an acknowledgment and a FIN that do not know of each other any may be the first
		}
		held += sameEvents(t, want, skewed(t, c.frames, directionOf), name).SegmentsHeld
	})
	require.Positive(t, held)
}

// TestBytesThatComeAgain: bytes from before a connection's protocol was recognized are no message when they come again.
func TestBytesThatComeAgain(t *testing.T) {
	said := exchanges(t)["sip-tcp"]
	ringing, ok, ack, bye := said[1], said[2], said[3], said[4]
	for _, again := range []bool{false, true} {
		c := newConversation()
		c.hear(ringing[201:])
		c.packet(&c.client, &c.server, 0, decap.ACK, nil)
		for _, part := range []string{ok[1:201], ok[201:401], ok[401:]} {
			c.hear(part)
		}
		c.say(ack[1:201])
		c.say(ack[201:])
		c.say(bye[1:201])
		c.say(bye[201:])
		if again {
			c.packet(&c.server, &c.client, -len(ok[401:]), decap.ACK, []byte(ok[401:]))
		}
		c.hear(said[5][1:])
		out, _ := inspect(t, Config{}, c.frames)
		require.Contains(t, strings.Join(out.lines(event.AppLayer), "\n"), `code="200"`, "again: %v", again)
	}
}

// TestRecordedDirectionsInAnyOrder is the same for captures of real programs.
func TestRecordedDirectionsInAnyOrder(t *testing.T) {
	files := []string{"plain-http", "plain-tls", "plain-misc", "mirror-http", "mirror-tls"}
	frames, want := make(map[string][]decap.Datagram), make(map[string][]string)
	for _, file := range files {
		frames[file] = recorded(t, "../testdata/"+file+".pcap")
		out, _ := inspect(t, Config{}, frames[file])
		want[file] = eventLines(out)
	}
	rapid.Check(t, func(t *rapid.T) {
		file := rapid.SampledFrom(files).Draw(t, "file")
		sameEvents(t, want[file], skewed(t, frames[file], directionOf), file)
	})
}

// recorded returns the frames of a capture.
func recorded(t *testing.T, file string) (out []decap.Datagram) {
	src, err := capture.Open(file)
	require.NoError(t, err)
	defer src.Close()
	for err == nil {
		var b decap.Batch
		err = src.Read(&b)
		for _, d := range b.D[:b.N] {
			d.Data = slices.Clone(d.Data)
			out = append(out, d)
		}
	}
	require.True(t, errors.Is(err, io.EOF), err)
	return out
}
