package command

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/sink"
)

// replayOptions are the flags of replay.
type replayOptions struct{ sink.ReplayConfig }

func newReplay() *cobra.Command {
	opts := replayOptions{sink.ReplayConfig{Memory: sink.DefaultMemory, Workers: min(runtime.GOMAXPROCS(0), sink.MaxReplayWorkers)}}
	cmd := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Inspect capture files as fast as possible",
		Long: `Inspects capture files one after the other: pcap and pcapng, also compressed with gzip; - is standard input. Files are
independent: flows end at the end of each file. Events go to standard output, a summary to standard error.

Frames may be mirrored copies in VXLAN or GENEVE, or plain; one file may have both. A truncated or damaged file is inspected up to
the damage, and the exit status is 1. It is 1 too for a file whose link type is not supported: supported are Ethernet, raw IP, Linux
cooked, loopback, PPP, Cisco HDLC and NFLOG.

A frame whose time cannot be right, such as one in 2106 among others of today, takes the time of the frames around it.

With one worker the output for a file is the same bytes each time. With more workers it has the same events in the order of the
packets, except that flows that end by a timeout or at the end of the file may come in another order, as long as --memory holds all
flows.

With --inventory events name the interface, instance, VPC, subnet and account of their mirror session, from a file of "sessions
inventory". Use an inventory from the time of the capture.

With --policy events and records have the verdict of an egress policy, and --alert sends its alerts, in the time of the packets.`,
		Example: `  mirrorsink replay capture.pcap
  mirrorsink replay --eve events.json *.pcap.gz
  mirrorsink replay --inventory inventory.json mirrored.pcap
  mirrorsink replay --policy policy.yaml --alert eve capture.pcap
  mirrorsink replay --flowlog - capture.pcap \
    --flowlog-format '${srcaddr} ${dstaddr} ${bytes} ${x-name}'
  tcpdump -w - -U udp port 4789 | mirrorsink replay -`,
		Args: atLeastOne("capture file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := opts.check(cmd.Flags().Changed); err != nil {
				return err
			}
			if !opts.Forward.To.OnStdout() {
				opts.Outputs.OrStdout()
			}
			return sink.Replay(cmd.Context(), &opts.ReplayConfig, files, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	opts.Outputs.AddTo(f)
	g := flags.In(f, flags.Receiving)
	g.Var(&opts.Decap, "decap", "WHEN", "treat frames as mirrored copies: always, never, or auto to decide by their headers")
	g = flags.In(f, flags.Limits)
	g.Var(&opts.Memory, "memory", "SIZE", "maximum memory of all tables and queues together")
	g.Int(&opts.Workers, "workers", "N", "number of threads that inspect a file; by default one a core")
	flags.In(f, flags.Outputs).Bool(&opts.Quiet, "quiet", "print no progress bar and no summary")
	opts.Allow.AddTo(f)
	opts.Policy.AddTo(f)
	opts.Inventory.AddTo(f)
	opts.Forward.AddTo(f)
	flags.Promote(f, "eve", "flowlog", "parquet", "policy", "inventory", "forward", "decap", "memory", "quiet")
	return cmd
}

// checkWorkers checks the number of workers and their memory. It reduces a number that was not set by the user.
func (o *replayOptions) checkWorkers(asked bool) error {
	if o.Forward.Enabled() {
		if asked && o.Workers > 1 {
			return flags.Usagef("--workers %d: with --forward there is one, so that frames keep their order", o.Workers)
		}
		o.Workers = min(o.Workers, 1)
	}
	if !asked {
		o.Workers = max(1, min(o.Workers, int(o.Memory/sink.MinMemory)))
	}
	if o.Workers < 1 || o.Workers > sink.MaxReplayWorkers {
		return flags.Usagef("--workers %d: want 1 to %d", o.Workers, sink.MaxReplayWorkers)
	}
	return sink.CheckMemory(o.Memory, o.Workers)
}

// check reports options that are invalid, alone or together.
func (o *replayOptions) check(given func(flag string) bool) error {
	if err := o.Policy.Check(); err != nil {
		return err
	}
	o.Outputs.Judged = o.Policy.Enabled()
	if err := o.Outputs.Check(given); err != nil {
		return err
	}
	if err := o.Forward.Check(given, o.Outputs.OnStdout()); err != nil {
		return err
	}
	return o.checkWorkers(given("workers"))
}
