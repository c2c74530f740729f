package main

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// TestHintsAreDocumented: docs/hints.md has a line for each protocol, reason, source and class, and for no other.
func TestHintsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/hints.md")
	require.NoError(t, err)
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_-]+)`").FindAllSubmatch(page, -1) {
		documented = append(documented, string(m[1]))
	}
	var known []string
	for p := l7.None + 1; p < l7.Protos; p++ {
		known = append(known, p.String())
	}
	for s := l7.NoName; s <= l7.QUICSNI; s++ {
		known = append(known, s.String())
	}
	for i := event.ByFirstPacket; i <= event.BySYN; i++ {
		known = append(known, i.String())
	}
	for d := event.NoLookup; d <= event.NoDNSSeen; d++ {
		known = append(known, d.String())
	}
	for e := event.ECHUnknown; e <= event.ECHReal; e++ {
		known = append(known, e.String())
	}
	known = append(known, event.Conflicts[:]...)
	assert.ElementsMatch(t, known, documented)
}

// TestFlowLogFieldsAreDocumented: docs/flowlogs.md has a line for each field, in the order of a record, and says of no field that a
// mirror knows what it does not, nor the other way round.
func TestFlowLogFieldsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/flowlogs.md")
	require.NoError(t, err)
	type line struct {
		name, kind string
		known      bool
	}
	var documented, known []line
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| ([a-z0-9]+) \\| (.*) \\|$").FindAllSubmatch(page, -1) {
		documented = append(documented, line{string(m[1]), string(m[2]), !regexp.MustCompile("^`-`").Match(m[3])})
	}
	types := map[flowlog.Type]string{
		flowlog.String: "string", flowlog.Int32: "int", flowlog.Int64: "bigint", flowlog.Boolean: "boolean", flowlog.Double: "double",
	}
	for i := range flowlog.Fields {
		f := &flowlog.Fields[i]
		kind := strconv.Itoa(int(f.Version))
		if f.Ours() {
			kind = types[f.Type]
		}
		known = append(known, line{f.Name, kind, f.Known()})
	}
	assert.Equal(t, known, documented)
}
