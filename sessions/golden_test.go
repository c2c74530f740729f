package sessions

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

var update = flag.Bool("update", false, "write the plans that come out into testdata/sessions")

const plans = "../testdata/sessions"

// TestPlans compares the printed plan of each case with the one in its file: spec.yaml and state.yaml in, plan out.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob(plans + "/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) { testPlan(t, name) })
	}
}

func testPlan(t *testing.T, name string) {
	ar, err := txtar.ParseFile(name)
	require.NoError(t, err)
	files := map[string]*txtar.File{}
	for i := range ar.Files {
		files[ar.Files[i].Name] = &ar.Files[i]
	}
	got := planned(t, files["spec.yaml"].Data, files["state.yaml"].Data)
	want := files["plan"]
	require.NotNil(t, want, "%s has no plan", name)
	if *update && !bytes.Equal(want.Data, got) {
		want.Data = got
		require.NoError(t, os.WriteFile(name, txtar.Format(ar), 0o644))
	}
	assert.Equal(t, string(want.Data), string(got))
}

// planned returns the printed plan, or the error.
func planned(t *testing.T, text, state []byte) []byte {
	s, err := spec.Parse("spec.yaml", text)
	require.NoError(t, err)
	have := stateOf(t, state)
	p, err := Diff(s, have)
	if err != nil {
		return []byte(err.Error() + "\n")
	}
	var out bytes.Buffer
	require.NoError(t, p.Print(&out, 0.015))
	return out.Bytes()
}

// stateOf reads a state in YAML with the keys of its JSON. It refuses unknown keys.
func stateOf(t *testing.T, text []byte) *account.State {
	j, err := yaml.YAMLToJSON(text)
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewReader(j))
	dec.DisallowUnknownFields()
	have := &account.State{}
	require.NoError(t, dec.Decode(have))
	return have
}
