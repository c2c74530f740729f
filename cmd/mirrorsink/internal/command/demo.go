package command

import (
	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/demo"
)

func newDemo() *cobra.Command {
	var opts demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show named flows from a bundled capture: no AWS, no root",
		Long: `Plays a bundled capture of three workloads over the loopback interface, as AWS would mirror it, and receives it as listen
does, with an inventory that says which instances they are. On a terminal it shows a table of the named flows, elsewhere a
line for each; with --eve it writes events.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.Run(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.DurationVar(&opts.Duration, "for", 0, "end after this long; 0 for when interrupted")
	f.StringArrayVar(&opts.EVE, "eve", nil, "write events as EVE JSON lines to a `file`, to unix:PATH or to - instead (repeatable)")
	return cmd
}
