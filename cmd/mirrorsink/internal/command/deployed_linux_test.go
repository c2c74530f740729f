package command

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/lifecycle/lifecycletest"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// userData is the user data of an instance as a template of deploy/aws makes it.
func userData(t *testing.T, name string) string {
	const folder = "../../../../deploy/aws/"
	return readFile(t, folder+"testdata/"+name+".sh") + readFile(t, folder+"user-data.sh")
}

var heredoc = regexp.MustCompile(`(?s)/etc/mirrorsink/listen\.yaml <<'EOF'\n(.*?\n)EOF\n`)

// TestDeployedConfiguration: listen takes the configurations that the templates of deploy/aws write, with their combinations of flags.
func TestDeployedConfiguration(t *testing.T) {
	for _, name := range []string{"sink", "sink-with-logs", "single"} {
		text := heredoc.FindStringSubmatch(userData(t, name))
		require.NotNil(t, text, name)
		opts, f := defaultListenOptions(), pflag.NewFlagSet("listen", pflag.ContinueOnError)
		opts.addTo(f)
		require.NoError(t, flags.ApplyConfig("listen.yaml", []byte(text[1]), f), name)
		opts.setWorkers(f.Changed("workers"))
		require.NoError(t, opts.check(f.Changed), name)
		assert.Equal(t, "0.0.0.0:8080", opts.Health.String(), "%s: the load balancer reaches the health port", name)
		assert.True(t, f.Changed("parquet") && f.Changed("alert") && f.Changed("allow-source"), name)
	}
}

// asService stands in for systemctl: it starts the program as the units of the packages do. It returns when the sink is ready, and finds "sessions
// watch" active when two sessions are made, so that the delays of the script are none.
const asService = `#!/bin/bash
echo "systemctl $*" >>"$OUT/calls"
start() { "$PROGRAM" "$@" >"$OUT/program" 2>&1 & echo $! >"$OUT/pid"; }
await() { for i in {1..1200}; do [ "$(grep -c "$1" "$OUT/program")" -lt "$2" ] || return 0; kill -0 "$(cat "$OUT/pid")" || exit 1; /bin/sleep 0.05; done; kill "$(cat "$OUT/pid")"; exit 1; }
case "$*" in
"restart --no-block mirrorsink.service") 
	start listen $(sed -n 's/^MIRRORSINK_OPTIONS=//p' /etc/mirrorsink/listen.conf); await what=health 1
	until "$CURL" --silent --fail --noproxy '*' --output /dev/null "$(sed -n 's/.*ready=//p' "$OUT/user-data")"; do await what=health 1; /bin/sleep 0.05; done ;;
"restart --no-block mirrorsink-sessions.service") start sessions watch --file /etc/mirrorsink/sessions.yaml --metrics off ;;
"is-active --quiet mirrorsink-sessions.service") await 'eni-0[23]' 2 ;;
esac
`

const (
	noted = "#!/bin/bash\necho \"$(basename \"$0\") $*\" >>\"$OUT/calls\"\n"
	// fetched stands in for curl with the package, and is curl for the health port.
	fetched = "#!/bin/bash\ncase \"$*\" in *readyz*) exec \"$CURL\" --noproxy '*' \"$@\" ;; esac\nwhile [ \"$1\" != --output ]; do shift; done\nprintf %s 'what a package has' >\"$2\"\n"
)

// inNamespace runs user data where the files that it writes are nobody else's, and ends what it has started.
const inNamespace = `set -e
for dir in /etc /opt /var/lib /var/spool; do mount -t tmpfs none $dir; done
mkdir -p /etc/sysctl.d /opt/aws/bin /var/lib/mirrorsink; cp "$OUT/stubs/cfn-signal" /opt/aws/bin/
set +e
PATH=$OUT/stubs:$PATH bash "$OUT/user-data" >"$OUT/log" 2>&1
echo $? >"$OUT/status"
kill -TERM "$(cat "$OUT/pid")"
while kill -0 "$(cat "$OUT/pid")" 2>/dev/null; do sleep 0.05; done`

// deployed starts the program as the user data of an instance does. It returns the calls, and what the program has logged.
func deployed(t *testing.T, name string, replace ...string) (calls, log string) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl")
	}
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "stubs"), 0o755))
	for stub, body := range map[string]string{"dnf": noted, "apt-get": noted, "sysctl": noted, "aws": fetched, "cfn-signal": noted, "sleep": noted, "curl": fetched, "systemctl": asService} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "stubs", stub), []byte(body), 0o755))
	}
	text := userData(t, name)
	for i := 0; i < len(replace); i += 2 {
		require.Contains(t, text, replace[i])
	}
	text = strings.NewReplacer(replace...).Replace(text)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "user-data"), []byte(text), 0o600))
	self := program(t)
	cmd := exec.CommandContext(t.Context(), "unshare", "--user", "--map-root-user", "--mount", "bash", "-c", inNamespace)
	cmd.Env = append(self.Env, "OUT="+dir, "TMPDIR="+dir, "PROGRAM="+self.Path, "CURL="+curl)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no namespaces here: %v: %s", err, bytes.TrimSpace(out))
	}
	read := func(file string) string {
		content, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		return string(content)
	}
	require.Equal(t, "0\n", read("status"), "%s\n%s", read("log"), read("program"))
	return read("calls"), read("program")
}

// freePort returns a TCP port of loopback that nothing listens on.
func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// TestDeployed: with what the user data writes the program starts, finds its group and the mirror sessions, and is ready; CloudFormation is told.
func TestDeployed(t *testing.T) {
	for _, c := range []struct{ name, resource string }{{"sink", "Sinks"}, {"single", "Sink"}} {
		t.Run(c.name, func(t *testing.T) {
			withoutAWS(t)
			lifecycletest.New(t, lifecycletest.Settings{Group: "mirror-sinks", Hook: "drain", Timeout: 600})
			ec2 := ec2test.New(workloads())
			t.Cleanup(ec2.Close)
			away := httptest.NewServer(http.NotFoundHandler()) // S3, SNS and CloudWatch, of which nothing is expected
			t.Cleanup(away.Close)
			t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
			t.Setenv("AWS_ENDPOINT_URL_EC2", ec2.URL)
			for _, service := range []string{"S3", "SNS", "CLOUDWATCH", "STS"} {
				t.Setenv("AWS_ENDPOINT_URL_"+service, away.URL)
			}
			port := freePort(t)
			replace := []string{
				"health: 0.0.0.0:8080", fmt.Sprintf("health: 127.0.0.1:%d\nlisten: 127.0.0.1:0\nmetrics: 127.0.0.1:0", port),
				"http://127.0.0.1:8080", fmt.Sprintf("http://127.0.0.1:%d", port), "memory: 2GiB", "memory: 256MiB",
			}
			if c.name == "sink" {
				replace = append(replace, "drain: 120s", "drain: 0s")
			}
			calls, log := deployed(t, c.name, replace...)
			assert.Contains(t, log, "msg=receiving")
			if c.name == "sink" {
				assert.Contains(t, log, "group=mirror-sinks hook=drain")
			}
			assert.Regexp(t, `(?m)^dnf install --assumeyes --disablerepo=\* \S+/mirrorsink\.rpm\n(.*\n)*systemctl restart --no-block mirrorsink\.service\n`, calls)
			assert.True(t, strings.HasSuffix(calls, "cfn-signal --exit-code 0 --stack mirror --resource "+c.resource+" --region eu-west-1\n"), calls)
		})
	}
}

// TestDeployedWatch: with what the user data writes "sessions watch" gives the tagged instances sessions to the load balancer, and leaves the sinks out.
func TestDeployedWatch(t *testing.T) {
	account := workloads()
	account.Instances[1].Tags["mirrorsink:role"] = "sink"
	account.LoadBalancers = []ec2test.LoadBalancer{{ARN: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/mirror/0123456789abcdef"}}
	ec2 := startEC2(t, account)
	t.Setenv("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", ec2.URL)
	calls, log := deployed(t, "watch")
	assert.Contains(t, calls, "--resource Watcher --region eu-west-1\n")
	sessions := runHere(t, "sessions", "inventory")
	assert.NotContains(t, sessions.stdout, "eni-01", "a sink")
	assert.Contains(t, sessions.stdout, "eni-02", log)
	assert.Contains(t, sessions.stdout, "eni-03", log)
}
