package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// deployFile returns the path of a file of deploy.
func deployFile(path ...string) string {
	return filepath.Join(append([]string{"..", "..", "..", "..", "deploy"}, path...)...)
}

// systemdFile returns a file of deploy/systemd.
func systemdFile(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(deployFile(append([]string{"systemd"}, path...)...))
	require.NoError(t, err)
	return string(text)
}

// unitLines returns the values of a key in a unit file, with continued lines joined.
func unitLines(text, key string) (values []string) {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			values = append(values, value)
		}
	}
	return values
}

// startedBy returns the arguments that a unit with drop-ins starts the program with: variables of the environment become words.
func startedBy(t *testing.T, texts ...string) (args []string) {
	t.Helper()
	unit := strings.Join(texts, "\n")
	env := map[string]string{}
	for _, assignment := range unitLines(unit, "Environment") {
		name, value, ok := strings.Cut(strings.Trim(assignment, `"`), "=")
		require.True(t, ok, assignment)
		env[name] = value
	}
	start := unitLines(unit, "ExecStart")
	require.Len(t, start, 1)
	words := shellWords(start[0])
	require.Equal(t, "/usr/bin/mirrorsink", words[0])
	for _, w := range words[1:] {
		if name, isVariable := strings.CutPrefix(w, "$"); isVariable {
			value, set := env[name]
			require.True(t, set, "systemd warns of %s, which is not set", name)
			args = append(args, shellWords(value)...)
			continue
		}
		args = append(args, w)
	}
	return args
}

// dropIns are the files that add to mirrorsink.service, by their names in deploy.
var dropIns = []string{"systemd/mirrorsink-ring.conf", "suricata/mirrorsink-suricata.conf"}

// TestUnitsStartTheProgram: their command lines parse, and events do not go to the journal.
func TestUnitsStartTheProgram(t *testing.T) {
	unit := systemdFile(t, "mirrorsink.service")
	for _, added := range [][]string{nil, dropIns[:1], dropIns[1:], dropIns} {
		texts := []string{unit}
		for _, name := range added {
			text, err := os.ReadFile(deployFile(name))
			require.NoError(t, err)
			texts = append(texts, string(text))
		}
		args := startedBy(t, texts...)
		require.NoError(t, parses(args), args)
		opts := parseListen(t, args[1:])
		assert.Positive(t, opts.Outputs.Count(), "%v: without an output events go to standard output, which is the journal", args)
		assert.False(t, opts.Outputs.OnStdout(), args)
		for _, to := range opts.Outputs.EVE.To {
			assert.True(t, strings.HasPrefix(to, "/var/log/"+strings.Fields(unitLines(unit, "LogsDirectory")[0])[0]+"/"), to)
		}
	}
	args := startedBy(t, systemdFile(t, "mirrorsink-sessions.service"))
	require.NoError(t, parses(args), args)
	assert.Equal(t, []string{"sessions", "watch"}, args[:2])
}

// TestSettingsOfUnits: each line of the files with settings is one that the unit takes, once its comment sign is removed.
func TestSettingsOfUnits(t *testing.T) {
	for unit, settings := range map[string]string{"mirrorsink.service": "listen.conf", "mirrorsink-sessions.service": "sessions.conf"} {
		text := systemdFile(t, unit)
		assert.Equal(t, []string{"-/etc/mirrorsink/" + settings}, unitLines(text, "EnvironmentFile"))
		found := regexp.MustCompile(`(?m)^#([A-Z_]+=.*)$`).FindAllStringSubmatch(systemdFile(t, settings), -1)
		require.Greater(t, len(found), 2)
		ours := 0
		for _, m := range found {
			if !strings.HasPrefix(m[1], "MIRRORSINK_") {
				continue
			}
			ours++
			args := startedBy(t, text, `Environment="`+m[1]+`"`)
			assert.NotEqual(t, startedBy(t, text), args, "%s changes nothing", m[1])
			assert.NoError(t, parses(args), args)
		}
		assert.Positive(t, ours)
	}
}

// TestKernelGrantsTheReceiveBuffer: the settings for the kernel allow what listen asks for.
func TestKernelGrantsTheReceiveBuffer(t *testing.T) {
	m := regexp.MustCompile(`(?m)^net\.core\.rmem_max = (\d+)$`).FindStringSubmatch(systemdFile(t, "sysctl.d", "60-mirrorsink.conf"))
	require.NotNil(t, m)
	most, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	assert.GreaterOrEqual(t, most, int(defaultListenOptions().ReceiveBuffer))
}

// ofSystemd returns a command of systemd, or skips the test where it is not installed.
func ofSystemd(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s here: install the Debian package systemd", name)
	}
	return exec.CommandContext(t.Context(), path, args...)
}

// unitRoot returns a root directory with the units, some drop-ins, what they start, and the units that are part of systemd.
func unitRoot(t *testing.T, added ...string) string {
	t.Helper()
	root := t.TempDir()
	put := func(text, path string, mode os.FileMode) {
		path = filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
	}
	for _, program := range []string{"usr/bin/mirrorsink", "bin/kill"} {
		put("#!/bin/true\n", program, 0o755)
	}
	for _, name := range []string{"mirrorsink.service", "mirrorsink-sessions.service"} {
		put(systemdFile(t, name), "etc/systemd/system/"+name, 0o644)
	}
	for _, name := range added {
		text, err := os.ReadFile(deployFile(name))
		require.NoError(t, err)
		put(string(text), "etc/systemd/system/mirrorsink.service.d/"+filepath.Base(name), 0o644)
	}
	targets, err := filepath.Glob("/lib/systemd/system/*.target")
	require.NoError(t, err)
	for _, path := range targets {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		put(string(text), "lib/systemd/system/"+filepath.Base(path), 0o644)
	}
	return root
}

// TestUnitsAreHardened: systemd rates the exposure of each unit, in tenths of 0 to 100.
func TestUnitsAreHardened(t *testing.T) {
	for _, c := range []struct {
		unit  string
		most  int
		added []string
	}{
		{"mirrorsink.service", 15, nil},
		{"mirrorsink-sessions.service", 15, nil},
		{"mirrorsink.service", 20, dropIns[:1]},
		{"mirrorsink.service", 20, dropIns[1:]},
	} {
		cmd := ofSystemd(t, "systemd-analyze", "security", "--root="+unitRoot(t, c.added...), "--offline=true", "--threshold="+strconv.Itoa(c.most), "--no-pager", c.unit)
		out, err := cmd.CombinedOutput()
		assert.NoError(t, err, "%s %v\n%s", c.unit, c.added, out)
		t.Log(c.unit, c.added, regexp.MustCompile(`Overall.*`).FindString(string(out)))
	}
}

// TestUnitsAreValid: systemd knows every setting, and finds what the units start and want.
func TestUnitsAreValid(t *testing.T) {
	for _, unit := range []string{"mirrorsink.service", "mirrorsink-sessions.service"} {
		out, err := ofSystemd(t, "systemd-analyze", "verify", "--root="+unitRoot(t, dropIns...), "--man=no", "--recursive-errors=no", unit).CombinedOutput()
		assert.NoError(t, err, "%s", out)
		assert.Empty(t, string(out), unit)
	}
}

// TestUsersAndDirectories: systemd makes the user, and the directories that the units write to.
func TestUsersAndDirectories(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make users and directories in a root directory of its own")
	}
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
	out, err := ofSystemd(t, "systemd-sysusers", "--root="+root, absolute(t, deployFile("systemd", "sysusers.d", "mirrorsink.conf"))).CombinedOutput()
	require.NoError(t, err, "%s", out)
	users, err := os.ReadFile(filepath.Join(root, "etc", "passwd"))
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^mirrorsink:.*:/var/lib/mirrorsink:/usr/sbin/nologin$`, string(users))
	out, err = ofSystemd(t, "systemd-tmpfiles", "--create", "--root="+root, absolute(t, deployFile("systemd", "tmpfiles.d", "mirrorsink.conf"))).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, dir := range []string{"var/lib/mirrorsink", "var/log/mirrorsink", "var/log/mirrorsink/parquet", "var/spool/mirrorsink"} {
		info, err := os.Stat(filepath.Join(root, dir))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o750), info.Mode().Perm(), dir)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	return path
}
