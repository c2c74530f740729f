package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/apply"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/sessions"
)

func newApply() *cobra.Command {
	var opts specOptions
	dryRun := false
	cmd := &cobra.Command{
		Use:   "apply -f SPEC",
		Short: "Change the account to match the spec",
		Long: `Makes the changes that plan shows: target, filter, rules, network services, sessions; then it deletes unwanted sessions, rules, filters
and targets, in this order. It stops at the first change that needs a person and reports which changes are done and which are
not. Run it again to finish.

With --dry-run it only asks EC2 whether each change would be allowed. Changes that depend on objects that do not exist yet cannot be
asked about.`,
		Example: `  mirrorsink sessions apply -f mirror.yaml`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.checkPrice(); err != nil {
				return err
			}
			return runApply(cmd, opts, dryRun)
		},
	}
	opts.addTo(cmd.Flags())
	opts.addLoop(cmd.Flags())
	opts.addPrice(cmd.Flags())
	flags.In(cmd.Flags(), flags.Common).Bool(&dryRun, "dry-run", "only ask EC2 whether it would allow each change")
	return cmd
}

// runApply is the command.
func runApply(cmd *cobra.Command, opts specOptions, dryRun bool) error {
	a, p, err := opts.diff(cmd)
	if err != nil {
		return err
	}
	if err := apply.Refused(p); err != nil {
		return err
	}
	stdout := cmd.OutOrStdout()
	for _, text := range p.Warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", text)
	}
	if err := apply.Run(cmd.Context(), a.client, p, dryRun, stdout); err != nil {
		return err
	}
	if !dryRun {
		fmt.Fprintf(stdout, "%s.\n", sessions.CostOf(p.Sessions, opts.price))
	}
	return nil
}
