package doctor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// TestJSON holds the names in the JSON of a diagnosis, which programs read.
func TestJSON(t *testing.T) {
	d := &Diagnosis{Findings: []Finding{}}
	d.Add("mtu", Finding{Subject: "s", What: "w > x", Impact: "i", Remedy: "r"})
	d.Add("drift")
	d.Unchecked = []string{"u"}
	var out strings.Builder
	require.NoError(t, d.PrintJSON(&out))
	assert.Equal(t, `{
  "checks": 2,
  "findings": [
    {
      "check": "mtu",
      "subject": "s",
      "what": "w > x",
      "impact": "i",
      "remedy": "r"
    }
  ],
  "unchecked": [
    "u"
  ]
}
`, out.String())
}

func TestMerge(t *testing.T) {
	a, b := &Diagnosis{Findings: []Finding{}}, &Diagnosis{Policy: &sessions.Policy{Version: "v"}, Unchecked: []string{"u"}}
	a.Add("one", Finding{What: "1"})
	b.Add("two", Finding{What: "2"}, Finding{What: "3"})
	a.Merge(b)
	a.Merge(&Diagnosis{})
	assert.Equal(t, &Diagnosis{
		Checks: 2, Findings: []Finding{{Check: "one", What: "1"}, {Check: "two", What: "2"}, {Check: "two", What: "3"}},
		Unchecked: []string{"u"}, Policy: &sessions.Policy{Version: "v"},
	}, a)
}

func TestSummaryOfADiagnosis(t *testing.T) {
	for want, d := range map[string]Diagnosis{
		"1 check, nothing found.\n": {Checks: 1},
		"2 checks, 1 finding.\n":    {Checks: 2, Findings: []Finding{{}}},
		"0 checks, 2 findings.\n":   {Findings: []Finding{{}, {}}},
	} {
		var out strings.Builder
		require.NoError(t, d.Print(&out))
		assert.True(t, strings.HasSuffix(out.String(), want), out.String())
	}
}

func TestFew(t *testing.T) {
	assert.Equal(t, "a", few([]string{"a"}))
	assert.Equal(t, "a, b, c", few([]string{"a", "b", "c"}))
	assert.Equal(t, "a, b, c and 2 more", few([]string{"a", "b", "c", "d", "e"}))
	assert.Equal(t, "1 source is", sourcesAre(1))
	assert.Equal(t, "0 sources are", sourcesAre(0))
}
