package rotate_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/export/rotate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that the test sets.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 11, 30, 20, 0, 0, 0, time.UTC)} }

// config returns a configuration for files of at most 1,000 bytes.
func config(path string, c *clock) rotate.Config {
	return rotate.Config{Path: path, Bytes: 1000, Keep: 10_000, Log: slog.New(slog.DiscardHandler), Now: c.Now}
}

func open(t require.TestingT, cfg rotate.Config) *rotate.File {
	f, err := rotate.Open(cfg)
	require.NoError(t, err)
	return f
}

// write writes a line as the writer of lines does.
func write(t require.TestingT, f *rotate.File, line string) {
	if f.Due(len(line)) {
		require.True(t, f.Rotate())
	}
	n, err := f.Write([]byte(line))
	require.NoError(t, err)
	require.Equal(t, len(line), n)
}

// content returns the text of all files of a folder in the order of their names, the current one last, and their sizes on the disk.
func content(t require.TestingT, dir string) (text string, size int64) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		require.False(t, strings.HasPrefix(e.Name(), "."), "%s was left", e.Name())
		names = append(names, e.Name())
	}
	slices.SortFunc(names, func(a, b string) int {
		return strings.Compare(strings.Replace(a, "eve.json", "eve-z", 1), strings.Replace(b, "eve.json", "eve-z", 1))
	})
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		size += int64(len(b))
		if strings.HasSuffix(name, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(b))
			require.NoError(t, err)
			b, err = io.ReadAll(z)
			require.NoError(t, err)
		}
		text += string(b)
	}
	return text, size
}

// onDisk returns the bytes of all files of a folder, which change meanwhile.
func onDisk(t require.TestingT, dir string) (size int64) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}

// memory returns a folder that is in memory where there is one: hundreds of files are synced.
func memory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

// TestNoLineIsLost: whatever is written, at whatever times, with whatever restarts, the files hold all lines once and in order, up to those of
// the files that were deleted, which are the oldest. The bound holds, and counts agree.
func TestNoLineIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(memory(), "rotate")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		c := newClock()
		cfg := config(filepath.Join(dir, "eve.json"), c)
		cfg.Every = time.Duration(rapid.SampledFrom([]int{0, 10, 3600}).Draw(t, "every")) * time.Second
		cfg.Keep = cfg.Bytes * int64(rapid.IntRange(rotate.KeepFactor, 12).Draw(t, "keep"))
		cfg.Live = rapid.Bool().Draw(t, "live")
		f := open(t, cfg)
		var all strings.Builder
		var counts rotate.Counts
		lines, bound := 0, cfg.Keep
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				random := rand.NewChaCha8([32]byte{rapid.Byte().Draw(t, "text")})
				for range rapid.IntRange(1, 30).Draw(t, "lines") {
					text := make([]byte, random.Uint64()%300) // compresses badly, so that the bound is reached
					_, _ = random.Read(text)
					line := fmt.Sprintf("%d %x\n", lines, text)
					lines++
					write(t, f, line)
					all.WriteString(line)
				}
			},
			"set the clock back": func(t *rapid.T) {
				c.now = c.now.Add(-time.Duration(rapid.IntRange(1, 5000).Draw(t, "ms")) * time.Millisecond)
			},
			"wait": func(t *rapid.T) {
				c.now = c.now.Add(time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms")) * time.Millisecond)
			},
			"":        func(t *rapid.T) { require.LessOrEqual(t, onDisk(t, dir), bound) },
			"hang up": func(t *rapid.T) { require.NoError(t, f.Reopen()) },
			"restart": func(t *rapid.T) {
				require.NoError(t, f.Close())
				now := f.Counts()
				counts.Add(&now)
				f = open(t, cfg)
			},
		})
		require.NoError(t, f.Close())
		now := f.Counts()
		counts.Add(&now)
		cfg.Live = false
		f = open(t, cfg) // compresses what was left
		require.NoError(t, f.Close())
		now = f.Counts()
		counts.Add(&now)
		text, size := content(t, dir)
		require.True(t, strings.HasSuffix(all.String(), text), "lines are missing within")
		require.True(t, text == all.String() || counts.Deleted > 0, "lines are missing, and nothing was deleted")
		require.True(t, text == "" || all.Len() == len(text) || all.String()[all.Len()-len(text)-1] == '\n', "files begin with whole lines")
		require.LessOrEqual(t, size, bound)
		require.Equal(t, counts.Rotated, now.Kept+counts.Deleted)
		require.Equal(t, counts.Compressed >= now.Kept, true, "all that are left are compressed")
		require.Zero(t, counts.Failures)
	})
}

// TestBySize: no file is larger than it should be, and the names tell when the files were rotated.
func TestBySize(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	f := open(t, config(filepath.Join(dir, "eve.json"), c))
	line := strings.Repeat("x", 399) + "\n"
	for range 7 {
		c.now = c.now.Add(time.Second)
		write(t, f, line)
	}
	require.NoError(t, f.Close())
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	require.Equal(t, []string{
		"eve-20261130T200003.000Z.json.gz", "eve-20261130T200005.000Z.json.gz", "eve-20261130T200007.000Z.json.gz", "eve.json",
	}, names)
	text, _ := content(t, dir)
	require.Equal(t, strings.Repeat(line, 7), text)
	require.Equal(t, rotate.Counts{Rotated: 3, Compressed: 3, Kept: 3, KeptBytes: f.Counts().KeptBytes}, f.Counts())
}

// TestByTime: files are rotated at multiples of the time, also those of an earlier run. An empty one is not.
func TestByTime(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	cfg := config(filepath.Join(dir, "eve.json"), c)
	cfg.Every = time.Hour
	f := open(t, cfg)
	rotated := func() uint64 { return f.Counts().Rotated }
	c.now = c.now.Add(90 * time.Minute)
	write(t, f, "at half past nine\n")
	c.now = c.now.Add(29 * time.Minute)
	write(t, f, "before ten\n")
	require.Zero(t, rotated())
	c.now = c.now.Add(time.Minute)
	write(t, f, "at ten\n")
	require.EqualValues(t, 1, rotated())
	require.NoError(t, f.Close())
	require.NoError(t, os.Chtimes(cfg.Path, c.now, c.now))

	c.now = c.now.Add(59 * time.Minute)
	f = open(t, cfg)
	write(t, f, "still ten\n")
	require.Zero(t, rotated())
	c.now = c.now.Add(time.Minute)
	write(t, f, "at eleven\n")
	require.EqualValues(t, 1, rotated())
	require.NoError(t, f.Close())
	require.NoError(t, os.Chtimes(cfg.Path, c.now, c.now))

	c.now = c.now.Add(24 * time.Hour)
	f = open(t, cfg)
	write(t, f, "the next day\n")
	require.EqualValues(t, 1, rotated())
	require.NoError(t, f.Close())
	text, _ := content(t, dir)
	require.Equal(t, "at half past nine\nbefore ten\nat ten\nstill ten\nat eleven\nthe next day\n", text)
}

// TestWhatACrashLeft: an incomplete compressed copy goes, a complete one whose original is still there is made again, a file that was not
// compressed is, and a line that was cut is ended.
func TestWhatACrashLeft(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	cfg := config(filepath.Join(dir, "eve.json"), c)
	put := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	put("eve-20261130T190001.000Z.json", "one\n")
	put(".eve-20261130T190001.000Z.json.gz.part", "half")
	put("eve-20261130T190002.000Z.json", "two\n")
	put("eve-20261130T190002.000Z.json.gz", "not even gzip")
	put("eve-20261130T190002.001Z.json", "three\n")
	put(".eve.json.next", "")
	put("eve.json", "four\nfi")
	f := open(t, cfg)
	write(t, f, "six\n")
	require.NoError(t, f.Close())
	text, _ := content(t, dir)
	require.Equal(t, "one\ntwo\nthree\nfour\nfi\nsix\n", text)
	require.EqualValues(t, 3, f.Counts().Kept)
	require.EqualValues(t, 3, f.Counts().Compressed)
}

// TestFilesOfOthersStay: what has not exactly the name of a rotated file is neither compressed nor deleted.
func TestFilesOfOthersStay(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	others := []string{
		"eve-20261130T200000.json", "eve-20261130T200000.000Z", "eve-20261130T200000.000Z.json.bz2", "eve-20261130T200000.000Z_001.json",
		"eve-old.json", "eve2-20261130T200000.000Z.json", "eve-20261330T200000.000Z.json", ".eve-20261130T200000.000Z.json", "flows.log",
	}
	for _, name := range others {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte("x"), 5000), 0o600))
	}
	f := open(t, config(filepath.Join(dir, "eve.json"), c))
	for i := range 100 {
		write(t, f, fmt.Sprintln(i, strings.Repeat("y", 400)))
	}
	require.NoError(t, f.Close())
	for _, name := range others {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.EqualValues(t, 5000, info.Size())
	}
}

// TestAFailureToRotate: the old file goes on as far as the bound allows, nothing is written beyond it, and it is rotated once that works.
func TestAFailureToRotate(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	cfg := config(filepath.Join(dir, "eve.json"), c)
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	f := open(t, cfg)
	obstacle := filepath.Join(dir, ".eve.json.next")
	require.NoError(t, os.Mkdir(obstacle, 0o700))
	line, written := strings.Repeat("x", 99)+"\n", ""
	var err error
	for range 1000 {
		c.now = c.now.Add(300 * time.Millisecond)
		if f.Due(len(line)) {
			require.False(t, f.Rotate())
		}
		if _, err = f.Write([]byte(line)); err != nil {
			break
		}
		written += line
	}
	require.ErrorContains(t, err, "must not grow further")
	require.Len(t, written, int(cfg.Keep))
	require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), log.String())
	require.Greater(t, f.Counts().Failures, uint64(1), "it is tried again")
	require.NoError(t, os.Remove(obstacle))
	c.now = c.now.Add(time.Second)
	require.True(t, f.Due(1) && f.Rotate())
	require.NoError(t, f.Close())
	// The file of the whole bound left no room for itself and another one.
	require.EqualValues(t, 1, f.Counts().Deleted)
	require.EqualValues(t, len(written), f.Counts().DeletedBytes)
}

// TestRotatedByOthersToo: a file that was moved away is left to who did it.
func TestRotatedByOthersToo(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	cfg := config(filepath.Join(dir, "eve.json"), c)
	f := open(t, cfg)
	write(t, f, strings.Repeat("x", 900)+"\n")
	require.NoError(t, os.Rename(cfg.Path, filepath.Join(dir, "eve-moved")))
	write(t, f, strings.Repeat("y", 900)+"\n")
	require.NoError(t, f.Close())
	text, _ := content(t, dir)
	require.Equal(t, strings.Repeat("x", 900)+"\n"+strings.Repeat("y", 900)+"\n", text)
	require.Zero(t, f.Counts().Rotated)
}

// TestALink: the file that a link names is rotated, not the link.
func TestALink(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	there := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(there, "eve.json"), nil, 0o600))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(filepath.Join(there, "eve.json"), link))
	f := open(t, config(link, c))
	for range 3 {
		write(t, f, strings.Repeat("x", 900)+"\n")
	}
	require.NoError(t, f.Close())
	text, _ := content(t, there)
	require.Len(t, text, 3*901)
	require.EqualValues(t, 2, f.Counts().Kept)
}

// TestALiveFileIsClosedAtOnce: what is not compressed is at the next start.
func TestALiveFileIsClosedAtOnce(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	cfg := config(filepath.Join(dir, "eve.json"), c)
	cfg.Bytes, cfg.Keep, cfg.Live = 16<<20, 64<<20, true
	f := open(t, cfg)
	line := strings.Repeat("x", 1<<20-1) + "\n"
	for range 15 {
		write(t, f, line)
	}
	require.True(t, f.Rotate())
	require.NoError(t, f.Close())
	cfg.Live = false
	if f.Counts().Compressed == 0 { // it may have been fast
		f = open(t, cfg)
		require.NoError(t, f.Close())
		require.EqualValues(t, 1, f.Counts().Compressed)
	}
	text, _ := content(t, dir)
	require.Equal(t, 15<<20, len(text))
}

// TestBoundsThatCannotHold are refused.
func TestBoundsThatCannotHold(t *testing.T) {
	cfg := config(filepath.Join(t.TempDir(), "eve.json"), newClock())
	cfg.Keep = 3999
	_, err := rotate.Open(cfg)
	require.ErrorContains(t, err, "do not fit")
	cfg.Path = filepath.Join(t.TempDir(), "no", "eve.json")
	cfg.Keep = 4000
	_, err = rotate.Open(cfg)
	require.EqualError(t, err, "event output "+cfg.Path+": no such file or directory (create the directory first)")
}
