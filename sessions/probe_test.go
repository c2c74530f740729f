package sessions

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// TestProbeKeepsWhatIsOfTheInterface: only answers about the interface itself are cached. An exhausted quota, or a place held by a session
// that the same plan deletes, may be free tomorrow.
func TestProbeKeepsWhatIsOfTheInterface(t *testing.T) {
	refusal := func(class Class, code string) error { return &APIError{Code: code, Message: "no", Class: class} }
	create := func(eni string) Change {
		return Change{Op: Create, Kind: KindSession, Name: "web " + eni, Want: Object{Session: &account.Session{Interface: eni, Target: "tmt-1", Filter: "tmf-1"}}}
	}
	p := &Plan{Changes: []Change{
		{Op: Delete, Kind: KindSession, Have: Object{Session: &account.Session{Interface: "eni-0d"}}},
		create("eni-0a"), create("eni-0b"), create("eni-0c"), create("eni-0d"),
	}}
	answers := map[string]error{
		"web eni-0b": refusal(Other, "InvalidParameterValue"),
		"web eni-0c": refusal(Limit, "TrafficMirrorSessionLimitExceeded"), "web eni-0d": refusal(Other, "InvalidParameterValue"),
	}
	asked := &changer{fail: func(c *Change) error { return answers[c.Name] }}
	prober := Prober{API: asked, Cache: t.TempDir() + "/a/probe.json", Now: time.Now}
	want := []Skip{{"eni-0b", "InvalidParameterValue: no"}, {"eni-0c", "TrafficMirrorSessionLimitExceeded: no"}}
	for _, again := range [][]string{{"eni-0a", "eni-0b", "eni-0c", "eni-0d"}, {"eni-0c", "eni-0d"}} {
		asked.calls = nil
		refused, unasked, err := prober.Probe(t.Context(), p)
		require.NoError(t, err)
		assert.Zero(t, unasked)
		assert.Equal(t, want, refused)
		var calls []string
		for _, eni := range again {
			calls = append(calls, "create session web "+eni+" to tmt-1 by tmf-1")
		}
		assert.Equal(t, calls, asked.texts())
	}

	prober.Now = func() time.Time { return time.Now().Add(2 * probeAge) }
	answers["web eni-0a"] = refusal(Denied, "UnauthorizedOperation")
	_, _, err := prober.Probe(t.Context(), p)
	require.ErrorContains(t, err, "probe web eni-0a: ")
	assert.NotErrorIs(t, err, ErrNotKept)
}
