package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// loadListen loads a configuration as listen does, with a command line beside it.
func loadListen(t testing.TB, text string, args ...string) (*listenOptions, error) {
	opts := defaultListenOptions()
	f := pflag.NewFlagSet("listen", pflag.ContinueOnError)
	opts.addTo(f)
	require.NoError(t, f.Parse(args))
	err := flags.ApplyConfig("c.yaml", []byte(text), f)
	opts.setWorkers(f.Changed("workers"))
	return opts, err
}

func TestConfigSetsFlags(t *testing.T) {
	opts, err := loadListen(t, `
# where to
listen: 127.0.0.1:4789
geneve: ":6081"
workers: 3
receive-buffer: 1MiB
memory: 268435456
allow-source: [10.0.0.0/8, "2001:db8::/32"]
allow-vni:
  - 7
  - 100-199
eve:
  - "-"
  - eve.json
drain: 300s
log-level: warn
`)
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:4789", opts.Listen.String())
	assert.Equal(t, "[::]:6081", opts.GENEVE.String())
	assert.Equal(t, 3, opts.Workers)
	assert.Equal(t, flags.Size(flags.MiB), opts.ReceiveBuffer)
	assert.Equal(t, flags.Size(256*flags.MiB), opts.Memory)
	assert.Equal(t, "10.0.0.0/8,2001:db8::/32", opts.Allow.Sources.String())
	assert.Equal(t, "7,100-199", opts.Allow.VNIs.String())
	assert.Equal(t, []string{"-", "eve.json"}, opts.Outputs.EVE.To)
	assert.Equal(t, "5m0s", opts.Drain.String())
	assert.Equal(t, "WARN", opts.LogLevel.String())
	assert.Equal(t, "127.0.0.1:9478", opts.Metrics.String(), "what is not given keeps its default")
}

func TestConfigTakesOneValueForAList(t *testing.T) {
	opts, err := loadListen(t, "eve: eve.json\nallow-vni: 7\n")
	require.NoError(t, err)
	assert.Equal(t, []string{"eve.json"}, opts.Outputs.EVE.To)
	assert.Equal(t, "7", opts.Allow.VNIs.String())
}

func TestCommandLineWinsOverConfig(t *testing.T) {
	opts, err := loadListen(t, "workers: 3\neve: [a, b]\ndrain: 1s\n", "--workers=5", "--eve=c")
	require.NoError(t, err)
	assert.Equal(t, 5, opts.Workers)
	assert.Equal(t, []string{"c"}, opts.Outputs.EVE.To)
	assert.Equal(t, "1s", opts.Drain.String())
}

func TestConfigErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"receive-bufer: 16MiB":                 `c.yaml:1:1: unknown key "receive-bufer"; did you mean "receive-buffer"?`,
		"# hi\nworkers: 2\nhelth: :8080":       `c.yaml:3:1: unknown key "helth"; did you mean "health"?`,
		"config: other.yaml":                   `c.yaml:1:1: unknown key "config"`,
		"eve:\n  - -":                          `c.yaml:1:1: eve: want a value, found a list`, // YAML wants quotes
		"xyzzy: 1":                             `c.yaml:1:1: unknown key "xyzzy"`,
		"workers: many":                        `c.yaml:1:10: workers: `,
		"workers: 1.5":                         `c.yaml:1:10: workers: `,
		"workers:":                             `c.yaml:1:10: workers: want a value, found none`,
		"workers: [1, 2]":                      `c.yaml:1:1: workers: want a value, found a list`,
		"drain: {a: 1}":                        `c.yaml:1:1: drain: want a value, found a mapping`,
		"drain: 5 parsecs":                     `c.yaml:1:8: drain: `,
		"memory: lots":                         `c.yaml:1:9: memory: want a size such as 512MiB or 2GB`,
		"allow-vni: [1, 2-x]":                  `c.yaml:1:16: allow-vni: "2-x": want a VNI`,
		"allow-source:\n  - 10.0.0.0/8\n  - x": `c.yaml:3:5: allow-source: "x": want an address or a network`,
		"eve: [[a]]":                           `c.yaml:1:1: eve: want a value, found a list`,
		"workers: 1\nworkers: 2":               `c.yaml:2:1: key "workers" is given twice, first in line 1: remove one`,
		"- workers":                            `c.yaml:1:1: want flags as "name: value", a line each`,
		"workers":                              `c.yaml:1:1: want flags as "name: value", a line each`,
		"eve: [a":                              `c.yaml:1:6: a [ that is not closed: want a comma or a ] after each value`,
		"workers: 1\n---\nworkers: 2":          `c.yaml:3:8: a second document: want one`,
	} {
		_, err := loadListen(t, text)
		if assert.Error(t, err, text) {
			assert.True(t, strings.HasPrefix(err.Error(), want), "%q\n got %v\nwant %s", text, err, want)
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}

func TestEmptyConfigIsNoError(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n"} {
		_, err := loadListen(t, text)
		assert.NoError(t, err, "%q", text)
	}
}

// Every flag of listen, with its own default, must be accepted from a file: flags that are added later too.
func TestEveryFlagOfListenCanStandInAConfig(t *testing.T) {
	newListen().Flags().VisitAll(func(f *pflag.Flag) {
		if !flags.Configurable(f) {
			return
		}
		text := fmt.Sprintf("%s: %q\n", f.Name, f.Value.String())
		if _, isList := f.Value.(flags.List); isList {
			text = f.Name + ": []\n"
		} else if f.Value.Type() == "string" && f.Value.String() == "" {
			text = f.Name + ": x\n" // an empty text is refused
		}
		_, err := loadListen(t, text)
		assert.NoError(t, err, text)
	})
}

func TestListenReportsABadConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mirrorsink.yaml")
	require.NoError(t, os.WriteFile(path, []byte("listen: 127.0.0.1:0\nwrokers: 2\n"), 0o600))
	r := runHere(t, "listen", "--config", path)
	assert.Equal(t, exitUsage, r.code)
	assert.Contains(t, r.stderr, path+`:2:1: unknown key "wrokers"; did you mean "workers"?`)
	oneLine(t, r.stderr)

	r = runHere(t, "listen", "--config", path+".missing")
	assert.Equal(t, exitError, r.code)
	assert.Contains(t, r.stderr, "no such file")
	oneLine(t, r.stderr)
}

func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		"workers: 3\neve: [a, -]\n", "listen: off\n---\n", "allow-vni:\n - 1-2\n", "a: &b c\nd: *b\n", "eve: |\n  x\n", "? a\n: b\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := loadListen(t, text); err != nil {
			assert.True(t, strings.HasPrefix(err.Error(), "c.yaml:"), "%v", err)
		}
	})
}
