package command

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/report"
)

func newReportViolations() *cobra.Command {
	return reportByPolicy("violations", "Show flows that an egress policy does not allow", `Shows the recorded flows that an egress policy does not allow, and those that it cannot judge with the reason. With --policy the flows are
judged by this policy. Without it the verdicts are those that listen or replay recorded with theirs. Only packets that left an interface are counted. The exit status is 3 if the policy does not allow a flow, and 4 if it allows all that it can
judge and cannot judge others.`,
		`  mirrorsink report violations --policy policy.yaml /var/log/mirrorsink/flows
  mirrorsink report violations --from -24h -o csv flows/`, report.Violations, verdictStatus)
}

// verdictStatus returns the error that stands for the exit status of a row of violations.
func verdictStatus(row []report.Cell) error {
	switch row[0].Text {
	case policy.NotAllowed.String():
		return errFindings
	case policy.Inconclusive.String():
		return errInconclusive
	}
	return nil
}

// foundStatus returns the error that stands for the exit status of an alert.
func foundStatus([]report.Cell) error { return errFindings }

// reportByPolicy makes the command of a report that takes a policy. status returns what stands for the exit status of a row; errFindings is
// more than others.
func reportByPolicy(use, short, long, example string, query func(report.Judgement) *report.Query, status func(row []report.Cell) error) *cobra.Command {
	var (
		opts   reportOptions
		ranges rangesFlag
		file   string
	)
	cmd := &cobra.Command{
		Use: use + " [FILE or folder]...", Short: short, Long: long, Example: example, Args: noEmpty("file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			by, err := judgement(file, ranges)
			if err != nil {
				return err
			}
			var result error
			answer, failures := opts.answer(cmd, files, query(by).Keep(opts.rows, func(row []report.Cell) {
				if found := status(row); found != nil && !errors.Is(result, errFindings) {
					result = found
				}
			}))
			if answer == nil {
				return failures
			}
			return cmp.Or(opts.print(cmd, answer), failures, result)
		},
	}
	opts.addTo(cmd.Flags())
	ranges.addTo(cmd.Flags())
	flags.In(cmd.Flags(), flags.Common).String(&file, "policy", "FILE", `the egress policy; see "help policy-file"`)
	return cmd
}

func newReportExfiltration() *cobra.Command {
	return reportByPolicy("exfiltration", "Show what sources sent beyond the bytes of a policy", `Shows the exfiltration alerts of an egress policy over recorded flows, as listen finds them: payload that a workload sent on flows that it
opened, in a sliding window, by source and destination. Bytes are the most in a window. A record counts at its end, so bytes that were sent
near the edges of a window may be found in another one, by up to the length of a record. Without such an alert in the policy the default
counts, 100kB in 5m. Without --policy the verdicts are those that listen or replay recorded. The exit status is 3 if something was found.`,
		`  mirrorsink report exfiltration --policy policy.yaml /var/log/mirrorsink/flows
  mirrorsink report exfiltration --from -7d -o csv flows/`, report.Exfiltration, foundStatus)
}

func newReportBeacons() *cobra.Command {
	return reportByPolicy("beacons", "Show regular connections, by RITA's score", `Shows the beacon alerts of an egress policy over recorded flows, as listen finds them: sources that connect to a destination regularly, by
the formulas of RITA 5 over a day. Without such an alert in the policy the default counts, a score of 0.8. Without --policy the verdicts are
those that listen or replay recorded; exempt destinations are left out. The exit status is 3 if something was found.`,
		`  mirrorsink report beacons --policy policy.yaml /var/log/mirrorsink/flows
  mirrorsink report beacons --from -2d -o wide flows/`, report.Beacons, foundStatus)
}
