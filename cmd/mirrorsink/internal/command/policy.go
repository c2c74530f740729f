package command

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report"
)

func newPolicy() *cobra.Command {
	return groupOf(&cobra.Command{
		Use:   "policy",
		Short: "Write, test and export an egress policy",
		Long: `An egress policy says which destinations a workload may reach, by name, network or AWS service, and what is to be alerted.
"mirrorsink help policy-file" describes the file. The commands propose one from recorded flows, test it, show what it would block, and translate it for
the controls that enforce it. They read files and print; nothing is changed in AWS.`,
		Example: `  mirrorsink policy propose flows/ > policy.yaml
  mirrorsink policy check policy.yaml
  mirrorsink policy simulate policy.yaml flows/`,
	}, newPolicyCheck(), newPolicyExplain(), newPolicyPropose(), newPolicySimulate(), newPolicyExport(), newPolicyCost())
}

// rangesFlag is the flag for AWS's address ranges.
type rangesFlag struct{ file string }

func (r *rangesFlag) addTo(f *pflag.FlagSet) {
	flags.In(f, flags.AWS).String(&r.file, "aws-ip-ranges", "FILE", "AWS's ip-ranges.json, for destinations such as aws:S3")
}

// read returns the ranges; nil if the flag is not given.
func (r *rangesFlag) read() (*flowlog.Services, error) {
	if r.file == "" {
		return nil, nil
	}
	f, err := os.Open(r.file)
	if err != nil {
		return nil, fmt.Errorf("--aws-ip-ranges: %w", err)
	}
	defer f.Close()
	services, err := flowlog.ReadServices(f)
	if err != nil {
		return nil, fmt.Errorf("--aws-ip-ranges %s: %w", r.file, err)
	}
	return services, nil
}

// readJudgement reads a policy, and the ranges if they are given.
func readJudgement(file string, ranges rangesFlag) (by report.Judgement, err error) {
	if by.Policy, err = egress.Read(file); err != nil {
		return by, err
	}
	by.Services, err = ranges.read()
	return by, err
}

// judgement reads the policy of a report; without one the report takes the recorded verdicts.
func judgement(file string, ranges rangesFlag) (report.Judgement, error) {
	if file == "" {
		return report.Judgement{}, nil
	}
	return readJudgement(file, ranges)
}
