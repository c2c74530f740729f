package command

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/controls"
	"github.com/mirrorsink/mirrorsink/inspect/report"
)

func newPolicySimulate() *cobra.Command {
	var (
		opts     reportOptions
		ranges   rangesFlag
		eachFlow bool
	)
	cmd := &cobra.Command{
		Use:   "simulate POLICY [FILE or folder]...",
		Short: "Show what a policy would have blocked",
		Long: `Judges recorded flows by a policy, and shows for each workload and destination the verdict and what each control that enforces the
policy would do: security groups, DNS Firewall, Network Firewall by SNI, the same with validation of resolved addresses, and a proxy. A
summary says what each control blocks although the policy allows it, and passes although the policy does not. The exit status is 3 if
the policy does not allow a flow.

A DNS Firewall with inspection of redirections wants every name of a CNAME chain on its list. Records have the name that was asked for,
so that a break by a chain is not found here.`,
		Example: `  mirrorsink policy simulate policy.yaml /var/log/mirrorsink/flows
  mirrorsink policy simulate policy.yaml --where 'instance_id != ""' -o json \
    flows/`,
		Args: atLeastOne("policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := readJudgement(args[0], ranges)
			if err != nil {
				return err
			}
			query := report.Simulation(by, eachFlow)
			s := newVerdictSums(query.Columns())
			answer, err := opts.answer(cmd, args[1:], query.Keep(opts.rows, s.add))
			if answer == nil {
				return err
			}
			if err := cmp.Or(opts.print(cmd, answer), err); err != nil {
				return err
			}
			if !opts.quiet && opts.output.Word != "json" && opts.output.Word != "csv" {
				s.print(cmd.OutOrStdout())
			}
			if s.verdicts[policy.NotAllowed.String()].flows > 0 {
				return errFindings
			}
			return nil
		},
	}
	opts.addTo(cmd.Flags())
	ranges.addTo(cmd.Flags())
	flags.In(cmd.Flags(), flags.Common).Bool(&eachFlow, "each-flow", "a row for each flow with its community ID, as the log of a control has it")
	return cmd
}

// verdictSums sums a simulation by verdict, and by what controls do against the policy.
type verdictSums struct {
	verdicts map[string]traffic
	breaks   map[string]traffic // by control: allowed and blocked
	misses   map[string]traffic // by control: not allowed and passed

	verdict, flows, bytes int // columns
	controls              []int
}

type traffic struct{ destinations, flows, bytes int64 }

func (t traffic) plus(flows, bytes int64) traffic {
	return traffic{t.destinations + 1, t.flows + flows, t.bytes + bytes}
}

func (t traffic) String() string {
	return fmt.Sprintf("%d destinations, %d flows, %s", t.destinations, t.flows, report.FormatBytes(t.bytes))
}

func newVerdictSums(columns []report.Column) *verdictSums {
	s := &verdictSums{verdicts: map[string]traffic{}, breaks: map[string]traffic{}, misses: map[string]traffic{}}
	at := func(name string) int {
		return slices.IndexFunc(columns, func(c report.Column) bool { return c.Name == name })
	}
	s.verdict, s.flows, s.bytes = at("verdict"), at("flows"), at("bytes")
	for _, c := range controls.Controls {
		s.controls = append(s.controls, at(c.Name))
	}
	return s
}

// add counts a row.
func (s *verdictSums) add(row []report.Cell) {
	word, f, b := row[s.verdict].Text, row[s.flows].Num, row[s.bytes].Num
	count := func(sums map[string]traffic, of string) { sums[of] = sums[of].plus(f, b) }
	count(s.verdicts, policy.KindOf(word).String()) // not a part of a key, which would stay
	for i, c := range controls.Controls {
		switch does := row[s.controls[i]].Text; {
		case word == policy.Allowed.String() && does == report.ControlBlocks:
			count(s.breaks, c.Name)
		case word == policy.NotAllowed.String() && does == report.ControlPasses:
			count(s.misses, c.Name)
		}
	}
}

func (s *verdictSums) print(w io.Writer) {
	fmt.Fprintln(w)
	for _, k := range []policy.Kind{policy.Allowed, policy.NotAllowed, policy.Inconclusive} {
		fmt.Fprintf(w, "%s: %v\n", k, s.verdicts[k.String()])
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nCONTROL\tBLOCKS WHAT THE POLICY ALLOWS\tPASSES WHAT IT DOES NOT")
	for _, c := range controls.Controls {
		fmt.Fprintf(tw, "%s\t%v\t%v\n", c.Name, s.breaks[c.Name], s.misses[c.Name])
	}
	tw.Flush()
}
