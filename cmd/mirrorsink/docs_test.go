package main

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
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
	for d := event.NoLookup; d <= event.NotArmed; d++ {
		known = append(known, d.String())
	}
	for e := event.ECHUnknown; e <= event.ECHReal; e++ {
		known = append(known, e.String())
	}
	known = append(known, event.Conflicts[:]...)
	assert.ElementsMatch(t, known, documented)
}
