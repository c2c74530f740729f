package egress

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

func init() { testform.Checks(50) }

const noLimit = 1 << 30

// TestState: what was saved is read as it was, whatever names are made of, and the file is replaced whole.
func TestState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a.test", "a\tb\nalert\t{}", "\xff\x00", strings.Repeat("x", 300)}))
	rapid.Check(t, func(t *rapid.T) {
		s := alert.Saved{Names: map[alert.NameKey]int64{}, Began: map[string]int64{}}
		for range rapid.IntRange(0, 5).Draw(t, "names") {
			workload := text.Draw(t, "workload")
			s.Names[alert.NameKey{Workload: workload, Name: text.Draw(t, "name")}] = rapid.Int64().Draw(t, "at")
			s.Began[workload] = rapid.Int64().Draw(t, "began")
		}
		for range rapid.IntRange(0, 5).Draw(t, "alerts") {
			s.Open = append(s.Open, alert.Open{
				Alert: alert.Alert{Key: alert.Key{Rule: "r", Source: "i-1", To: text.Draw(t, "to")}, Kind: policy.Beacon, First: 5, Last: 6, Count: 7},
				Quiet: time.Hour, Reported: rapid.Int64().Draw(t, "reported"),
			})
		}
		require.NoError(t, os.WriteFile(file+".tmp", []byte("of a run that was killed"), 0o600))
		require.NoError(t, WriteState(file, &s))
		got, damaged, err := ReadState(file, noLimit)
		require.NoError(t, err)
		require.Zero(t, damaged)
		require.Equal(t, s, got)
		require.NoFileExists(t, file+".tmp")
	})
}

// TestBrokenState: of a damaged file the rest is used. One that is not ours stays as it is.
func TestBrokenState(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "state")
	read := func(text string, limit int64) (alert.Saved, int, error) {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return ReadState(file, limit)
	}
	for text, want := range map[string]int{
		"":                     0,
		"mirrorsink state 2\n": 0,
		"mirrorsink state 2\nname\t1\t\"\"\t\"a.test\"\nname\tx\nname\t1\t\"\"\t\"b\nalert\t{\nworkload\t1\nworkload\t\"w\"\t1\nelse\t\n\n":  7,
		"mirrorsink state 2\nname\t1\t\"\"\t\"a.test\"\nname\t1\t\"\"\t\"" + strings.Repeat("x", longestLine) + "\"\nname\t1\t\"\"\t\"b\"\n": 1,
		"mirrorsink names 1\n5\t\"web\"\t\"a.test\"\nx\n": 1,
	} {
		s, damaged, err := read(text, noLimit)
		require.NoError(t, err, text)
		require.Equal(t, want, damaged, "%.100q", text)
		if strings.Contains(text, "a.test") {
			require.Len(t, s.Names, 1)
		}
	}
	s, damaged, err := read("mirrorsink state 2\n"+strings.Repeat("name\t1\t\"\"\t\"a.test\"\n", 100)+"name\t1\t\"\"\t\"b.test\"\n", 1000)
	require.NoError(t, err)
	require.Positive(t, damaged)
	require.Len(t, s.Names, 1)
	for _, text := range []string{"root:x:0:0\n", "mirrorsink state 3\n", "\n", "\x00", strings.Repeat("x", 2*longestLine)} {
		_, _, err := read(text, noLimit)
		require.ErrorContains(t, err, "no state of this version")
		require.NotContains(t, err.Error(), "\n")
	}
	_, _, err = ReadState(filepath.Join(dir, "none"), noLimit)
	require.NoError(t, err)
	require.Error(t, WriteState(dir, &alert.Saved{}), "a folder is in its place")
	require.NoFileExists(t, dir+".tmp")
	require.Error(t, WriteState(filepath.Join(dir, "none", "state"), &alert.Saved{}))
}

// FuzzState: no file makes the reading fail but with an error, and what was read can be written and read again.
func FuzzState(f *testing.F) {
	f.Add([]byte("mirrorsink state 2\nname\t1\t\"\"\t\"a.test\"\nworkload\t1\t\"w\"\n"))
	f.Add([]byte("mirrorsink state 2\nalert\t{\"Rule\":\"r\",\"Kind\":\"beacon\",\"State\":\"opened\",\"Flows\":[{\"Addr\":\"::1\"}]}\n"))
	f.Add([]byte("mirrorsink names 1\n5\t\"web\"\t\"a.test\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "state")
		require.NoError(t, os.WriteFile(file, text, 0o600))
		s, _, err := ReadState(file, 1<<20)
		if err != nil {
			return
		}
		require.NoError(t, WriteState(file, &s))
		again, damaged, err := ReadState(file, noLimit)
		require.NoError(t, err)
		require.Zero(t, damaged)
		require.Equal(t, s, again)
	})
}
