package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
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
	imports  []string // files of others
	workload string   // of what they have no source of
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
list, and its comments stay. The result is printed, or written back with --write.

With --import names come from what others have seen, alone or beside records: the traffic analysis report of Network Firewall (CSV, or the
output of "aws network-firewall get-analysis-report-results"), the domains that DNS Firewall has observed ("aws route53resolver
list-firewall-rule-domains"), and query logs of Route 53 Resolver. The kind is seen from the content. They have no bytes; lookups have no
ports either, so that a name which no record has is allowed on all ports: look at those. Names that were blocked, denied or do not exist
are left out.`,
		Example: `  mirrorsink policy propose --from -14d /var/log/mirrorsink/flows > policy.yaml
  mirrorsink policy propose --into policy.yaml --write flows/
  mirrorsink policy propose --into policy.yaml --import report.csv \
    --import-workload web`,
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
	g.Strings(&o.imports, "import", "FILE", "take names from a traffic analysis report, a list of observed domains or a query log (repeatable)")
	g.String(&o.workload, "import-workload", "NAME", "the workload of names that are imported without their source")
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
	imported, from, err := o.importAll(cmd, by.Policy)
	if err != nil {
		return err
	}
	var seen propose.Seen
	for i := range imported {
		seen.Add(&imported[i])
	}
	failures := error(nil)
	if len(files) > 0 || len(o.imports) == 0 {
		var answer *report.Answer
		if answer, failures = o.answer(cmd, files, report.Destinations(by, seen.Add)); answer == nil {
			return failures
		}
		from = append(from, fmt.Sprintf("%d records, %s to %s", answer.Counted, report.FormatTime(answer.First), report.FormatTime(answer.Last)))
	}
	rules := seen.Rules(propose.Config{Collapse: o.collapse, Rare: uint64(o.rare)})
	if o.into == "" {
		text = propose.Policy(rules, "Proposed by mirrorsink from "+strings.Join(from, " and ")+".")
	} else if text, err = propose.Merge(text, rules); err != nil {
		return fmt.Errorf("%s: %w", o.into, err)
	}
	return errors.Join(failures, o.emit(cmd, text))
}

// importAll reads what others have seen. from says how much it is.
func (o *proposeOptions) importAll(cmd *cobra.Command, p *policy.Policy) (seen []propose.Observation, from []string, err error) {
	switch {
	case o.workload != "" && len(o.imports) == 0:
		return nil, nil, flags.Usagef("--import-workload is for --import")
	case o.workload != "" && !p.HasWorkload(o.workload):
		return nil, nil, flags.Usagef("--import-workload %s: the policy of --into has no such workload", quoted(o.workload))
	case len(o.imports) == 0:
		return nil, nil, nil
	}
	m := &propose.Importer{Policy: p, Workload: o.workload}
	for _, name := range o.imports {
		f, err := os.Open(name)
		if err == nil {
			err = errors.Join(m.Read(f), f.Close())
		}
		if err != nil {
			return nil, nil, fmt.Errorf("--import %s: %w", name, err)
		}
	}
	if c := m.Counts; !o.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "imported: %d rows: %d taken, %d allowed already, %d without a name, %d blocked, denied or no lookups of addresses, %d of no known workload\n",
			c.Rows, c.Taken, c.Allowed, c.NoName, c.Unusual, c.NoSource)
	}
	return m.Observations(), []string{fmt.Sprintf("%d imported rows", m.Counts.Rows)}, nil
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
