package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// lab is what peers need to run.
type lab struct {
	dir       string // for files that they write
	cpus      []int
	port      net.PacketConn
	collector string // address where flow records can be sent: nobody reads them
}

func newLab() (l *lab, err error) {
	l = &lab{}
	if l.cpus, err = oneCPU(); err != nil {
		return nil, err
	}
	if l.port, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	l.collector = l.port.LocalAddr().String()
	if l.dir, err = os.MkdirTemp("", "mirrorsink-bench"); err != nil {
		return nil, errors.Join(err, l.port.Close())
	}
	return l, nil
}

func (l *lab) close() {
	l.port.Close()
	os.RemoveAll(l.dir)
}

// gopacketModule is a module of its own, so that the program's has nothing that only the bench needs.
const gopacketModule = ".ci/bench/gopacket"

// buildGopacket builds the program around gopacket.
func (l *lab) buildGopacket(ctx context.Context) (path, version string, err error) {
	path = filepath.Join(l.dir, "gopacket")
	if err := command(ctx, "go", "build", "-C", gopacketModule, "-o", path, ".").Run(); err != nil {
		return "", "", fmt.Errorf("build %s: %w", gopacketModule, err)
	}
	list := []string{"list", "-C", gopacketModule, "-m", "-f", "{{.Version}}", "github.com/google/gopacket"}
	out, err := exec.CommandContext(ctx, "go", list...).Output()
	return path, strings.TrimSpace(string(out)), err
}
