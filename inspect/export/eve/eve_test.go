package eve_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestEVEGolden(t *testing.T) {
	const golden = "testdata/every-kind.jsonl"
	got := encode(eventtest.EveryKind())
	if *update {
		require.NoError(t, os.WriteFile(golden, got, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, strings.Split(string(want), "\n"), strings.Split(string(got), "\n"))
}

// Without our own two objects, events are valid by Suricata's schema.
func TestEVEFitsSuricatasSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(shared(t, "schema/suricata-eve.schema.json"))
	require.NoError(t, err)
	for _, text := range lines(encode(eventtest.EveryKind())) {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		require.NoError(t, err, text)
		delete(v.(map[string]any), "mirror")
		delete(v.(map[string]any), "hint")
		assert.NoError(t, schema.Validate(v), text)
	}
}

// Extra fields are under hint only, in the same objects and arrays as in the message.
func TestExtraFieldsMoveToHint(t *testing.T) {
	b := &event.Batch{}
	b.Events = append(b.Events, eventtest.DNS(b))
	var got struct {
		DNS  map[string]any
		Hint struct{ DNS map[string]any }
	}
	require.NoError(t, json.Unmarshal(encode(b), &got))
	assert.NotContains(t, got.DNS, "edns")
	assert.Equal(t, map[string]any{
		"edns":    map[string]any{"udp_size": 1232.0, "do": true},
		"answers": []any{map[string]any{"rdlength": 17.0}},
	}, got.Hint.DNS)
}

// All balanced fields make valid JSON, and every value is printed once: under hint if it or an object around it is extra, else under
// the protocol.
func TestTokensArePrintedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := tokens{t: t}
		tree.members(0, false)
		b := &event.Batch{}
		b.Events = append(b.Events, event.Event{Kind: event.AppLayer, Proto: l7.HTTP, Fields: b.CopyFields(tree.hint.Fields)})
		var got struct {
			HTTP any
			Hint struct{ HTTP any }
		}
		require.NoError(t, json.Unmarshal(encode(b), &got))
		assert.ElementsMatch(t, tree.plain, numbers(got.HTTP, nil))
		assert.ElementsMatch(t, tree.extra, numbers(got.Hint.HTTP, nil))
	})
}

// tokens draws a tree of fields whose values are distinct numbers.
type tokens struct {
	t            *rapid.T
	hint         l7.Hint
	plain, extra []float64
	next         int
}

// counted are distinct keys for drawn fields.
var counted = func() (keys [1 << 13]l7.Key) {
	for i := range keys {
		keys[i] = l7.KeyOf("k" + strconv.Itoa(i))
	}
	return keys
}()

func (g *tokens) members(depth int, extra bool) {
	for range rapid.IntRange(0, 4).Draw(g.t, "members") {
		g.next++
		n, key := float64(g.next), counted[g.next]
		container := depth < 5 && rapid.Bool().Draw(g.t, "container")
		if container {
			g.hint.Object(key)
		} else {
			g.hint.Int(key, int64(n))
		}
		marked := rapid.IntRange(0, 3).Draw(g.t, "extra") == 0
		if marked {
			g.hint.Extra()
		}
		switch {
		case container:
			g.members(depth+1, extra || marked)
			g.hint.End()
		case extra || marked:
			g.extra = append(g.extra, n)
		default:
			g.plain = append(g.plain, n)
		}
	}
}

// numbers appends the numbers in a decoded value.
func numbers(v any, to []float64) []float64 {
	switch v := v.(type) {
	case float64:
		return append(to, v)
	case map[string]any:
		for _, member := range v {
			to = numbers(member, to)
		}
	}
	return to
}

func TestTimesAreInUTCMicroseconds(t *testing.T) {
	for nanos, want := range map[int64]string{
		0:                         "1970-01-01T00:00:00.000000+0000",
		-1:                        "1969-12-31T23:59:59.999999+0000",
		1e9 - 1:                   "1970-01-01T00:00:00.999999+0000",
		eventtest.Noon:            "2026-11-21T12:00:00.123456+0000",
		1<<63 - 1:                 "2262-04-11T23:47:16.854775+0000",
		951782400_000000000:       "2000-02-29T00:00:00.000000+0000",
		1767225599_000001000:      "2025-12-31T23:59:59.000001+0000",
		-6857222400_000000000 + 1: "1752-09-14T00:00:00.000000+0000",
	} {
		b := &event.Batch{Events: []event.Event{{Kind: event.Flow, Nanos: nanos}}}
		var got struct{ Timestamp string }
		require.NoError(t, json.Unmarshal(encode(b), &got))
		assert.Equal(t, want, got.Timestamp)
	}
}

// TestPairedSession: a flow that was mirrored at both ends names the other mirror session.
func TestPairedSession(t *testing.T) {
	e := eventtest.TCPFlow("10.0.1.7", "10.0.2.9")
	e.Paired = event.MirrorSession{Outer: netip.MustParseAddr("10.0.2.9"), VNI: 102}
	e.Flow.Unpaired = 3
	var got struct{ Mirror map[string]any }
	require.NoError(t, json.Unmarshal(encode(&event.Batch{Events: []event.Event{e}}), &got))
	assert.Equal(t, map[string]any{
		"vni": 9000001.0, "source": "10.0.1.7", "vlan": 101.0, "paired_session": map[string]any{"vni": 102.0, "source": "10.0.2.9"},
		"unpaired_packets": 3.0, "truncated": true,
	}, got.Mirror)
}

// TestHint: the evidence about a name is written as the words of the enumerations.
func TestHint(t *testing.T) {
	e := eventtest.TCPFlow("10.0.1.7", "203.0.113.9")
	e.Direct, e.ECH, e.Conflicts = event.NoLookup, event.ECHReal, 1|2
	var got struct{ Hint map[string]any }
	require.NoError(t, json.Unmarshal(encode(&event.Batch{Events: []event.Event{e}}), &got))
	assert.Equal(t, "no_lookup", got.Hint["direct_to_address"])
	assert.Equal(t, event.ECHReal.String(), got.Hint["ech"])
	assert.Equal(t, []any{event.Conflicts[0], event.Conflicts[1]}, got.Hint["conflicts"])
	assert.NotContains(t, got.Hint, "name", "a flow without a name")
}

func TestIPProtocolsAreNamedAsSuricataDoes(t *testing.T) {
	for proto, want := range map[uint8]string{
		0: "HOPOPT", 1: "ICMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 58: "IPv6-ICMP", 89: "OSPF", 103: "PIM", 112: "VRRP",
		115: "L2TP", 132: "SCTP", 137: "MPLS-in-IP", 143: "Ethernet", 144: "144", 255: "255",
	} {
		b := &event.Batch{Events: []event.Event{{Kind: event.Flow, IPProto: proto}}}
		var got struct{ Proto string }
		require.NoError(t, json.Unmarshal(encode(b), &got))
		assert.Equal(t, want, got.Proto)
	}
}

func TestAppProto(t *testing.T) {
	for _, c := range []struct {
		name    string
		proto   l7.Proto
		ip      uint8
		payload uint64
		want    any
	}{
		{"recognized", l7.TLS, 6, 10, "tls"},
		{"not recognized", l7.None, 6, 10, "failed"},
		{"nothing to recognize", l7.None, 6, 0, nil},
		{"no ports", l7.None, 1, 10, nil},
	} {
		e := event.Event{Kind: event.Flow, Proto: c.proto, IPProto: c.ip}
		e.Flow.Payload[1] = c.payload
		var got map[string]any
		require.NoError(t, json.Unmarshal(encode(&event.Batch{Events: []event.Event{e}}), &got))
		assert.Equal(t, c.want, got["app_proto"], c.name)
	}
}

// TestEveryCounterIsInStats: a stats event has every counter that users see.
func TestEveryCounterIsInStats(t *testing.T) {
	totals := event.Totals{Targets: []event.Target{{Name: "iface:veth0"}}}
	names := eventtest.Number(&totals.Counters)
	line := string(encode(&event.Batch{Events: []event.Event{{Kind: event.Stats, Stats: &totals}}}))
	for n, name := range names {
		assert.Contains(t, line, fmt.Sprintf(":%d", n), "no key has the counter %s", name)
	}
}

func TestEVEDoesNotAllocate(t *testing.T) {
	encodeAll := reuse(t)
	assert.Zero(t, testing.AllocsPerRun(100, func() { encodeAll() }))
}

func BenchmarkEVE(b *testing.B) {
	encodeAll := reuse(b)
	n, size := encodeAll()
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		encodeAll()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}

// reuse returns a function that encodes one event of every kind except Stats into the same buffer.
func reuse(tb testing.TB) func() (events, size int) {
	tb.Helper()
	batch := eventtest.EveryKind()
	batch.Events = batch.Events[:len(batch.Events)-1]
	var enc eve.Writer
	buf := make([]byte, 0, 64<<10)
	return func() (events, size int) {
		buf = buf[:0]
		for i := range batch.Events {
			buf = enc.Append(buf, batch, &batch.Events[i])
		}
		return len(batch.Events), len(buf)
	}
}

func encode(b *event.Batch) []byte {
	var enc eve.Writer
	var out []byte
	for i := range b.Events {
		out = enc.Append(out, b, &b.Events[i])
	}
	return out
}

// lines splits text that ends in a newline.
func lines(text []byte) []string {
	return strings.Split(strings.TrimSuffix(string(bytes.Clone(text)), "\n"), "\n")
}

// shared returns the path of a file in the folder beside the module, and skips the test if it does not exist.
func shared(t *testing.T, name string) string {
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(filepath.Dir(dir), "shared", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("not there: %v", err)
	}
	return path
}
