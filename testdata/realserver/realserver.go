// Package realserver starts servers of other people for tests: moto, which stands in for AWS, and Prometheus's Alertmanager. It finds other
// programs of other people. A test is skipped where they are not installed; .ci/run installs them.
package realserver

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// Moto starts moto and returns its address. The SDK's settings point to it. It takes seconds to start, so that only the long form of tests
// has it.
func Moto(t *testing.T) string {
	if !testform.Long {
		t.Skip("moto is started in the long form of tests alone: MIRRORSINK_LONG_TESTS=1")
	}
	python := Python(t, "moto.server, flask")
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	url := start(t, address, "/moto-api/", python, "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
	UseAWS(t, url)
	return url
}

// UseAWS has the SDK's settings point to a server, with credentials that are none.
func UseAWS(t *testing.T, url string) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/none", "AWS_SHARED_CREDENTIALS_FILE": "/none", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// Python returns a Python that has modules.
func Python(t *testing.T, modules string) string {
	candidates := []string{"python3"}
	for dir, _ := os.Getwd(); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		candidates = append([]string{filepath.Join(dir, ".ci/python/venv/bin/python")}, candidates...)
	}
	for _, python := range candidates {
		if exec.Command(python, "-c", "import "+modules).Run() == nil {
			return python
		}
	}
	t.Skipf("no Python with %s: .ci/run installs it", modules)
	return ""
}

// Program returns the path of a program: what the environment variable of its name in capitals says, else the first of the path that has one
// of the names.
func Program(t *testing.T, names ...string) string {
	for _, name := range append([]string{os.Getenv(strings.ToUpper(names[0]))}, names...) {
		for _, dir := range []string{"", "/usr/sbin/"} { // where daemons are, which is not on the path of every user
			if path, err := exec.LookPath(dir + name); name != "" && err == nil {
				return path
			}
		}
	}
	t.Skipf("no %s here", names[0])
	return ""
}

// Alertmanager starts an Alertmanager with a configuration, and returns its address and a function that runs amtool.
func Alertmanager(t *testing.T, config string) (url string, amtool func(args ...string) string) {
	for _, name := range []string{"prometheus-alertmanager", "amtool"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("no %s: .ci/run installs it", name)
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	url = start(t, address, "/-/ready", "prometheus-alertmanager", "--config.file="+file, "--storage.path="+dir, "--web.listen-address="+address, "--cluster.listen-address=")
	return url, func(args ...string) string {
		out, err := exec.Command("amtool", append(args, "--alertmanager.url="+url)...).CombinedOutput()
		if err != nil {
			t.Fatalf("amtool %v: %v: %s", args, err, out)
		}
		return string(out)
	}
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start starts a server, and waits until it answers. It ends with the test.
func start(t *testing.T, address, ready string, argv ...string) (url string) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	url = "http://" + address
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		if answer, err := http.Get(url + ready); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return url
			}
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatal(fmt.Errorf("%s ended: %w", argv[0], err))
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal(argv[0], "does not answer")
	return ""
}
