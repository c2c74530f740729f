// Package simulate plays captures as AWS would mirror them, over a socket or into a capture file, at a chosen pace and with chosen faults.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/yamlerror"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/decap/sim"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// Config is the input, the pace, the faults and the destination of a simulation.
type Config struct {
	To, Out      string
	Spec         string
	VNI          uint32
	Source       string
	PacketLength int
	MTU          int
	GENEVE       bool
	Rate, Speed  float64
	Loop         int
	Odds         sim.Odds
}

// Run plays the files and prints a summary.
func Run(ctx context.Context, opts *Config, files []string, stdout, stderr io.Writer) error {
	target, err := opts.target()
	if err != nil {
		return err
	}
	cfg, err := opts.mirror(target.Addr())
	if err != nil {
		return err
	}
	m, err := sim.New(cfg)
	if err != nil {
		return flags.Usagef("simulate: %w", err)
	}
	out, err := opts.destination(target, stdout)
	if err != nil {
		return err
	}
	s := New(m, opts.Odds, out, opts.pace())
	err = s.playFiles(ctx, files, opts.Loop)
	s.print(stderr)
	return errors.Join(err, out.Close())
}

// Documentation addresses for a capture that is written without a target (RFC 5737).
var (
	nowhere       = netip.MustParseAddr("192.0.2.1")
	nowhereSource = netip.MustParseAddr("192.0.2.10")
)

// target returns where to send to.
func (o *Config) target() (netip.AddrPort, error) {
	if o.To == "" {
		return netip.AddrPortFrom(nowhere, 0), nil
	}
	if _, port, err := net.SplitHostPort(o.To); err != nil || port == "" || port == "0" {
		return netip.AddrPort{}, flags.Usagef("--to %s: want HOST:PORT such as 10.0.0.7:4789", o.To)
	}
	addr, err := net.ResolveUDPAddr("udp", o.To)
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown):
		return netip.AddrPort{}, fmt.Errorf("--to %s: the host's address cannot be looked up: %s", o.To, unknown.Err)
	case err != nil:
		return netip.AddrPort{}, flags.Usagef("--to %s: want HOST:PORT such as 10.0.0.7:4789", o.To)
	}
	to := addr.AddrPort()
	if !to.Addr().IsValid() { // ":4789" is this host
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), to.Port()), nil
	}
	return netip.AddrPortFrom(to.Addr().Unmap(), to.Port()), nil
}

// mirror returns the sessions.
func (o *Config) mirror(target netip.Addr) (cfg sim.Config, err error) {
	if o.Spec != "" {
		cfg, err = readSpec(o.Spec, target)
	} else {
		cfg, err = o.oneSession(target)
	}
	if err != nil || !o.GENEVE || cfg.Gateway != nil {
		return cfg, err
	}
	if len(cfg.Sessions) == 0 {
		return cfg, flags.Usagef("--geneve: no session has an address to send from")
	}
	cfg.Gateway = &sim.Gateway{Source: cfg.Sessions[0].Source, Appliance: target}
	return cfg, nil
}

func readSpec(name string, target netip.Addr) (sim.Config, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return sim.Config{}, fmt.Errorf("read sessions: %w", err)
	}
	cfg, err := sim.ParseSpec(text)
	var syntax *sim.YAMLError
	if errors.As(err, &syntax) {
		p := yamlerror.Describe(syntax.Err)
		return cfg, flags.Usagef("%s:%d:%d: %s", name, p.Line, p.Column, p.Text)
	}
	if err != nil {
		return cfg, flags.Usagef("%s: %w", name, err)
	}
	if !cfg.Target.IsValid() {
		cfg.Target = target
	}
	return cfg, nil
}

// oneSession returns a session that takes every frame.
func (o *Config) oneSession(target netip.Addr) (cfg sim.Config, err error) {
	source := nowhereSource
	switch {
	case o.Source != "":
		source, err = netip.ParseAddr(o.Source)
		if err != nil {
			return cfg, flags.Usagef("--source %s: want an address such as 10.0.1.10", o.Source)
		}
	case o.To != "":
		source, err = localAddress(target)
		if err != nil {
			return cfg, err
		}
	}
	cfg = sim.Default(o.VNI, source, target)
	cfg.Sessions[0].PacketLength = o.PacketLength
	cfg.MTU = o.MTU
	return cfg, nil
}

// localAddress returns the address from which this host reaches another. It sends nothing.
func localAddress(to netip.Addr) (netip.Addr, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 9)))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find an address to send from: %w", err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// pace returns when copies are due. Into a file they go at once, with their times.
func (o *Config) pace() *Pacer {
	if o.Out != "" {
		return &Pacer{}
	}
	return &Pacer{Speed: o.Speed, rate: o.Rate}
}

// destination returns where copies go.
func (o *Config) destination(target netip.AddrPort, stdout io.Writer) (destination, error) {
	if o.To != "" {
		return &Socket{tx.NewSender(target)}, nil
	}
	if o.Out == "-" {
		return newCaptureDestination(stdout, io.NopCloser(nil))
	}
	f, err := os.Create(o.Out)
	if err != nil {
		return nil, err
	}
	return newCaptureDestination(f, f)
}

// playFiles plays the files one after the other, the given number of times, until ctx ends.
func (s *simulator) playFiles(ctx context.Context, files []string, times int) error {
	var err error
	for i := 0; err == nil && ctx.Err() == nil && (times == 0 || i < times); i++ {
		for _, name := range files {
			if err = s.playFile(ctx, name); err != nil {
				break
			}
		}
	}
	return errors.Join(err, s.Flush())
}

func (s *simulator) playFile(ctx context.Context, name string) error {
	file, err := capture.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return s.Run(ctx, file)
}
