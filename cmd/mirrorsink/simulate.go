package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/decap/sim"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// simulateOptions are the flags of simulate.
type simulateOptions struct {
	to, out      string
	spec         string
	vni          uint32
	source       string
	packetLength int
	mtu          int
	geneve       bool
	rate, speed  float64
	loop         int
	odds         sim.Odds
}

func newSimulate() *cobra.Command {
	opts := simulateOptions{vni: 1, mtu: sim.MaxMTU, speed: 1, loop: 1}
	cmd := &cobra.Command{
		Use:   "simulate FILE...",
		Short: "Play captures as AWS would mirror them",
		Long: `Plays captures of plain traffic as VPC Traffic Mirroring would send them: in VXLAN, from the mirrored interface's address
and a source port by the inner hash. Without --spec every frame is mirrored, by one session. A --spec has sessions and
filters in YAML; then what no filter takes is left out, and what AWS never mirrors.

Frames are sent at the times of the capture, times --speed, or at a --rate. Where this host does not have a source
address or its port is taken, another one is used.`,
		Example: `  mirrorsink simulate capture.pcap --to 127.0.0.1:4789
  mirrorsink simulate capture.pcap --spec sessions.yaml --out mirrored.pcap
  mirrorsink simulate capture.pcap --to [::1]:4789 --rate 50000 --loop 0 --loss 0.01 --seed 7`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := opts.check(cmd.Flags(), files); err != nil {
				return err
			}
			return simulate(cmd, opts, files)
		},
	}
	opts.addTo(cmd.Flags())
	return cmd
}

func (o *simulateOptions) addTo(f *pflag.FlagSet) {
	f.StringVar(&o.to, "to", "", "send to `host:port`")
	f.StringVar(&o.out, "out", "", "write a capture `file` instead of sending, or - for standard output")
	f.StringVar(&o.spec, "spec", "", "read sessions and filters from a YAML `file`")
	f.Uint32Var(&o.vni, "vni", o.vni, "the session's VXLAN network identifier, without --spec")
	f.StringVar(&o.source, "source", "", "the mirrored interface's primary `address`, without --spec; by default one of this host")
	f.IntVar(&o.packetLength, "packet-length", 0, "mirror only so many `bytes` of a frame, without --spec; 0 for all")
	f.IntVar(&o.mtu, "mtu", o.mtu, "cut what is sent to this many `bytes`, without --spec")
	f.BoolVar(&o.geneve, "geneve", false, "wrap in GENEVE, as behind a Gateway Load Balancer endpoint")
	f.Float64Var(&o.speed, "speed", o.speed, "play so many times as fast as recorded; 0 for as fast as possible")
	f.Float64Var(&o.rate, "rate", 0, "send so many `frames` a second, whatever their times")
	f.IntVar(&o.loop, "loop", o.loop, "play the files so many `times`; 0 for without end")
	f.Float64Var(&o.odds.Loss, "loss", 0, "lose copies, with this `probability`")
	f.Float64Var(&o.odds.Duplicate, "duplicate", 0, "double copies, with this `probability`")
	f.Float64Var(&o.odds.Reorder, "reorder", 0, "let copies be overtaken, with this `probability`")
	f.Float64Var(&o.odds.Corrupt, "corrupt", 0, "change bytes of copies, with this `probability`")
	f.Uint64Var(&o.odds.Seed, "seed", 0, "the same mishaps again for the same `number`")
}

// check says which options cannot be, alone or together.
func (o *simulateOptions) check(f *pflag.FlagSet, files []string) error {
	switch {
	case (o.to == "") == (o.out == ""):
		return usagef("one of --to and --out must be given")
	case !(o.speed >= 0 && o.rate >= 0) || o.loop < 0:
		return usagef("--speed, --rate and --loop cannot be negative")
	case o.out != "" && (f.Changed("speed") || f.Changed("rate") || o.loop == 0):
		return usagef("--speed, --rate and --loop 0 are for sending, not for --out")
	case o.loop != 1 && slices.Contains(files, "-"):
		return usagef("--loop: standard input can be played once only")
	}
	for _, name := range []string{"vni", "source", "packet-length", "mtu"} {
		if o.spec != "" && f.Changed(name) {
			return usagef("--%s: with --spec it belongs into the file", name)
		}
	}
	return checkOdds(f)
}

func checkOdds(f *pflag.FlagSet) error {
	for _, name := range []string{"loss", "duplicate", "reorder", "corrupt"} {
		if p, err := f.GetFloat64(name); err != nil || !(0 <= p && p <= 1) { // NaN neither
			return usagef("--%s: a probability is from 0 to 1", name)
		}
	}
	return nil
}

// simulate is the command.
func simulate(cmd *cobra.Command, opts simulateOptions, files []string) error {
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
		return usagef("simulate: %w", err)
	}
	out, err := opts.destination(target, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	s := newSimulator(m, opts.odds, out, opts.pace())
	err = s.playFiles(cmd.Context(), files, opts.loop)
	s.print(cmd.ErrOrStderr())
	return errors.Join(err, out.close())
}

// Documentation addresses for a capture that is written without a target (RFC 5737).
var (
	nowhere       = netip.MustParseAddr("192.0.2.1")
	nowhereSource = netip.MustParseAddr("192.0.2.10")
)

// target returns where to send to.
func (o *simulateOptions) target() (netip.AddrPort, error) {
	if o.to == "" {
		return netip.AddrPortFrom(nowhere, 0), nil
	}
	addr, err := net.ResolveUDPAddr("udp", o.to)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("--to %s: %w", o.to, err)
	}
	to := addr.AddrPort()
	if !to.Addr().IsValid() { // ":4789" is this host
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), to.Port()), nil
	}
	return netip.AddrPortFrom(to.Addr().Unmap(), to.Port()), nil
}

// mirror returns the sessions.
func (o *simulateOptions) mirror(target netip.Addr) (cfg sim.Config, err error) {
	if o.spec != "" {
		cfg, err = readSpec(o.spec, target)
	} else {
		cfg, err = o.oneSession(target)
	}
	if err != nil || !o.geneve || cfg.Gateway != nil {
		return cfg, err
	}
	if len(cfg.Sessions) == 0 {
		return cfg, usagef("--geneve: no session has an address to send from")
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
	if err != nil {
		return cfg, usagef("%s: %w", name, err)
	}
	if !cfg.Target.IsValid() {
		cfg.Target = target
	}
	return cfg, nil
}

// oneSession returns a session that takes every frame.
func (o *simulateOptions) oneSession(target netip.Addr) (cfg sim.Config, err error) {
	source := nowhereSource
	switch {
	case o.source != "":
		source, err = netip.ParseAddr(o.source)
		if err != nil {
			return cfg, usagef("--source: %w", err)
		}
	case o.to != "":
		source, err = localAddress(target)
		if err != nil {
			return cfg, err
		}
	}
	cfg = sim.Default(o.vni, source, target)
	cfg.Sessions[0].PacketLength = o.packetLength
	cfg.MTU = o.mtu
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
func (o *simulateOptions) pace() *pacer {
	if o.out != "" {
		return &pacer{}
	}
	return &pacer{speed: o.speed, rate: o.rate}
}

// destination returns where copies go.
func (o *simulateOptions) destination(target netip.AddrPort, stdout io.Writer) (destination, error) {
	if o.to != "" {
		return &socketDestination{tx.NewSender(target)}, nil
	}
	if o.out == "-" {
		return newCaptureDestination(stdout, io.NopCloser(nil))
	}
	f, err := os.Create(o.out)
	if err != nil {
		return nil, err
	}
	return newCaptureDestination(f, f)
}

// playFiles plays the files one after the other, as often as it is told, until ctx ends.
func (s *simulator) playFiles(ctx context.Context, files []string, times int) error {
	var err error
	for i := 0; err == nil && ctx.Err() == nil && (times == 0 || i < times); i++ {
		for _, name := range files {
			if err = s.playFile(ctx, name); err != nil {
				break
			}
		}
	}
	return errors.Join(err, s.flush())
}

func (s *simulator) playFile(ctx context.Context, name string) error {
	file, err := capture.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return s.run(ctx, file)
}
