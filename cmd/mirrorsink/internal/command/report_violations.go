package command

import (
	"cmp"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/report"
)

func newReportViolations() *cobra.Command {
	var (
		opts   reportOptions
		ranges rangesFlag
		file   string
	)
	cmd := &cobra.Command{
		Use:   "violations [FILE or folder]...",
		Short: "Show flows that an egress policy does not allow",
		Long: `Shows the recorded flows that an egress policy does not allow, and those that it cannot judge with the reason. With --policy the flows are
judged by this policy. Without it the verdicts are those that listen or replay recorded with theirs. Only packets that left an interface are counted. The exit status is 3 if the policy does not allow a flow, and 4 if it allows all that it can
judge and cannot judge others.`,
		Example: `  mirrorsink report violations --policy policy.yaml /var/log/mirrorsink/flows
  mirrorsink report violations --from -24h -o csv flows/`,
		RunE: func(cmd *cobra.Command, files []string) error {
			by, err := judgement(file, ranges)
			if err != nil {
				return err
			}
			rows := opts.rows
			answer, failures := opts.answer(cmd, files, report.Violations(by, 0))
			if answer == nil {
				return failures
			}
			status := verdictStatus(answer.Table)
			answer.Table.Cut(rows)
			return cmp.Or(opts.print(cmd, answer), failures, status)
		},
	}
	opts.addTo(cmd.Flags())
	ranges.addTo(cmd.Flags())
	flags.In(cmd.Flags(), flags.Common).String(&file, "policy", "FILE", `the egress policy; see "help policy-file"`)
	return cmd
}

// verdictStatus returns the error that stands for the exit status of a table of violations.
func verdictStatus(t *report.Table) error {
	var status error
	for _, row := range t.Rows {
		switch row[0].Text {
		case policy.NotAllowed.String():
			return errFindings
		case policy.Inconclusive.String():
			status = errInconclusive
		}
	}
	return status
}
