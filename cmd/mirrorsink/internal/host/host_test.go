package host

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

var updateHosts = flag.Bool("update-hosts", false, "write the findings that come out into testdata/doctor/host")

// TestHostDiagnoses compares the printed diagnosis of each machine with what stands in its file: trees of /proc and /sys, the
// counters of network cards and the clock in, findings out. Each check finds something in one of them at least.
func TestHostDiagnoses(t *testing.T) {
	files, err := filepath.Glob(testdata("doctor/host/*.txtar"))
	require.NoError(t, err)
	found := map[string]int{} // machines, by check
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			require.NoError(t, err)
			d := hostOf(t, ar).Diagnose()
			for _, f := range d.Findings {
				found[f.Check]++
				for _, text := range []string{f.Subject, f.What, f.Impact, f.Remedy} {
					assert.NotEmpty(t, text, "%+v", f)
					assert.NotContains(t, text, "%!", "%+v", f)
				}
			}
			var out bytes.Buffer
			require.NoError(t, d.Print(&out))
			want := &ar.Files[len(ar.Files)-1]
			require.Equal(t, "findings", want.Name)
			if *updateHosts && !bytes.Equal(want.Data, out.Bytes()) {
				want.Data = out.Bytes()
				require.NoError(t, os.WriteFile(name, txtar.Format(ar), 0o644))
			}
			assert.Equal(t, string(want.Data), out.String())
		})
	}
	for _, c := range Checks {
		assert.Positive(t, found[c.name], "no machine on which %s finds anything", c.name)
	}
}

// hostOf makes a machine of two workers from files.
func hostOf(t *testing.T, ar *txtar.Archive) *Machine {
	root := fstest.MapFS{}
	text := map[string]string{}
	for _, f := range ar.Files {
		root[f.Name] = &fstest.MapFile{Data: f.Data}
		text[f.Name] = string(f.Data)
	}
	needs := Needs{ReceiveBuffer: 16 * flags.MiB, Memory: 512 * flags.MiB, Workers: 2}
	return &Machine{
		root: root, needs: needs,
		counters: func(device string) (map[string]uint64, error) {
			counters := map[string]uint64{}
			for line := range strings.Lines(text[path.Join("ethtool", device)]) {
				var name string
				var n uint64
				_, err := fmt.Sscan(line, &name, &n)
				require.NoError(t, err)
				counters[name] = n
			}
			return counters, nil
		},
		clock: func() (clock, error) {
			if text["clock"] == "" {
				return clock{}, errors.New("adjtimex: operation not permitted")
			}
			fields := strings.Fields(text["clock"])
			offset, err := time.ParseDuration(fields[1])
			require.NoError(t, err)
			return clock{fields[0] == "synchronized", offset}, nil
		},
	}
}

// TestHostChecksAreDocumented: docs/doctor.md has a line for each check of a machine, in their order.
func TestHostChecksAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/doctor.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(page), "\n## A machine\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var documented, made []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)`").FindAllStringSubmatch(section, -1) {
		documented = append(documented, m[1])
	}
	for _, c := range Checks {
		made = append(made, c.name)
	}
	assert.Equal(t, made, documented)
}

// testdata returns the path of a committed capture.
func testdata(name string) string { return filepath.Join("..", "..", "..", "..", "testdata", name) }
