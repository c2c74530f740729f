package sessions

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

func TestCost(t *testing.T) {
	for n, want := range map[int]string{
		0:    "0 sessions: 0.000 USD an hour, 0.00 USD a month (at 0.015 USD a session-hour)",
		1:    "1 session: 0.015 USD an hour, 10.95 USD a month (at 0.015 USD a session-hour)",
		2000: "2000 sessions: 30.000 USD an hour, 21900.00 USD a month (at 0.015 USD a session-hour)",
	} {
		assert.Equal(t, want, CostOf(n, 0.015).String())
	}
}

func TestChangesAndOutcomesInWords(t *testing.T) {
	create := &Change{Op: Create, Kind: KindSession, Name: "web eni-1"}
	remove := &Change{Op: Delete, Kind: KindFilter, Name: "all", ID: "tmf-1"}
	services := &Change{Op: Modify, Kind: KindServices, Name: "all", ID: "filter/all"}
	assert.Equal(t, "+ session web eni-1", create.String())
	assert.Equal(t, "- filter all (tmf-1)", remove.String())
	assert.Equal(t, "~ services all", services.String(), "a reference is no ID")
	for want, o := range map[string]Outcome{
		"+ session web eni-1 is tms-1":               {Change: create, ID: "tms-1"},
		"+ session web eni-1: failed":                {Change: create, Err: errors.New("no")},
		"+ session web eni-1: would be allowed":      {Change: create, Note: "would be allowed"},
		"- filter all (tmf-1)":                       {Change: remove, ID: "tmf-1"},
		"- filter all (tmf-1): gone in the meantime": {Change: remove, Note: "gone in the meantime"},
		"~ services all: failed":                     {Change: services, Err: errors.New("no"), Note: "unused"},
	} {
		assert.Equal(t, want, o.String())
	}
}

func TestPlaceOfAPlan(t *testing.T) {
	for want, p := range map[string]Plan{
		"After that, in account 1 and eu-west-1, 0 sessions": {Account: "1", Region: "eu-west-1"},
		"After that, in eu-west-1, 0 sessions":               {Region: "eu-west-1"},
		"After that, 0 sessions":                             {Account: "1"},
	} {
		var out strings.Builder
		require.NoError(t, p.Print(&out, 0.015))
		assert.True(t, strings.HasPrefix(out.String(), "Nothing to do.\n"+want), out.String())
	}
}

// TestPlanAsJSON holds the names in the JSON of a plan, which programs read.
func TestPlanAsJSON(t *testing.T) {
	p := &Plan{
		Owner: "o", Account: "1", Region: "r", Sessions: 1,
		Changes:  []Change{{Op: Create, Kind: KindSession, Name: "web eni-1", Why: "w", Want: Object{Session: &account.Session{Interface: "eni-1", ChooseVNI: true}}, lane: "eni-1"}},
		Refusals: []string{"a > b"}, Warnings: []string{"w"}, Foreign: []account.Session{{ID: "tms-1"}}, Skipped: []Skip{{"eni-2", "idle"}}, Unmirrorable: []Skip{{"eni-3", "no"}},
	}
	var out strings.Builder
	require.NoError(t, p.PrintJSON(&out, 0.015))
	assert.Contains(t, out.String(), "a > b", "no escapes for web pages")
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(out.String()), &got))
	session := func(id, eni string, extra ...any) map[string]any {
		m := map[string]any{"interface": eni, "target": "", "filter": "", "number": 0.0, "vni": 0.0}
		if id != "" {
			m["id"] = id
		}
		for i := 0; i < len(extra); i += 2 {
			m[extra[i].(string)] = extra[i+1]
		}
		return m
	}
	assert.Equal(t, map[string]any{
		"owner": "o", "account": "1", "region": "r", "sessions": 1.0,
		"changes": []any{map[string]any{"op": "create", "kind": "session", "name": "web eni-1", "why": "w",
			"want": map[string]any{"session": session("", "eni-1", "choose_vni", true)}}},
		"refusals": []any{"a > b"}, "warnings": []any{"w"}, "foreign": []any{session("tms-1", "")},
		"skipped":      []any{map[string]any{"interface": "eni-2", "why": "idle"}},
		"unmirrorable": []any{map[string]any{"interface": "eni-3", "why": "no"}},
		"cost":         map[string]any{"sessions": 1.0, "price_per_session_hour": 0.015, "hour": 0.015, "month": 10.95},
	}, got)
}

// failing is a writer that fails.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestPrintReturnsTheErrorOfTheWriter(t *testing.T) {
	p := &Plan{Changes: []Change{{Op: Create, Kind: KindTarget, Name: "sink"}}}
	assert.EqualError(t, p.Print(failing{}, 1), "full")
	assert.EqualError(t, p.PrintJSON(failing{}, 1), "full")
	r := &Report{Sessions: []Status{{Name: "a"}}, Refusals: []string{"x"}}
	assert.EqualError(t, r.Print(failing{}), "full")
	assert.EqualError(t, r.PrintJSON(failing{}), "full")
}
