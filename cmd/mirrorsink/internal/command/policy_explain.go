package command

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/controls"
)

func newPolicyExplain() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "explain POLICY --from WORKLOAD --to HOST:PORT",
		Short: "Show which rule decides about a destination",
		Long: `Shows the verdict of a policy for one destination, the rule that decides, and what each control that enforces the policy would do.
The flow is taken to be seen whole: a name is both looked up and asked for over TLS. udp/ in front of the destination makes it one of
UDP. The exit status is 3 if the policy does not allow the destination.`,
		Example: `  mirrorsink policy explain policy.yaml --from web --to www.example.com:443
  mirrorsink policy explain policy.yaml --to udp/192.0.2.1:53`,
		Args: exactly(1, "one policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to == "" {
				return flags.Usagef("--to is missing: want host:port, such as www.example.com:443")
			}
			p, err := egress.Read(args[0])
			if err != nil {
				return err
			}
			f, err := flowTo(p, from, to)
			if err != nil {
				return err
			}
			return explain(cmd.OutOrStdout(), p, f)
		},
	}
	g := flags.In(cmd.Flags(), flags.Common)
	g.String(&from, "from", "WORKLOAD", "the workload that opens the flow")
	g.String(&to, "to", "HOST:PORT", "the destination: a name or an address, and a port")
	return cmd
}

// flowTo returns the facts of a flow from a workload to a destination.
func flowTo(p *policy.Policy, from, to string) (*policy.Flow, error) {
	switch {
	case from == "" && len(p.Workloads) > 0:
		return nil, flags.Usagef("--from is missing: name a workload of the policy")
	case from != "" && !p.HasWorkload(from):
		return nil, flags.Usagef("--from %s: the policy has no such workload", quoted(from))
	}
	f := &policy.Flow{Source: policy.Source{Workload: from}, Opened: policy.OpenedHere, Services: true, App: "tls"}
	name, addr, protocol, port, err := policy.ParseEndpoint(to)
	if err != nil {
		return nil, flags.Usagef("--to: %w", err)
	}
	f.Addr, f.Protocol, f.Port = addr, protocol, port
	if name != "" {
		f.Names = policy.Names{SNI: name, Lookups: []string{name}}
	}
	return f, nil
}

func explain(w io.Writer, p *policy.Policy, f *policy.Flow) error {
	v := p.Decide(f)
	fmt.Fprintln(w, v.Explain())
	for i := range p.Allow {
		if r := &p.Allow[i]; r.Name == v.Rule {
			fmt.Fprintf(w, "%s:%d: %s\n", p.File, r.At.Line, r.Name)
		}
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range controls.Controls {
		o := c.Judge(p, f)
		word := "block"
		if o.Passes {
			word = "pass"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", c.Name, word, o.Why)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if v.Kind == policy.NotAllowed {
		return errFindings
	}
	return nil
}
