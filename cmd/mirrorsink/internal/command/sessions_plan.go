package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/sessions"
)

func newPlan() *cobra.Command {
	var opts specOptions
	probe := false
	cmd := &cobra.Command{
		Use:   "plan -f SPEC",
		Short: "Show the changes that apply would make",
		Long: `Reads the account, compares it with the spec, and shows a line for each change: + for an object to create, ~ to modify, - to delete.
It writes nothing. The exit status is 0 if there is nothing to do and 3 if there are changes; changes that AWS would refuse are
reported with status 1.

With --probe it asks EC2, by a DryRun of each new session, which interfaces it would refuse. The target and the filter must exist
already. Answers are kept for a day in the user's cache folder.`,
		Example: `  mirrorsink sessions plan -f mirror.yaml
  mirrorsink sessions plan -f mirror.yaml --probe -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.checkPrice(); err != nil {
				return err
			}
			return runPlan(cmd, opts, probe)
		},
	}
	opts.addTo(cmd.Flags())
	opts.addLoop(cmd.Flags())
	opts.addOutput(cmd.Flags(), "text")
	opts.addPrice(cmd.Flags())
	flags.In(cmd.Flags(), flags.Common).Bool(&probe, "probe", "ask EC2 which of the new sources it would refuse")
	return cmd
}

// runPlan is the command.
func runPlan(cmd *cobra.Command, opts specOptions, probe bool) error {
	a, p, err := opts.diff(cmd)
	if err != nil {
		return err
	}
	if probe {
		if err := a.probe(cmd.Context(), p); err != nil {
			return err
		}
	}
	print := p.Print
	if opts.output.Word == "json" {
		print = p.PrintJSON
	}
	if err := print(cmd.OutOrStdout(), opts.price); err != nil {
		return err
	}
	switch {
	case len(p.Refusals) > 0:
		return errors.New("AWS would refuse this plan: correct the refused changes first")
	case !p.Empty():
		return errFindings
	}
	return nil
}

// probe adds to the plan which interfaces cannot be mirrored.
func (a *loadedSpec) probe(ctx context.Context, p *sessions.Plan) error {
	prober := sessions.Prober{API: a.client, Now: time.Now}
	if dir, err := os.UserCacheDir(); err == nil {
		prober.Cache = filepath.Join(dir, "mirrorsink", "probe.json")
	}
	refused, unasked, err := prober.Probe(ctx, p)
	if errors.Is(err, sessions.ErrNotKept) {
		p.Warnings = append(p.Warnings, err.Error())
		err = nil
	}
	p.Unmirrorable = refused
	if unasked > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("not probed, since their target or filter is not there yet: %d of the new sessions; apply first, or name a target by its id", unasked))
	}
	return err
}
