package aws_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

var embedded = regexp.MustCompile(`(?m)^( +)# deploy/aws/user-data\.sh\n((?:(?:\s+.*)?\n)*?)( +- |\n  \w|\z)`)

// TestUserDataIsEmbedded: the user data of every instance ends with user-data.sh. A template cannot include a file.
func TestUserDataIsEmbedded(t *testing.T) {
	script := strings.TrimSpace(readFile(t, "user-data.sh"))
	require.NotContains(t, script, "${", "CloudFormation would replace it")
	found := 0
	for _, file := range []string{"mirrorsink.yaml", "single.yaml"} {
		text := readFile(t, file)
		want := embedded.ReplaceAllStringFunc(text, func(s string) string {
			found++
			m := embedded.FindStringSubmatch(s)
			lines := strings.Split(script, "\n")
			for i := range lines {
				lines[i] = strings.TrimRight(m[1]+lines[i], " ")
			}
			return m[1] + "# deploy/aws/user-data.sh\n" + strings.Join(lines, "\n") + "\n" + m[3]
		})
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
			text = want
		}
		require.Equal(t, want, text, "%s: user-data.sh changed: go test ./deploy/aws -update", file)
	}
	require.Equal(t, 3, found)
}

// userDataOf is the user data of an instance of a stack.
type userDataOf struct{ name, text, resource, unit string }

func userData(t testing.TB) []userDataOf {
	text := func(c *template, name string) string {
		return c.properties(name)["LaunchTemplateData"].(map[string]any)["UserData"].(string)
	}
	sum := sha256.Sum256([]byte(packageBytes))
	values := map[string]any{"PackageSha256": hex.EncodeToString(sum[:])}
	deb := map[string]any{"PackageSha256": hex.EncodeToString(sum[:]), "PackageUrl": "s3://packages/mirrorsink_1_arm64.deb", "CloudWatchLogs": "both"}
	return []userDataOf{
		{"sink", text(sinkStack(t, values), "SinkTemplate"), "Sinks", "mirrorsink.service"},
		{"sink with logs", text(sinkStack(t, deb), "SinkTemplate"), "Sinks", "mirrorsink.service"},
		{"watch", text(sinkStack(t, values), "WatchTemplate"), "Watcher", "mirrorsink-sessions.service"},
		{"single", text(singleStack(t, values), "SinkTemplate"), "Sink", "mirrorsink.service"},
	}
}

const packageBytes = "what a package has"

// stub writes its name and arguments into a file, and does what its body says.
const stub = "#!/bin/bash\nprintf '%s' \"$(basename \"$0\")\" >>\"$OUT/calls\"; printf ' %s' \"$@\" >>\"$OUT/calls\"; echo >>\"$OUT/calls\"\n"

// lastArgument writes a package to the last argument, or whatever follows --output.
const lastArgument = "for a; do [ \"$previous\" != --output ] || to=$a; previous=$a; done; [ -n \"$to\" ] || to=$a; [ \"$to\" = /dev/null ] || printf %s \"$PACKAGE\" >\"$to\"\n"

// inside runs a script in a mount namespace whose /etc and /opt are empty, with stubs for what would install and start something.
const inside = `set -e
mount -t tmpfs none /etc; mount -t tmpfs none /opt
mkdir -p /etc/sysctl.d /opt/aws/bin; cp "$OUT/stubs/cfn-signal" /opt/aws/bin/
set +e
PATH=$OUT/stubs:$PATH bash "$OUT/user-data" >"$OUT/log" 2>&1
echo $? >"$OUT/status"
mkdir "$OUT/etc"; cp -r /etc/. "$OUT/etc/"`

// sandboxed is what a run of user data did.
type sandboxed struct {
	status, calls, log string
	dir                string
}

// run runs user data. Stubs are of dnf, apt-get, systemctl, sysctl, curl, aws and cfn-signal; bodies are what some do beside being noted.
func run(t *testing.T, text, content string, bodies map[string]string) sandboxed {
	dir := t.TempDir()
	stubs := map[string]string{"dnf": "", "apt-get": "", "systemctl": "", "sysctl": "", "sleep": "", "cfn-signal": "", "curl": lastArgument, "aws": lastArgument}
	for name, body := range bodies {
		stubs[name] = body
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "stubs"), 0o755))
	for name, body := range stubs {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "stubs", name), []byte(stub+body), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "user-data"), []byte(text), 0o600))
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", "bash", "-c", inside)
	cmd.Env = append(os.Environ(), "OUT="+dir, "PACKAGE="+content, "TMPDIR="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no namespaces here: %v: %s", err, bytes.TrimSpace(out))
	}
	read := func(name string) string { return strings.TrimSpace(readFile(t, filepath.Join(dir, name))) }
	return sandboxed{status: read("status"), calls: read("calls"), log: read("log"), dir: filepath.Join(dir, "etc/mirrorsink")}
}

// TestUserData: the script fetches and checks the package, installs it, writes files that the program reads, starts the unit, waits for it, and
// tells CloudFormation.
func TestUserData(t *testing.T) {
	t.Parallel()
	for _, u := range userData(t) {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			got := run(t, u.text, packageBytes, nil)
			require.Equal(t, "0", got.status, got.log)
			install := regexp.MustCompile(`(?m)^(dnf install --assumeyes --disablerepo=\*|apt-get install --yes) (\S+/mirrorsink\.(rpm|deb))$`).FindStringSubmatchIndex(got.calls)
			require.NotNil(t, install, got.calls)
			start := strings.Index(got.calls, "systemctl restart --no-block "+u.unit)
			require.Greater(t, start, install[0], got.calls)
			require.Contains(t, got.calls, "systemctl enable "+u.unit)
			require.True(t, strings.HasSuffix(got.calls, fmt.Sprintf("cfn-signal --exit-code 0 --stack mirror --resource %s --region eu-west-1", u.resource)), got.calls)
			if u.unit == "mirrorsink.service" {
				require.Greater(t, strings.Index(got.calls, "http://127.0.0.1:8080/readyz"), start, got.calls)
				checkSink(t, got.dir)
			} else {
				checkSpec(t, readFile(t, filepath.Join(got.dir, "sessions.yaml")), "mirror")
			}
		})
	}
}

// checkSink reads the policy as the program does. Tests in cmd/mirrorsink start the program with listen.yaml.
func checkSink(t *testing.T, dir string) {
	p, err := policy.Parse("policy.yaml", []byte(readFile(t, filepath.Join(dir, "policy.yaml"))), policy.Config{})
	require.NoError(t, err)
	require.Len(t, p.Alerts, 1)
	require.Contains(t, readFile(t, filepath.Join(dir, "listen.conf")), "MIRRORSINK_OPTIONS=--config /etc/mirrorsink/listen.yaml\n")
}

// TestRendered: an instance gets what testdata has for it, and behind that user-data.sh. Tests of cmd/mirrorsink start the program by both.
func TestRendered(t *testing.T) {
	common := readFile(t, "user-data.sh")
	for _, u := range userData(t) {
		file := "testdata/" + strings.ReplaceAll(u.name, " ", "-") + ".sh"
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(strings.TrimSuffix(u.text, common)), 0o644))
		}
		require.Equal(t, u.text, readFile(t, file)+common, "%s changed: go test ./deploy/aws -update", u.name)
	}
}

func checkSpec(t *testing.T, text, owner string) *spec.Spec {
	s, err := spec.Parse("sessions.yaml", []byte(text))
	require.NoError(t, err, text)
	require.Equal(t, owner, s.Owner)
	return s
}

// TestSpecs: the outputs of the stacks are specs too, and the group's instances, which have the tag, are no sources.
func TestSpecs(t *testing.T) {
	output := func(c *template) string {
		return c.eval(pairs(pairs(c.root["Outputs"])["Spec"])["Value"]).(string)
	}
	checkSpec(t, output(singleStack(t, nil)), "mirror")
	grouped := sinkStack(t, nil)
	s := checkSpec(t, output(grouped), "mirror")
	var excluded bool
	for _, source := range s.Sources {
		for _, x := range source.Exclude {
			excluded = excluded || x.Tags["mirrorsink:role"] == "sink"
		}
	}
	require.True(t, excluded, "the sinks are excluded")
	for _, tags := range grouped.properties("SinkTemplate")["LaunchTemplateData"].(map[string]any)["TagSpecifications"].([]any) {
		require.Contains(t, tags.(map[string]any)["Tags"], map[string]any{"Key": "mirrorsink:role", "Value": "sink"})
	}
}

// TestUserDataFails: what goes wrong ends the script, is told to CloudFormation, and has a line in the log. Nothing is installed that has another sum.
func TestUserDataFails(t *testing.T) {
	t.Parallel()
	sink, watch := userData(t)[0], userData(t)[2]
	for _, c := range []struct {
		name, content, log string
		of                 userDataOf
		bodies             map[string]string
		not                string
	}{
		{"another package", "something else", "mirrorsink: the SHA-256 of https://example.com/mirrorsink.rpm?v=1 is ", sink, nil, "dnf"},
		{"no package", "", "the instance was not set up, status 1", sink, map[string]string{"curl": "exit 22"}, "dnf"},
		{"the package manager fails", packageBytes, "status 5", sink, map[string]string{"dnf": "exit 5"}, "systemctl"},
		{"the unit is not there", packageBytes, "status 1", sink, map[string]string{"systemctl": "[ \"$1\" != enable ]"}, "readyz"},
		{"the sink is never ready", packageBytes, "status 7", sink, map[string]string{"curl": "[[ $* != *readyz* ]] || exit 7\n" + lastArgument}, "--exit-code 0"},
		{"the watch is never active", packageBytes, "status 1", watch, map[string]string{"systemctl": "[ \"$1\" != is-active ]"}, "--exit-code 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := run(t, c.of.text, c.content, c.bodies)
			assert.NotEqual(t, "0", got.status)
			assert.Contains(t, got.log, c.log)
			assert.NotContains(t, got.calls, c.not)
			assert.Contains(t, got.calls, "cfn-signal --exit-code "+got.status+" --stack mirror --resource "+c.of.resource)
			assert.Equal(t, 1, strings.Count(got.calls, "cfn-signal"))
		})
	}
}

// TestUnits: the units read the files that the user data writes, and what these set.
func TestUnits(t *testing.T) {
	for unit, names := range map[string][]string{
		"mirrorsink.service":          {"EnvironmentFile=-/etc/mirrorsink/listen.conf\n", "$MIRRORSINK_OUTPUTS", "$MIRRORSINK_OPTIONS\n"},
		"mirrorsink-sessions.service": {"EnvironmentFile=-/etc/mirrorsink/sessions.conf\n", "sessions watch --file /etc/mirrorsink/sessions.yaml "},
	} {
		text := readFile(t, "../systemd/"+unit)
		for _, name := range names {
			assert.Contains(t, text, name, unit)
		}
	}
	for _, u := range userData(t) {
		for _, m := range regexp.MustCompile(`(?m)^(MIRRORSINK_\w+)=`).FindAllStringSubmatch(u.text, -1) {
			assert.Contains(t, readFile(t, "../systemd/"+u.unit), "$"+m[1], u.name)
		}
	}
}
