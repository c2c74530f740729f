package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/manual"
)

// commands calls f for every command and help topic.
func commands(f func(cmd *cobra.Command)) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		f(cmd)
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	root := newRoot(nil, nil)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	walk(root)
}

// Types of pflag and Go, which would stand behind a flag if it had no word of its own.
var typeNames = regexp.MustCompile(`--[a-z-]+ (string|strings|stringArray|stringSlice|int|uint|uint16|uint32|uint64|float|float64|duration|level|choice|value)\b`)

func TestHelpFitsATerminal(t *testing.T) {
	commands(func(cmd *cobra.Command) {
		text := manual.Help(render(cmd))
		for line := range strings.Lines(text) {
			if cmd.IsAdditionalHelpTopicCommand() && strings.HasPrefix(line, "    ") {
				continue // code of a page
			}
			assert.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\n"))), manual.Width, "%s: %s", cmd.CommandPath(), line)
		}
		assert.NotRegexp(t, typeNames, text, cmd.CommandPath())
		assert.NotContains(t, text, "docs/", "%s points to a page that is not installed", cmd.CommandPath())
	})
}

// Every command has an example that begins with the command itself, and every flag a word for its value and a group.
func TestHelpIsComplete(t *testing.T) {
	commands(func(cmd *cobra.Command) {
		if !cmd.IsAvailableCommand() {
			return
		}
		assert.Contains(t, cmd.Example, "  "+cmd.CommandPath(), cmd.CommandPath())
		if cmd.HasParent() && cmd.Parent().Name() == "completion" {
			return // its flags are cobra's
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" || f.Name == "version" {
				return
			}
			assert.NotEqual(t, flags.Other, flags.GroupOf(f), "%s --%s has no group", cmd.CommandPath(), f.Name)
			assert.Equal(t, f.Value.Type() != "bool", flags.WordOf(f) != "", "%s --%s", cmd.CommandPath(), f.Name)
		})
	})
}

func TestCommonFlagsOfListenComeFirst(t *testing.T) {
	r := runHere(t, "listen", "--help")
	assert.Regexp(t, `(?s)Common flags:\n +--config FILE .*--listen ADDRESS .*--eve FILE .*--health ADDRESS .*\nReceiving:\n.*\nOutputs:\n.*\nAWS:\n.*\nForwarding:\n.*\nLimits:\n`, r.stdout)
	assert.NotContains(t, r.stdout, "--parquet-size", "it is for the configuration")
}

// goWords are what messages of Go's own parsers and of pflag have, and ours have not.
var goWords = []string{"strconv.", "time:", "pflag", "parsing", "invalid argument", "invalid syntax", "unmarshal", "netip."}

// TestBadValuesAreToldInOurWords gives every flag of every command values that it may refuse. What it says is one line for people.
func TestBadValuesAreToldInOurWords(t *testing.T) {
	values := []string{"", "x", "-1", "1.5.5", "99999999999999999999", "0x", "5 parsecs", "a\nb", "\x1b[2J", "nan", "1s1", "2001:db8::/999"}
	refused := 0
	commands(func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		cmd.InitDefaultVersionFlag()
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			for _, value := range values {
				err := cmd.ParseFlags([]string{"--" + f.Name + "=" + value})
				if err == nil {
					continue
				}
				refused++
				text := flagError(cmd, err).Error()
				assert.True(t, strings.HasPrefix(text, "--"+f.Name+" "), text)
				assert.NotRegexp(t, `[^ -~µ…]`, text, "one line that a terminal can show")
				for _, word := range goWords {
					assert.NotContains(t, text, word, "%s --%s=%q", cmd.CommandPath(), f.Name, value)
				}
			}
		})
	})
	assert.Greater(t, refused, 200)
}

func TestMisspeltCommandsAndFlags(t *testing.T) {
	for says, args := range map[string][]string{
		`unknown command "reprot" for "mirrorsink"; did you mean "report"?; run "mirrorsink --help"`: {"reprot"},
		`unknown command "tpo" for "mirrorsink report"; did you mean "top"?`:                         {"report", "tpo"},
		`unknown command "aply" for "mirrorsink sessions"; did you mean "apply"?`:                    {"sessions", "aply"},
		`unknown flag: --evee; did you mean "--eve"?; run "mirrorsink listen --help"`:                {"listen", "--evee", "x"},
		`unknown flag: --forward-wehre; did you mean "--forward-where"?`:                             {"replay", "--forward-wehre=x", "y"},
		`unknown flag: --xyzzy; run`:                                                       {"replay", "--xyzzy", "y"},
		`unknown flag: -z; run`:                                                            {"replay", "-z", "y"},
		`--eve: a value is missing`:                                                        {"listen", "--eve"},
		`--workers many: want a whole number`:                                              {"listen", "--workers", "many"},
		`--drain 5: want a duration with a unit, such as 500ms, 30s, 5m or 1h`:             {"listen", "--drain", "5"},
		`--tc-drop maybe: want true or false`:                                              {"listen", "--tc-drop=maybe"},
		`--help maybe: want true or false`:                                                 {"listen", "--help=maybe"},
		`unknown command "wheer" for "mirrorsink"; did you mean "where"?`:                  {"help", "wheer"},
		`unexpected argument "surplus"`:                                                    {"version", "surplus"},
		`name at least one capture file`:                                                   {"replay"},
		`name one folder`:                                                                  {"man"},
		`unknown command "tcsh" for "mirrorsink completion"`:                               {"completion", "tcsh"},
		`argument "aply": want plan, apply, watch, inventory, doctor, lifecycle or alerts`: {"sessions", "iam-policy", "aply"},
		`unexpected argument "plan": want one command`:                                     {"sessions", "iam-policy", "apply", "plan"},
		`--owner "": the value is empty`:                                                   {"sessions", "iam-policy", "--owner="},
		`--owner: want 1 to 64 letters`:                                                    {"sessions", "iam-policy", "--owner=*"},
		`--account "12": want 12 digits`:                                                   {"sessions", "iam-policy", "--account=12"},
		`--region "EU": want a region such as eu-west-1`:                                   {"sessions", "iam-policy", "--region=EU"},
		`--forward-where "": the value is empty`:                                           {"replay", "--forward-where=", "y"},
		`--where "": the value is empty`:                                                   {"report", "top", "--where="},
		`--group x: want one of name, domain,`:                                             {"report", "top", "--group=x"},
		`--group name: given twice`:                                                        {"report", "top", "--group=name", "--group=name"},
		`the name of a capture file is empty`:                                              {"replay", "x", ""},
		`the name of a file is empty`:                                                      {"report", "names", ""},
		`--for -5s: cannot be negative`:                                                    {"demo", "--for=-5s"},
		`--file is missing: name the spec`:                                                 {"sessions", "destroy"},
		`--allow-source x: want an address or a network`:                                   {"replay", "--allow-source=x", "y"},
		`--allow-source 10.0.0.1,x: "x": want an address or a network`:                     {"replay", "--allow-source=10.0.0.1,x", "y"},
	} {
		r := runHere(t, args...)
		assert.Equal(t, exitUsage, r.code, args)
		assert.Contains(t, r.stderr, says)
		assert.Empty(t, r.stdout)
		oneLine(t, r.stderr)
	}
}

func TestVersionFlag(t *testing.T) {
	r := runHere(t, "--version")
	assert.Equal(t, exitOK, r.code)
	assert.Equal(t, runHere(t, "version").stdout, r.stdout)
}

func TestHelpTopics(t *testing.T) {
	for topic, has := range map[string][]string{
		"fields":   {"  pkt_srcaddr ", "  x_name ", "hostname", "http_user_agent"},
		"where":    {"private(address)", "  dstport ", "startsWith"},
		"hints":    {"no_lookup", "quic_sni", `"mirrorsink help fields"`},
		"config":   {"parquet-size SIZE", "forward-copies"},
		"delivery": {"S3: is in the bucket exactly once; CloudWatch Logs: is in its", "denied"},
	} {
		r := runHere(t, "help", topic)
		assert.Equal(t, exitOK, r.code, topic)
		for _, text := range has {
			assert.Contains(t, strings.Join(strings.Fields(r.stdout), " "), strings.Join(strings.Fields(text), " "))
		}
		assert.NotRegexp(t, `(^|[^h])[a-z]+\.md\b`, r.stdout, "a page that is not installed")
	}
	assert.Equal(t, runHere(t, "replay", "--help").stdout, runHere(t, "help", "replay").stdout)
	assert.Equal(t, runHere(t, "report", "top", "--help").stdout, runHere(t, "help", "report", "top").stdout)
}

// TestManPages writes one for every command and topic.
func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	r := runHere(t, "man", dir)
	require.Equal(t, exitOK, r.code, r.stderr)
	n := 0
	commands(func(cmd *cobra.Command) {
		if !cmd.IsAvailableCommand() && !cmd.IsAdditionalHelpTopicCommand() {
			return // help itself
		}
		name, section := strings.ReplaceAll(cmd.CommandPath(), " ", "-"), ".1"
		if cmd.IsAdditionalHelpTopicCommand() {
			section = ".7"
		}
		text, err := os.ReadFile(filepath.Join(dir, name+section))
		if !assert.NoError(t, err) {
			return
		}
		n++
		assert.True(t, strings.HasPrefix(string(text), ".TH "), name)
		assert.Contains(t, string(text), "\n.SH DESCRIPTION\n")
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				assert.Contains(t, string(text), `\-\-`+strings.ReplaceAll(f.Name, "-", `\-`), name)
			}
		})
	})
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, n)
}

// TestEnumerationsAreCompleted: the shell gets the values of every flag that has a list of them.
func TestEnumerationsAreCompleted(t *testing.T) {
	n := 0
	commands(func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			values := flags.ValuesOf(f)
			if len(values) == 0 {
				return
			}
			n++
			args := append(append([]string{"__complete"}, strings.Fields(cmd.CommandPath())[1:]...), "--"+f.Name, "")
			assert.Equal(t, values, strings.Split(strings.TrimSpace(strings.Split(runHere(t, args...).stdout, "\n:")[0]), "\n"), "%v", args)
		})
	})
	assert.Greater(t, n, 20)
	assert.Contains(t, runHere(t, "__complete", "help", "").stdout, "where\t")
	assert.NotContains(t, runHere(t, "__complete", "help", "").stdout, "__complete")
	assert.Contains(t, runHere(t, "__complete", "report", "").stdout, "top\t")
}
