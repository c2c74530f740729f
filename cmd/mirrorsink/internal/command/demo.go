package command

import (
	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/demo"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

func newDemo() *cobra.Command {
	var opts demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show named flows and alerts from a bundled capture: no AWS, no root",
		Long: `Plays a bundled capture of three workloads over the loopback interface, as AWS would mirror it, and receives it as listen
does, with an inventory of the three instances and an egress policy for them. One workload sends more to a name than the policy
allows, and connects to an address without a lookup: after some 8 seconds there are two alerts.

On a terminal the demo shows a table of the named flows with the last alerts below it, elsewhere a line for each flow and alert;
with --eve it writes events.`,
		Example: `  mirrorsink demo
  mirrorsink demo --for 10s --eve -`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.Duration < 0 {
				return flags.Usagef("--for %v: cannot be negative", opts.Duration)
			}
			return demo.Run(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	g := flags.In(cmd.Flags(), flags.Common)
	g.Duration(&opts.Duration, "for", "end after this long; 0 for when interrupted")
	g.Strings(&opts.EVE, "eve", "FILE", "write events as EVE JSON lines to a file, to unix:PATH or to - instead (repeatable)")
	return cmd
}
