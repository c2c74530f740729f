package doctor

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

var update = flag.Bool("update", false, "write the findings that come out into testdata/doctor")

const diagnoses = "../../testdata/doctor"

// TestDiagnoses compares the printed diagnosis of each case with the one in its file: spec.yaml, state.yaml and
// network.yaml in, findings out. Each check finds something in one of them at least, and nothing in another.
func TestDiagnoses(t *testing.T) {
	files, err := filepath.Glob(diagnoses + "/*.txtar")
	require.NoError(t, err)
	found := map[string]int{} // cases, by check
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			for check := range testDiagnosis(t, name) {
				found[check]++
			}
		})
	}
	for _, c := range checks {
		assert.Positive(t, found[c.name], "no case in which %s finds anything", c.name)
		assert.Less(t, found[c.name], len(files), "%s finds something in every case", c.name)
	}
}

// networkFile is what network.yaml holds.
type networkFile struct {
	Groups    []account.SecurityGroup
	Subnets   []account.Subnet
	Balancers []account.LoadBalancer
	Gone      []string
	Denied    []string
	Refused   []string // calls of apply
	Allowed   []string
	Unchecked []string
	SourceMTU int `json:"source_mtu"`
}

func testDiagnosis(t *testing.T, name string) (checks map[string]bool) {
	ar, err := txtar.ParseFile(name)
	require.NoError(t, err)
	files := map[string]*txtar.File{}
	for i := range ar.Files {
		files[ar.Files[i].Name] = &ar.Files[i]
	}
	d, err := Diagnose(factsOf(t, files))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, d.Print(&out))
	want := files["findings"]
	require.NotNil(t, want, "%s has no findings", name)
	if *update && !bytes.Equal(want.Data, out.Bytes()) {
		want.Data = out.Bytes()
		require.NoError(t, os.WriteFile(name, txtar.Format(ar), 0o644))
	}
	assert.Equal(t, string(want.Data), out.String())
	checks = map[string]bool{}
	for _, f := range d.Findings {
		checks[f.Check] = true
		for _, text := range []string{f.Subject, f.What, f.Impact, f.Remedy} {
			assert.NotEmpty(t, text, "%+v", f)
			assert.NotContains(t, text, "\n", "%+v", f)
			assert.NotContains(t, text, "%!", "%+v", f)
		}
	}
	return checks
}

func factsOf(t *testing.T, files map[string]*txtar.File) *Facts {
	spec, err := spec.Parse("spec.yaml", files["spec.yaml"].Data)
	require.NoError(t, err)
	n := decoded[networkFile](t, files["network.yaml"].Data)
	f := &Facts{
		Spec: spec, State: decoded[account.State](t, files["state.yaml"].Data), Groups: n.Groups, Subnets: n.Subnets, Balancers: n.Balancers,
		Gone: n.Gone, Denied: n.Denied, Unchecked: n.Unchecked, SourceMTU: n.SourceMTU,
	}
	for _, action := range n.Refused {
		f.Grants = append(f.Grants, Grant{Action: "ec2:" + action, Answer: Refused})
	}
	for _, action := range n.Allowed {
		f.Grants = append(f.Grants, Grant{Action: "ec2:" + action, Answer: Allowed})
	}
	return f
}

// TestChecksAreDocumented: docs/doctor.md has a line for each check of a set-up, in the order in which they are made.
func TestChecksAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/doctor.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(page), "\n## A set-up\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)`").FindAllStringSubmatch(section, -1) {
		documented = append(documented, m[1])
	}
	assert.Equal(t, names(checks), documented)
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(documented))), len(documented))
}

func names(list []check) (all []string) {
	for _, c := range list {
		all = append(all, c.name)
	}
	return all
}

// decoded reads YAML whose keys are those of a type's JSON. It refuses unknown keys.
func decoded[T any](t *testing.T, text []byte) *T {
	j, err := yaml.YAMLToJSON(text)
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewReader(j))
	dec.DisallowUnknownFields()
	v := new(T)
	require.NoError(t, dec.Decode(v))
	return v
}
