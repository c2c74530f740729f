package command

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/simulate"
	"github.com/mirrorsink/mirrorsink/decap/sim"
)

// simulateOptions are the flags of simulate.
type simulateOptions struct{ simulate.Config }

func newSimulate() *cobra.Command {
	opts := simulateOptions{simulate.Config{VNI: 1, MTU: sim.MaxMTU, Speed: 1, Loop: 1}}
	cmd := &cobra.Command{
		Use:   "simulate FILE...",
		Short: "Play captures as AWS would mirror them",
		Long: `Plays captures of plain traffic as VPC Traffic Mirroring would send them: in VXLAN, from the mirrored interface's address and a source
port by the inner hash. Without --spec one session mirrors every frame. A --spec has sessions and filters in YAML; then frames that
no filter accepts, and traffic that AWS never mirrors, are left out.

Frames are sent at the times of the capture, scaled by --speed, or at a --rate. If this host does not have a source address, or its
port is in use, another one is used.`,
		Example: `  mirrorsink simulate capture.pcap --to 127.0.0.1:4789
  mirrorsink simulate capture.pcap --spec sessions.yaml --out mirrored.pcap
  mirrorsink simulate capture.pcap --to [::1]:4789 --rate 50000 --loop 0 \
    --loss 0.01 --seed 7`,
		Args: atLeastOne("capture file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := opts.check(cmd.Flags(), files); err != nil {
				return err
			}
			return simulate.Run(cmd.Context(), &opts.Config, files, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	opts.addTo(cmd.Flags())
	return cmd
}

func (o *simulateOptions) addTo(f *pflag.FlagSet) {
	g := flags.In(f, flags.Common)
	g.String(&o.To, "to", "HOST:PORT", "send copies to this UDP address")
	g.String(&o.Out, "out", "FILE", "write a capture file instead of sending; - is standard output")
	g.String(&o.Spec, "spec", "FILE", "read sessions and filters from a YAML file")
	g = flags.In(f, flags.Session)
	g.Var((*flags.VNI)(&o.VNI), "vni", "VNI", "VXLAN network identifier")
	g.String(&o.Source, "source", "ADDRESS", "primary address of the mirrored interface; by default an address of this host")
	g.Int(&o.PacketLength, "packet-length", "BYTES", "mirror at most this many bytes of a frame; 0 for all")
	g.Int(&o.MTU, "mtu", "BYTES", "truncate copies to this many bytes")
	g = flags.In(f, flags.Sending)
	g.Bool(&o.GENEVE, "geneve", "wrap copies in GENEVE, as behind a Gateway Load Balancer endpoint")
	g.Float(&o.Speed, "speed", "FACTOR", "play this many times as fast as recorded; 0 for as fast as possible")
	g.Float(&o.Rate, "rate", "N", "send this many frames a second, whatever their times")
	g.Int(&o.Loop, "loop", "N", "play the files this many times; 0 for without end")
	g = flags.In(f, flags.Faults)
	g.Float(&o.Odds.Loss, "loss", "PROBABILITY", "lose copies: 0 for none, 1 for all")
	g.Float(&o.Odds.Duplicate, "duplicate", "PROBABILITY", "duplicate copies: 0 to 1")
	g.Float(&o.Odds.Reorder, "reorder", "PROBABILITY", "delay copies behind later ones: 0 to 1")
	g.Float(&o.Odds.Corrupt, "corrupt", "PROBABILITY", "change bytes of copies: 0 to 1")
	g.Uint64(&o.Odds.Seed, "seed", "N", "repeat the same faults for the same number")
}

// check reports options that are invalid, alone or together.
func (o *simulateOptions) check(f *pflag.FlagSet, files []string) error {
	switch {
	case (o.To == "") == (o.Out == ""):
		return flags.Usagef("give one of --to and --out")
	case o.Out != "" && (f.Changed("speed") || f.Changed("rate") || o.Loop == 0):
		return flags.Usagef("--speed, --rate and --loop 0 are for sending, not for --out")
	case o.Loop != 1 && slices.Contains(files, "-"):
		return flags.Usagef("--loop: standard input can be played once only")
	}
	for _, name := range []string{"vni", "source", "packet-length", "mtu"} {
		if o.Spec != "" && f.Changed(name) {
			return flags.Usagef("--%s: with --spec, set it in the file", name)
		}
	}
	if err := o.checkNumbers(); err != nil {
		return err
	}
	return checkOdds(&o.Odds)
}

// checkNumbers reports numbers out of range.
func (o *simulateOptions) checkNumbers() error {
	switch {
	case o.Speed < 0:
		return flags.Usagef("--speed %v: cannot be negative", o.Speed)
	case o.Rate < 0:
		return flags.Usagef("--rate %v: cannot be negative", o.Rate)
	case o.Loop < 0:
		return flags.Usagef("--loop %d: cannot be negative", o.Loop)
	case o.PacketLength < 0 || o.PacketLength > sim.MaxPacketLength:
		return flags.Usagef("--packet-length %d: want 1 to %d bytes, or 0 for all", o.PacketLength, sim.MaxPacketLength)
	case o.MTU < sim.MinMTU || o.MTU > sim.MaxMTU:
		return flags.Usagef("--mtu %d: want %d to %d bytes", o.MTU, sim.MinMTU, sim.MaxMTU)
	}
	return nil
}

func checkOdds(o *sim.Odds) error {
	for _, odds := range []struct {
		flag string
		p    float64
	}{{"loss", o.Loss}, {"duplicate", o.Duplicate}, {"reorder", o.Reorder}, {"corrupt", o.Corrupt}} {
		if odds.p < 0 || odds.p > 1 {
			return flags.Usagef("--%s %v: want a probability from 0 to 1", odds.flag, odds.p)
		}
	}
	return nil
}
