package sessions

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// TestStatus has a correct session, one that differs, one without interface, a missing one whose VNI and target do not exist yet, and a
// number that a session of another owner has.
func TestStatus(t *testing.T) {
	spec, err := spec.Parse("x", []byte(`
owner: o
targets: {old: {network-interface: eni-0f}, new: {network-interface: eni-0e}}
filters: {none: {ingress: [], egress: [], amazon-dns: false}}
sources: {a: {interfaces: [eni-0a, eni-0b]}, c: {interfaces: eni-0c}}
sessions: {s: {sources: a, filter: none, target: old, packet-length: 100}, late: {sources: c, filter: none, target: new, number: 7}}
`))
	require.NoError(t, err)
	tags := func(name string) account.Tags { return account.Tags{account.OwnerTag: "o", account.NameTag: name} }
	have := &account.State{
		Interfaces: []account.Interface{{ID: "eni-0a", Status: "in-use"}, {ID: "eni-0b", Status: "in-use"}, {ID: "eni-0c", Status: "in-use"}},
		Targets:    []account.Target{{ID: "tmt-1", Interface: "eni-0f", Tags: tags("old")}},
		Filters:    []account.Filter{{ID: "tmf-1", Tags: tags("none")}},
		Sessions: []account.Session{
			{ID: "tms-1", Interface: "eni-0a", Target: "tmt-1", Filter: "tmf-1", Number: 1, VNI: 11, PacketLength: 100, Tags: tags("s")},
			{ID: "tms-2", Interface: "eni-0b", Target: "tmt-1", Filter: "tmf-1", Number: 1, VNI: 12, Tags: tags("s")},
			{ID: "tms-3", Interface: "eni-0d", Target: "tmt-1", Filter: "tmf-1", Number: 1, VNI: 0, Tags: tags("s")},
			{ID: "tms-9", Interface: "eni-0c", Target: "tmt-9", Filter: "tmf-9", Number: 7, VNI: 99},
		},
	}
	p, err := Diff(spec, have)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, StatusOf(have, p).Print(&out))
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	assert.Equal(t, []string{
		"SESSION ID INTERFACE INSTANCE STATE TARGET NUMBER VNI DRIFT",
		"late - eni-0c - in-use new (not there yet) 7 - missing: source c chooses eni-0c",
		"s tms-1 eni-0a - in-use eni-0f (gone) 1 11 none",
		"s tms-2 eni-0b - in-use eni-0f (gone) 1 12 packet length 100 instead of none",
		"s tms-3 eni-0d - gone eni-0f (gone) 1 0 not wanted: eni-0d is gone",
		"drift: + target new: there is no target for eni-0e yet",
		"refused: session late on eni-0c: number 7 is taken by session tms-9, which is not ours",
	}, lines)
}
