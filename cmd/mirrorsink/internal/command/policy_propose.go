package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/policy/propose"
	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// proposeOptions are the flags of policy propose beside those of reports.
type proposeOptions struct {
	reportOptions
	ranges   rangesFlag
	into     string
	write    bool
	collapse int
	rare     int
}

func newPolicyPropose() *cobra.Command {
	opts := proposeOptions{collapse: propose.Defaults.Collapse, rare: int(propose.Defaults.Rare)}
	cmd := &cobra.Command{
		Use:   "propose [FILE or folder]...",
		Short: "Propose an allow list from recorded flows",
		Long: `Prints a policy that allows what recorded flows show and little else. Each destination has a comment: bytes sent, flows, and the first
and last day. Names below one registered domain become a wildcard once there are enough of them, but never at a public suffix or at a
host that many customers share, such as cloudfront.net. Rare destinations, and addresses that no name explains, stand apart for review.

With --into the workloads and rules of a policy are used: only destinations that it does not allow yet are added, at the end of its allow
list, and its comments stay. The result is printed, or written back with --write.`,
		Example: `  mirrorsink policy propose --from -14d /var/log/mirrorsink/flows > policy.yaml
  mirrorsink policy propose --into policy.yaml --write flows/`,
		RunE: func(cmd *cobra.Command, files []string) error { return opts.run(cmd, files) },
	}
	opts.addTo(cmd.Flags())
	opts.ranges.addTo(cmd.Flags())
	return cmd
}

func (o *proposeOptions) addTo(f *pflag.FlagSet) {
	o.addSelecting(f)
	g := flags.In(f, flags.Common)
	g.String(&o.into, "into", "POLICY", "add to this policy what it does not allow yet")
	g.Bool(&o.write, "write", "with --into: write the policy back instead of printing it")
	g.Int(&o.collapse, "collapse", "N", "names below one registered domain that become a wildcard; 0 for none")
	g.Int(&o.rare, "rare", "N", "set destinations with fewer flows on a single day apart for review")
}

func (o *proposeOptions) run(cmd *cobra.Command, files []string) error {
	switch {
	case o.collapse < 0 || o.collapse == 1:
		return flags.Usagef("--collapse %d: want 2 or more, or 0 for no wildcards", o.collapse)
	case o.rare < 0:
		return flags.Usagef("--rare %d: want 0 or more", o.rare)
	case o.write && o.into == "":
		return flags.Usagef("--write without --into: name the policy to write to")
	}
	by, text, err := o.base()
	if err != nil {
		return err
	}
	answer, failures := o.answer(cmd, files, report.Destinations(by))
	if answer == nil {
		return failures
	}
	rules := propose.Rules(report.Observations(answer.Table), propose.Config{Collapse: o.collapse, Rare: uint64(o.rare)})
	if o.into == "" {
		text = propose.Policy(rules, fmt.Sprintf("Proposed by mirrorsink from %d records, %s to %s.", answer.Counted, report.FormatTime(answer.First), report.FormatTime(answer.Last)))
	} else if text, err = propose.Merge(text, rules); err != nil {
		return fmt.Errorf("%s: %w", o.into, err)
	}
	return errors.Join(failures, o.emit(cmd, text))
}

// base returns what flows are judged by, and the policy's text.
func (o *proposeOptions) base() (by report.Judgement, text []byte, err error) {
	name, text := "", []byte("allow: []")
	if o.into != "" {
		name = o.into
		if text, err = os.ReadFile(name); err != nil {
			return by, nil, err
		}
	}
	if by.Policy, err = egress.Parse(name, text); err == nil {
		by.Services, err = o.ranges.read()
	}
	return by, text, err
}

func (o *proposeOptions) emit(cmd *cobra.Command, text []byte) error {
	if !o.write {
		_, err := cmd.OutOrStdout().Write(text)
		return err
	}
	return replaceFile(o.into, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
