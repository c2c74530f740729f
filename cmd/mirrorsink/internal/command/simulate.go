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
			return simulate.Run(cmd.Context(), &opts.Config, files, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	opts.addTo(cmd.Flags())
	return cmd
}

func (o *simulateOptions) addTo(f *pflag.FlagSet) {
	f.StringVar(&o.To, "to", "", "send to `host:port`")
	f.StringVar(&o.Out, "out", "", "write a capture `file` instead of sending, or - for standard output")
	f.StringVar(&o.Spec, "spec", "", "read sessions and filters from a YAML `file`")
	f.Uint32Var(&o.VNI, "vni", o.VNI, "the session's VXLAN network identifier, without --spec")
	f.StringVar(&o.Source, "source", "", "the mirrored interface's primary `address`, without --spec; by default one of this host")
	f.IntVar(&o.PacketLength, "packet-length", 0, "mirror only so many `bytes` of a frame, without --spec; 0 for all")
	f.IntVar(&o.MTU, "mtu", o.MTU, "cut what is sent to this many `bytes`, without --spec")
	f.BoolVar(&o.GENEVE, "geneve", false, "wrap in GENEVE, as behind a Gateway Load Balancer endpoint")
	f.Float64Var(&o.Speed, "speed", o.Speed, "play so many times as fast as recorded; 0 for as fast as possible")
	f.Float64Var(&o.Rate, "rate", 0, "send so many `frames` a second, whatever their times")
	f.IntVar(&o.Loop, "loop", o.Loop, "play the files so many `times`; 0 for without end")
	f.Float64Var(&o.Odds.Loss, "loss", 0, "lose copies, with this `probability`")
	f.Float64Var(&o.Odds.Duplicate, "duplicate", 0, "double copies, with this `probability`")
	f.Float64Var(&o.Odds.Reorder, "reorder", 0, "let copies be overtaken, with this `probability`")
	f.Float64Var(&o.Odds.Corrupt, "corrupt", 0, "change bytes of copies, with this `probability`")
	f.Uint64Var(&o.Odds.Seed, "seed", 0, "the same mishaps again for the same `number`")
}

// check says which options cannot be, alone or together.
func (o *simulateOptions) check(f *pflag.FlagSet, files []string) error {
	switch {
	case (o.To == "") == (o.Out == ""):
		return flags.Usagef("one of --to and --out must be given")
	case !(o.Speed >= 0 && o.Rate >= 0) || o.Loop < 0:
		return flags.Usagef("--speed, --rate and --loop cannot be negative")
	case o.Out != "" && (f.Changed("speed") || f.Changed("rate") || o.Loop == 0):
		return flags.Usagef("--speed, --rate and --loop 0 are for sending, not for --out")
	case o.Loop != 1 && slices.Contains(files, "-"):
		return flags.Usagef("--loop: standard input can be played once only")
	}
	for _, name := range []string{"vni", "source", "packet-length", "mtu"} {
		if o.Spec != "" && f.Changed(name) {
			return flags.Usagef("--%s: with --spec it belongs into the file", name)
		}
	}
	return checkOdds(f)
}

func checkOdds(f *pflag.FlagSet) error {
	for _, name := range []string{"loss", "duplicate", "reorder", "corrupt"} {
		if p, err := f.GetFloat64(name); err != nil || !(0 <= p && p <= 1) { // NaN neither
			return flags.Usagef("--%s: a probability is from 0 to 1", name)
		}
	}
	return nil
}
