package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/sink"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

func newPolicyCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check POLICY",
		Short: "Check a policy and run its tests",
		Long: `Reads a policy and reports every mistake with its line, then runs the flows under "tests:" and reports those whose verdict is
another one than wanted, and rules and workloads without effect. The exit status is 1 for a mistake, 3 for a test that fails, and 0
otherwise: remarks do not change it.`,
		Example: `  mirrorsink policy check policy.yaml`,
		Args:    exactly(1, "one policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer sink.LimitHeap(checkHeap)()
			p, err := egress.Read(args[0])
			if err != nil {
				return err
			}
			return printFindings(cmd, p)
		},
	}
}

// checkHeap is the memory from which on garbage is collected sooner. The tree of a proposal for a thousand workloads, a file of 40 MB,
// takes 300 MB.
const checkHeap = 400 * flags.MiB

// printFindings prints the findings of a policy.
func printFindings(cmd *cobra.Command, p *policy.Policy) error {
	failed := 0
	for _, f := range p.Check() {
		kind := "note"
		if f.Fail {
			kind = "fail"
			failed++
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s:%d:%d: %s: %s\n", p.File, f.At.Line, f.At.Column, kind, f.Text)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d workloads, %d rules, %d alerts; %d of %d tests hold\n",
		len(p.Workloads), len(p.Allow), len(p.Alerts), len(p.Tests)-failed, len(p.Tests))
	if failed > 0 {
		return errFindings
	}
	return nil
}
