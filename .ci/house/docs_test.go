package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// texts returns the files of the checkout with one of some endings, by their paths from its root.
func texts(t *testing.T, endings ...string) map[string]string {
	const root = "../.."
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "bin" || d.Name() == "venv") {
			return filepath.SkipDir // what is not of the project: .ci/run installs Python's packages in venv
		}
		for _, ending := range endings {
			if strings.HasSuffix(path, ending) {
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				name, err := filepath.Rel(root, path)
				found[filepath.ToSlash(name)] = string(text)
				return err
			}
		}
		return nil
	}))
	require.NotEmpty(t, found)
	return found
}

var link = regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)

// TestLinks: every relative link of a page leads to a file.
func TestLinks(t *testing.T) {
	for page, text := range texts(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			_, err := os.Stat(filepath.Join("../..", filepath.Dir(page), m[1]))
			assert.NoError(t, err, "%s links to %s", page, m[1])
		}
	}
}

// TestIndex: docs/README.md lists every page of docs.
func TestIndex(t *testing.T) {
	pages := texts(t, ".md")
	index := pages["docs/README.md"]
	for page := range pages {
		if name, ok := strings.CutPrefix(page, "docs/"); ok && name != "README.md" {
			assert.True(t, strings.Contains(index, "]("+name+")"), "docs/README.md lists no %s", page)
		}
	}
}

// TestPagesStandAlone: nothing that a reader of the project reads speaks of files that are not in it.
func TestPagesStandAlone(t *testing.T) {
	for page, text := range texts(t, ".md") {
		assert.False(t, strings.Contains(text, "../shared"), page)
	}
}

// private are words that the project once had for things that have standard names.
var private = regexp.MustCompile(`(?i)\b(crew|dealer|diary|chronicle|baptiz|mourn|heed|bowOut|talks?\b.*struct|storie?s|epoch|hireling)\b`)

// standard are the uses of those words that are standard, by what stands in their line.
var standard = []string{
	"version, epoch, high", "epoch == 0 && high == 0", // of a DTLS record (RFC 6347 section 4.1)
}

// stems are what the words begin with. Most files have none, and looking for them is faster than the expression.
var stems = []string{"crew", "dealer", "diary", "chronicle", "baptiz", "mourn", "heed", "bowout", "talk", "stori", "epoch", "hireling"}

func hasStem(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(stems, func(stem string) bool { return strings.Contains(text, stem) })
}

// TestWords: the project speaks the words of its field.
func TestWords(t *testing.T) {
	for name, text := range texts(t, ".go", ".md") {
		if name == ".ci/house/docs_test.go" || !hasStem(text) {
			continue
		}
	lines:
		for i, line := range strings.Split(text, "\n") {
			if !private.MatchString(line) {
				continue
			}
			for _, use := range standard {
				if strings.Contains(line, use) {
					continue lines
				}
			}
			t.Errorf("%s:%d: %s", name, i+1, strings.TrimSpace(line))
		}
	}
}
