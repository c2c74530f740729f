package policy

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write suffix_parents.txt")

// suffixRules returns the rules of the public suffix list from the tests of the package that has it compiled, and how many of them are of
// registries: the others are of providers.
func suffixRules(t *testing.T) (rules []string, public int) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/net").Output()
	if err != nil {
		t.Skip("no go command, so no source of the public suffix list")
	}
	path := filepath.Join(strings.TrimSpace(string(dir)), "publicsuffix/table_test.go")
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Skipf("no source of the public suffix list: %v", err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		switch spec.Names[0].Name {
		case "numICANNRules":
			public, err = strconv.Atoi(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
		case "rules":
			for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
				rule, err := strconv.Unquote(e.(*ast.BasicLit).Value)
				require.NoError(t, err)
				rules = append(rules, rule)
			}
		}
		return false
	})
	require.Greater(t, len(rules), public)
	require.Positive(t, public)
	return rules, public
}

// TestSuffixParents holds suffix_parents.txt to the version of the list that the program has: with -update it writes the file.
func TestSuffixParents(t *testing.T) {
	rules, public := suffixRules(t)
	isRule := map[string]bool{}
	for _, r := range rules {
		isRule[r] = true
	}
	parents := map[string]sharing{}
	for i, rule := range rules {
		if strings.HasPrefix(rule, "!") {
			continue
		}
		for _, domain, found := strings.Cut(rule, "."); found; _, domain, found = strings.Cut(domain, ".") {
			_, above, below := strings.Cut(domain, ".")
			switch {
			case !below || isRule[domain] || isRule["*."+above]:
			case i < public:
				parents[domain] = publicSuffix
			default:
				parents[domain] = max(parents[domain], sharedHost)
			}
		}
	}
	lists := map[sharing][]string{}
	for domain, kind := range parents {
		lists[kind] = append(lists[kind], domain)
	}
	slices.Sort(lists[publicSuffix])
	slices.Sort(lists[sharedHost])
	text := "[public]\n" + strings.Join(lists[publicSuffix], "\n") + "\n[shared]\n" + strings.Join(lists[sharedHost], "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile("suffix_parents.txt", []byte(text), 0o644))
	}
	require.Equal(t, text, suffixParents, "golang.org/x/net has another list: run go test ./inspect/policy -run TestSuffixParents -update")
}

// TestOwnDomain: no rule of the public suffix list is the domain or below it, whatever the name, and the domain could not be shorter.
func TestOwnDomain(t *testing.T) {
	rules, _ := suffixRules(t)
	ancestors := map[string]bool{} // of suffixes, and these
	for _, r := range rules {
		if strings.HasPrefix(r, "!") {
			continue
		}
		r = strings.TrimPrefix(r, "*.")
		for found := true; found; _, r, found = strings.Cut(r, ".") {
			ancestors[r] = true
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		rule := strings.TrimPrefix(strings.TrimPrefix(rapid.SampledFrom(rules).Draw(t, "rule"), "!"), "*.")
		labels := strings.Split(rule, ".")
		name := strings.Join(labels[rapid.IntRange(0, len(labels)-1).Draw(t, "cut"):], ".")
		for range rapid.IntRange(0, 4).Draw(t, "labels") {
			name = rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "label") + "." + name
		}
		domain := OwnDomain(name)
		if domain == "" {
			return
		}
		if name != domain && !strings.HasSuffix(name, "."+domain) || ancestors[domain] {
			t.Fatalf("%s is in %s", name, domain)
		}
		_, above, _ := strings.Cut(domain, ".")
		if sharingBelow(above) == oneOwner {
			t.Fatalf("%s is in %s, and all below %s have one owner", name, domain, above)
		}
	})
	for name, want := range map[string]string{
		"www.example.com": "example.com", "example.com": "example.com", "com": "", "co.uk": "", "www.example.co.uk": "example.co.uk",
		"alice.github.io": "alice.github.io", "github.io": "", "ec2.eu-west-1.amazonaws.com": "ec2.eu-west-1.amazonaws.com",
		"amazonaws.com": "", "iam.amazonaws.com": "iam.amazonaws.com", "x.b.s3.amazonaws.com": "b.s3.amazonaws.com", "kawasaki.jp": "",
		"a.b.kawasaki.jp": "a.b.kawasaki.jp", "city.kawasaki.jp": "city.kawasaki.jp", "www.city.kawasaki.jp": "city.kawasaki.jp",
		"www.ck": "www.ck", "a.host.corp": "", "localhost": "", "203.0.113.9": "", "2001:db8::9": "", "": "",
		"a.b.blob.core.windows.net": "b.blob.core.windows.net", "update.windows.net": "update.windows.net",
	} {
		require.Equal(t, want, OwnDomain(name), name)
	}
}
