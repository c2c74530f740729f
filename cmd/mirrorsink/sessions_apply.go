package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// applyWorkers is how many calls are made at the same time. EC2 takes some five mutating calls a second after a burst of
// fifty; more callers than a few only wait.
const applyWorkers = 8

func newApply() *cobra.Command {
	var opts specOptions
	dryRun := false
	cmd := &cobra.Command{
		Use:   "apply -f SPEC",
		Short: "Make what there is what the spec says",
		Long: `Does what plan shows, in the order target, filter, rules, network services, sessions; what is not wanted any more goes in the
order sessions, rules, filters, targets. It stops at the first change that needs a person, and says what is done and what
is not. Running it again finishes the job.

With --dry-run EC2 is only asked whether it would allow each change. What depends on something that is not there yet cannot
be asked.`,
		Example: `  mirrorsink sessions apply -f mirror.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.checkPrice(); err != nil {
				return err
			}
			return apply(cmd, opts, dryRun)
		},
	}
	opts.addTo(cmd.Flags())
	opts.addPrice(cmd.Flags())
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only ask EC2 whether it would allow each change")
	return cmd
}

// apply is the command.
func apply(cmd *cobra.Command, opts specOptions, dryRun bool) error {
	a, err := opts.read(cmd)
	if err != nil {
		return err
	}
	p, err := sessions.Diff(a.spec, a.state)
	if err != nil {
		return err
	}
	if err := refused(p); err != nil {
		return err
	}
	stdout := cmd.OutOrStdout()
	for _, text := range p.Warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", text)
	}
	if err := carryOut(cmd.Context(), a.client, p, dryRun, stdout); err != nil {
		return err
	}
	if !dryRun {
		fmt.Fprintf(stdout, "%s.\n", sessions.CostOf(p.Sessions, opts.price))
	}
	return nil
}

// carryOut applies a plan and says what becomes of each change. An error has a line for what failed, and one for how far it
// came.
func carryOut(ctx context.Context, api sessions.Changer, p *sessions.Plan, dryRun bool, out io.Writer) error {
	if p.Empty() {
		fmt.Fprintln(out, "Nothing to do.")
		return nil
	}
	applier := sessions.Applier{API: api, Nonce: sessions.NewNonce(), DryRun: dryRun, Workers: applyWorkers,
		Report: func(o sessions.Outcome) { fmt.Fprintln(out, o.String()) }}
	result, err := applier.Apply(ctx, p)
	if err == nil {
		return nil
	}
	var errs []error
	for _, o := range result.Failed {
		errs = append(errs, o.Err)
	}
	if errors.Is(err, context.Canceled) {
		errs = append(errs, errors.New("interrupted"))
	}
	for _, c := range result.Left {
		fmt.Fprintf(out, "not begun: %s\n", c)
	}
	if dryRun {
		text := fmt.Sprintf("of %d changes EC2 would refuse %d, and was not asked about %d", len(p.Changes), len(result.Failed), len(result.Left))
		return errors.Join(append(errs, errors.New(text))...)
	}
	text := fmt.Sprintf("%d changes done, %d failed, %d not begun; run it again to finish", len(result.Done), len(result.Failed), len(result.Left))
	return errors.Join(append(errs, errors.New(text))...)
}
