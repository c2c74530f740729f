package command

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/controls"
)

// exportOptions are the flags of policy export.
type exportOptions struct {
	as       flags.Choice
	workload string
	name     string
	home     []string
	ranges   rangesFlag
	quiet    bool
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

Destinations that a control cannot hold are left out and listed on standard error, with what a person must know; no rule is widened
without a note. Names in a policy are host names, so that nothing has to be escaped.`,
		Example: `  mirrorsink policy export policy.yaml --as network-firewall-rules \
    --workload web --home-net 10.0.0.0/16 > group.json
  aws network-firewall create-rule-group --cli-input-json file://group.json
  mirrorsink policy export policy.yaml --as dns-firewall > domains.txt`,
		Args: exactly(1, "one policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.as.Word == "" {
				return flags.Usagef("--as is missing: want %s", flags.Alternatives(opts.as.Words))
			}
			p, err := egress.Read(args[0])
			if err != nil {
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
	if _, err := cmd.OutOrStdout().Write(r.Text); err != nil {
		return err
	}
	if o.quiet {
		return nil
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%d rules; %d destinations left out\n", r.Rules, len(r.LeftOut))
	for _, l := range r.LeftOut {
		fmt.Fprintln(cmd.ErrOrStderr(), "left out:", l)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), "note:", n)
	}
	return nil
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
