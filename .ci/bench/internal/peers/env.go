package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
)

// env is the environment that peers run in.
type env struct {
	dir       string // for their files
	cpus      []int
	port      net.PacketConn
	collector string // address that flow records can be sent to; they are not read
}

func newEnv() (e *env, err error) {
	e = &env{}
	if e.cpus, err = process.OneCPU(); err != nil {
		return nil, err
	}
	if e.port, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	e.collector = e.port.LocalAddr().String()
	if e.dir, err = os.MkdirTemp("", "mirrorsink-bench"); err != nil {
		return nil, errors.Join(err, e.port.Close())
	}
	return e, nil
}

func (e *env) close() {
	e.port.Close()
	os.RemoveAll(e.dir)
}

// gopacketModule is a module of its own, so that the program's module has no dependencies of the benchmark.
const gopacketModule = ".ci/bench/gopacket"

// buildGopacket builds the program that uses gopacket.
func (e *env) buildGopacket(ctx context.Context) (path, version string, err error) {
	path = filepath.Join(e.dir, "gopacket")
	if err := process.Command(ctx, "go", "build", "-C", gopacketModule, "-o", path, ".").Run(); err != nil {
		return "", "", fmt.Errorf("build %s: %w", gopacketModule, err)
	}
	list := []string{"list", "-C", gopacketModule, "-m", "-f", "{{.Version}}", "github.com/google/gopacket"}
	out, err := exec.CommandContext(ctx, "go", list...).Output()
	return path, strings.TrimSpace(string(out)), err
}
