package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
)

// TestOptionsWithoutTheirOutput: each is refused without it, on the command line and in a configuration, and taken with each of
// those that its message names.
func TestOptionsWithoutTheirOutput(t *testing.T) {
	values := map[string]string{
		"flowlog-format": "all", "flowlog-interval": "10m", "tcp-flags": "full", "aws-ip-ranges": "ranges.json", "account-id": "111122223333",
		"region": "eu-west-1", "parquet-schema": "ocsf", "parquet-rotate": "1m", "parquet-size": "1MiB", "cloudwatch-create": "true",
		"spool": "spool", "spool-size": "1GiB", "alert": "eve",
		"eve-rotate": "1h", "eve-keep": "1GiB", "flowlog-rotate": "1MiB", "flowlog-keep": "1GiB", "cloudwatch-dimension": "a=b",
	}
	outputFlags := map[string]string{
		"--flowlog": "flows", "--parquet": "folder", "--parquet s3://BUCKET": "s3://records", "--cloudwatch-flowlog": "/flows", "--cloudwatch-eve": "/eve", "--policy": "p.yaml", "--eve FILE": "eve.json", "--flowlog FILE": "flows", "--cloudwatch-metrics": "Mirrorsink",
		"--alert": "webhook:http://localhost/", "--alert parquet:DIR": "parquet:folder",
	}
	for _, options := range output.Dependents {
		for _, flag := range options.Flags {
			require.Contains(t, values, flag)
			want := "mirrorsink: --" + flag + " does nothing without " + options.Names + ";"
			for _, command := range [][]string{{"replay", "x.pcap"}, {"listen", "--eve=-"}} {
				r := runHere(t, append(command, "--"+flag+"="+values[flag])...)
				assert.Equal(t, exitUsage, r.code)
				assert.Contains(t, r.stderr, want)
				oneLine(t, r.stderr)
			}
			config := filepath.Join(t.TempDir(), "mirrorsink.yaml")
			require.NoError(t, os.WriteFile(config, []byte(flag+": "+values[flag]+"\n"), 0o600))
			r := runHere(t, "listen", "--config", config)
			assert.Equal(t, exitUsage, r.code)
			assert.Contains(t, r.stderr, want)
			for _, output := range strings.Split(strings.ReplaceAll(options.Names, " or ", ", "), ", ") {
				require.Contains(t, outputFlags, output)
				name, _, _ := strings.Cut(output, " ")
				assert.NoError(t, checkedOutputs(t, "--"+flag+"="+values[flag], name+"="+outputFlags[output]), "%s with %s", flag, output)
			}
		}
	}
}

// checkedOutputs returns what is wrong with these flags.
func checkedOutputs(t *testing.T, args ...string) error {
	var o output.Options
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.AddTo(f)
	var policy egress.Options
	policy.AddTo(f)
	require.NoError(t, f.Parse(args))
	o.Judged = policy.Enabled() || o.HasAlerts()
	return o.Check(f.Changed)
}

// TestOutputFlagsAreKnown: a flag of outputs either asks for one or is in the table of those that want one.
func TestOutputFlagsAreKnown(t *testing.T) {
	known := []string{"eve", "flowlog", "parquet", "cloudwatch-flowlog", "cloudwatch-eve", "cloudwatch-metrics"}
	for _, options := range output.Dependents {
		known = append(known, options.Flags...)
	}
	var all []string
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(output.Options).AddTo(f)
	f.VisitAll(func(f *pflag.Flag) { all = append(all, f.Name) })
	assert.ElementsMatch(t, all, known)
}

// TestOutputsThatCannotBe: no place, and no files of a size or age that there is none of, are mistakes of the command line.
func TestOutputsThatCannotBe(t *testing.T) {
	for want, args := range map[string][]string{
		`--eve "": want a file, unix:PATH or -`:                            {"--eve="},
		`--flowlog "": want a file, unix:PATH or -`:                        {"--eve=-", "--flowlog="},
		`--parquet "s3a://b/x": want s3://BUCKET/PREFIX or a folder`:       {"--parquet=s3a://b/x"},
		`--parquet "S3://b/x": want s3://BUCKET/PREFIX or a folder`:        {"--parquet=S3://b/x"},
		`--parquet "s3:/b/x": want s3://BUCKET/PREFIX or a folder`:         {"--parquet=s3:/b/x"},
		`--eve "s3://b/x": want a file, unix:PATH or -`:                    {"--eve=s3://b/x"},
		`--flowlog "file:///x": want a file, unix:PATH or -`:               {"--flowlog=file:///x"},
		`--spool "s3://b/x": want a folder`:                                {"--parquet=s3://bucket/x", "--spool=s3://b/x"},
		`--alert parquet: "gs://b/x": want s3://BUCKET/PREFIX or a folder`: {"--policy=x", "--alert=parquet:gs://b/x"},
		`--parquet "": want a folder or s3://BUCKET/PREFIX`:                {"--parquet="},
		`--cloudwatch-flowlog "": the value is empty`:                      {"--cloudwatch-flowlog="},
		`--cloudwatch-eve "": the value is empty`:                          {"--cloudwatch-eve="},
		"--parquet-rotate 0s: want whole seconds, such as 5m":              {"--parquet=x", "--parquet-rotate=0s"},
		"--parquet-rotate -1s: want whole seconds, such as 5m":             {"--parquet=x", "--parquet-rotate=-1s"},
		"--parquet-rotate 1.5s: want whole seconds, such as 5m":            {"--parquet=x", "--parquet-rotate=1500ms"},
		"--parquet-size 1B: want 64KiB at least":                           {"--parquet=x", "--parquet-size=1"},
		"--inventory-refresh does nothing without --inventory":             {"--inventory-refresh=5m"},
		"--spool does nothing without --parquet s3://BUCKET, --cl":         {"--parquet=x", "--spool=y"},
		"--eve-keep does nothing without --eve-rotate":                     {"--eve=x", "--eve-keep=2GiB"},
		"--eve-rotate does nothing without --eve FILE":                     {"--eve=unix:x", "--eve=-", "--eve-rotate=1h"},
		"want a size, a duration, or both: 256MiB, 1h, or 256MiB,":         {"--flowlog=x", "--flowlog-rotate=daily"},
		"--eve-rotate 1kB: want 1MiB at least":                             {"--eve=x", "--eve-rotate=1kB"},
		"--eve-rotate 1.5s: want whole seconds":                            {"--eve=x", "--eve-rotate=1500ms"},
		"--eve-keep 3MiB: want 4MiB at least, for 4 files":                 {"--eve=x", "--eve-rotate=1h", "--eve-keep=3MiB"},
		"--eve-keep 1GiB: want 2GiB at least, for 4 files":                 {"--eve=x", "--eve-rotate=512MiB"},
	} {
		r := runHere(t, append([]string{"listen"}, args...)...)
		assert.Equal(t, exitUsage, r.code, args)
		assert.Contains(t, r.stderr, want)
		oneLine(t, r.stderr)
	}
}
