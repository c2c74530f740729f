package propose

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

var oneRule = []Rule{{
	Ports: []policy.Ports{{From: 443, To: 443}}, Entries: []Entry{{To: "www.example.com", Names: 1, Observation: Observation{Flows: 9, Bytes: 7, By: policy.BySNI}}},
}}

// TestMerge: rules are added to the end of the allow list; every other byte stays.
func TestMerge(t *testing.T) {
	const added = "- to:\n    - www.example.com # 7 B in 9 flows, 1970-01-01 to 1970-01-01\n  ports: [443]\n"
	for name, c := range map[string]struct{ before, want string }{
		"at the end":          {"allow:\n- to: a.test # ours\n", "allow:\n- to: a.test # ours\n" + added},
		"no final line break": {"allow:\n- to: a.test", "allow:\n- to: a.test\n" + added},
		"in the middle":       {"# top\nallow:\n- to: [a.test,\n    b.test]\n\n# the tests\ntests: []\n", "# top\nallow:\n- to: [a.test,\n    b.test]\n" + added + "\n# the tests\ntests: []\n"},
		"an empty list":       {"allow: [] # nothing yet\ntests: []\n", "allow: # nothing yet\n  - to:\n      - www.example.com # 7 B in 9 flows, 1970-01-01 to 1970-01-01\n    ports: [443]\ntests: []\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Merge([]byte(c.before), oneRule)
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
			_, err = policy.Parse("p", got, policy.Config{})
			require.NoError(t, err)
		})
	}
	t.Run("indented", func(t *testing.T) {
		got, err := Merge([]byte("allow:\n    -   to: a.test\n        # inner\nexempt: []\n"), oneRule)
		require.NoError(t, err)
		require.Equal(t, "allow:\n    -   to: a.test\n        # inner\n    - to:\n        - www.example.com # 7 B in 9 flows, 1970-01-01 to 1970-01-01\n      ports: [443]\nexempt: []\n", string(got))
	})
	for _, text := range []string{"allow: [{to: a.test}]\n", "{allow: []}\n"} {
		_, err := Merge([]byte(text), oneRule)
		require.ErrorIs(t, err, errFlowStyle)
	}
}
