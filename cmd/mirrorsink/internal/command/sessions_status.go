package command

import (
	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/sessions"
)

func newStatus() *cobra.Command {
	var opts specOptions
	cmd := &cobra.Command{
		Use:   "status -f SPEC",
		Short: "Show each session and its differences from the spec",
		Long: `Shows each session that the spec's owner has or the spec wants: its interface and instance, their state, its target, and its
differences from the spec; and changes that AWS would refuse. The exit status is 3 if there is a difference.`,
		Example: `  mirrorsink sessions status -f mirror.yaml
  mirrorsink sessions status -f mirror.yaml -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runStatus(cmd, opts)
		},
	}
	opts.addTo(cmd.Flags())
	opts.addOutput(cmd.Flags(), "table")
	return cmd
}

// runStatus is the command.
func runStatus(cmd *cobra.Command, opts specOptions) error {
	a, p, err := opts.diff(cmd)
	if err != nil {
		return err
	}
	report := sessions.StatusOf(a.state, p)
	print := report.Print
	if opts.output.Word == "json" {
		print = report.PrintJSON
	}
	if err := print(cmd.OutOrStdout()); err != nil {
		return err
	}
	if !p.Empty() || len(p.Refusals) > 0 {
		return errFindings
	}
	return nil
}
