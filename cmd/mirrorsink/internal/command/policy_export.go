package command

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/controls"
	"github.com/mirrorsink/mirrorsink/inspect/policy/controls/live"
	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// exportOptions are the flags of policy export.
type exportOptions struct {
	as       flags.Choice
	workload string
	name     string
	home     []string
	ranges   rangesFlag
	quiet    bool
	diff     string // a file or a group in AWS; "" to print the export
	aws      live.Options
}

func newPolicyExport() *cobra.Command {
	opts := exportOptions{as: flags.Choice{Words: controls.Names()}, name: "egress"}
	var formats []string
	for _, f := range controls.Formats {
		formats = append(formats, "  "+f.Name+": "+f.Doc)
	}
	cmd := &cobra.Command{
		Use:   "export POLICY --as FORMAT",
		Short: "Translate a policy for a control that enforces it",
		Long: `Prints a policy in the language of a control:

` + strings.Join(formats, "\n") + `

With --diff it prints how a group differs from the policy instead: lines with - are only in the group, lines with + only in the policy. The
group is a file with an earlier export or with what AWS's command line printed (describe-rule-group, list-firewall-domains,
describe-security-groups), or it is asked for by its ARN or ID: a stateful rule group, a domain list (rslvr-fdl-...), a security group
(sg-...). The exit status is 3 if there are differences, and 0 if there are none.

Destinations that a control cannot hold are left out and listed on standard error, with what a person must know; no rule is widened
without a note. Names in a policy are host names, so that nothing has to be escaped.`,
		Example: `  mirrorsink policy export policy.yaml --as network-firewall-rules \
    --workload web --home-net 10.0.0.0/16 > group.json
  aws network-firewall create-rule-group --cli-input-json file://group.json
  mirrorsink policy export policy.yaml --as dns-firewall > domains.txt
  mirrorsink policy export policy.yaml --as dns-firewall \
    --diff rslvr-fdl-0123456789abcdef`,
		Args: exactly(1, "one policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.as.Word == "" {
				return flags.Usagef("--as is missing: want %s", flags.Alternatives(opts.as.Words))
			}
			p, err := egress.Read(args[0])
			if err != nil {
				return err
			}
			if err := opts.checkDiff(); err != nil {
				return err
			}
			return opts.run(cmd, p)
		},
	}
	g := flags.In(cmd.Flags(), flags.Common)
	g.Var(&opts.as, "as", "FORMAT", "the language of the control")
	g.String(&opts.workload, "workload", "NAME", "export the rules of this workload; otherwise those of all together")
	g.String(&opts.name, "name", "NAME", "name of the rule group or policy")
	g.Strings(&opts.home, "home-net", "CIDR", "a network of the workloads, for Network Firewall (repeatable)")
	opts.ranges.addTo(cmd.Flags())
	g.String(&opts.diff, "diff", "FILE|ARN|ID", "print how this group differs from the policy; exit with 3 if it does")
	g.String(&opts.aws.Region, "region", "REGION", "region of a group in AWS; otherwise that of its ARN, AWS_REGION or the instance")
	g.String(&opts.aws.Profile, "profile", "NAME", "profile of ~/.aws for --diff; otherwise AWS_PROFILE")
	g.Bool(&opts.quiet, "quiet", "print no notes")
	return cmd
}

func (o *exportOptions) run(cmd *cobra.Command, p *policy.Policy) error {
	options, err := o.options(p)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(controls.Formats, func(f controls.Format) bool { return f.Name == o.as.Word })
	r, err := controls.Formats[at].Make(p, options)
	if err != nil {
		return err
	}
	if o.diff == "" {
		_, err = cmd.OutOrStdout().Write(r.Text)
	} else {
		err = o.compare(cmd, r.Text)
	}
	if o.quiet || err != nil && !errors.Is(err, errFindings) {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%d rules; %d destinations left out\n", r.Rules, len(r.LeftOut))
	for _, l := range r.LeftOut {
		fmt.Fprintln(cmd.ErrOrStderr(), "left out:", l)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), "note:", n)
	}
	return err
}

func (o *exportOptions) options(p *policy.Policy) (controls.Options, error) {
	options := controls.Options{Workload: o.workload, Name: o.name}
	if o.workload != "" && !p.HasWorkload(o.workload) {
		return options, flags.Usagef("--workload %s: the policy has no such workload", quoted(o.workload))
	}
	for _, text := range o.home {
		network, err := netip.ParsePrefix(text)
		if err != nil || network != network.Masked() {
			return options, flags.Usagef("--home-net %s: want a network such as 10.0.0.0/16", quoted(text))
		}
		options.HomeNet = append(options.HomeNet, network)
	}
	services, err := o.ranges.read()
	if services != nil {
		options.Ranges = services.Networks
	}
	return options, err
}

// checkDiff reports a combination of flags that cannot be.
func (o *exportOptions) checkDiff() error {
	if o.diff == "" {
		if o.aws != (live.Options{}) {
			return flags.Usagef("--region and --profile are for --diff")
		}
		return nil
	}
	g, ok := live.Parse(o.diff)
	switch {
	case ok && !g.Holds(o.as.Word):
		return flags.Usagef("--diff %s: this is no group for --as %s", quoted(o.diff), o.as.Word)
	case !ok && strings.HasPrefix(o.diff, "arn:"):
		return flags.Usagef("--diff %s: want the ARN of a stateful rule group, a domain list of DNS Firewall or a security group", quoted(o.diff))
	}
	return nil
}

// compare prints how a group differs from the export. Its error is errFindings if it does.
func (o *exportOptions) compare(cmd *cobra.Command, export []byte) (err error) {
	var group []byte
	if g, ok := live.Parse(o.diff); ok {
		group, err = g.Read(cmd.Context(), o.aws)
	} else {
		group, err = os.ReadFile(o.diff)
	}
	if err != nil {
		return fmt.Errorf("--diff: %w", err)
	}
	d, err := controls.Compare(o.as.Word, group, export)
	if err != nil {
		return fmt.Errorf("--diff %s: %w", o.diff, err)
	}
	for _, e := range d.Group {
		fmt.Fprintln(cmd.OutOrStdout(), "-", report.Printable(e))
	}
	for _, e := range d.Policy {
		fmt.Fprintln(cmd.OutOrStdout(), "+", report.Printable(e))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d only in the group, %d only in the policy, %d in both\n", len(d.Group), len(d.Policy), d.Same)
	if !d.Equal() {
		return errFindings
	}
	return nil
}
