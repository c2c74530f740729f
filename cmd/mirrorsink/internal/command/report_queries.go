package command

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// reportCommand makes the command of a report without parameters of its own.
func reportCommand(use, short, long, example string, query func(rows int) *report.Query) *cobra.Command {
	var opts reportOptions
	cmd := &cobra.Command{
		Use:     use + " [FILE or folder]...",
		Short:   short,
		Long:    long,
		Example: example,
		Args:    noEmpty("file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			return opts.run(cmd, files, query(opts.rows))
		},
	}
	opts.addTo(cmd.Flags())
	return cmd
}

func newReportTop() *cobra.Command {
	var (
		opts   reportOptions
		by     = flags.ChoiceOf("bytes", "packets", "flows")
		groups = []string{"name"}
	)
	cmd := &cobra.Command{
		Use:   "top [FILE or folder]...",
		Short: "Show the groups with the most bytes, packets or flows",
		Long: `Shows the groups of records with the most bytes, packets or flows. A flow counts once for each direction and aggregation window,
like count(*) over VPC Flow Logs. The address is that of the remote end, the port that of the server, and the domain the registrable
domain of the name.

A connection that two mirrored interfaces recorded counts once, with the records of the client's interface, which have the name. Grouped
by interface or instance it counts for each of them, and once in the total.`,
		Example: `  mirrorsink report top /var/log/mirrorsink/flows
  mirrorsink report top --by packets --group instance --group domain AWSLogs/
  mirrorsink report top --group address --from -24h \
    --where 'not private(address)' *.log.gz
  mirrorsink replay --flowlog - --flowlog-format all capture.pcap |
    mirrorsink report top -`,
		Args: noEmpty("file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			for i, name := range groups {
				if !slices.Contains(report.GroupColumns, name) {
					return flags.Usagef("--group %s: want one of %s", name, strings.Join(report.GroupColumns, ", "))
				}
				if slices.Contains(groups[:i], name) {
					return flags.Usagef("--group %s: given twice", name)
				}
			}
			query, err := report.Top(by.Word, groups, opts.rows)
			if err != nil {
				return flags.Usagef("%w", err)
			}
			return opts.run(cmd, files, query)
		},
	}
	f := cmd.Flags()
	opts.addTo(f)
	g := flags.In(f, flags.Common)
	g.Var(&by, "by", "MEASURE", "order by bytes, packets or flows")
	g.Strings(&groups, "group", "COLUMN", "group by name, domain, address, port, eni, instance, vpc or app-proto (repeatable)")
	flags.Suggest(f, "group", "name", "domain", "address", "port", "eni", "instance", "vpc", "app-proto")
	return cmd
}

func newReportManagement() *cobra.Command {
	return reportCommand("management", "Show traffic that leaves to management ports", `Shows, by interface, the traffic that leaves to ports below 1024 and to management ports above, such as 3389, 5985 and 6443: the
question of the example in AWS's documentation, with names. Answers of servers are excluded.`,
		`  mirrorsink report management /var/log/mirrorsink/flows
  mirrorsink report management --where 'dstport not in [80, 443]' AWSLogs/`, report.Management)
}

func newReportUnanswered() *cobra.Command {
	return reportCommand("unanswered", "Show connection attempts without an answer", `Shows packets that were sent without an answer. A mirror does not carry inbound packets that a security group or network ACL dropped, so
it has no REJECT; a missing answer is the visible effect. REJECT records of VPC Flow Logs are counted separately.`,
		`  mirrorsink report unanswered /var/log/mirrorsink/flows
  mirrorsink report unanswered --from -1h -o json flows/ AWSLogs/`, report.Unanswered)
}

func newReportDirect() *cobra.Command {
	return reportCommand("direct", "Show flows made straight to an address", `Shows flows to addresses that the client has from no DNS answer, by reason: no_lookup, lookup_expired or doh_suspected, which
"mirrorsink help hints" explains. Only mirrorsink's own records have it.`,
		`  mirrorsink report direct /var/log/mirrorsink/flows
  mirrorsink report direct flows/ \
    --where 'direct_to_address == "no_lookup" and not private(address)'`, report.Direct)
}

func newReportInitiators() *cobra.Command {
	return reportCommand("initiators", "Show which client opens connections to which server, with the evidence", `Shows which client, by instance and interface where it is mirrored, opened connections to which server. Only mirrorsink's
own records have it. Bytes and packets are those that the client sent.`,
		`  mirrorsink report initiators /var/log/mirrorsink/flows
  mirrorsink report initiators --where 'port == 5432' flows/`, report.Initiators)
}

func newReportNames() *cobra.Command {
	return reportCommand("names", "Show the names of each instance", `Shows the names that each instance used as client, or was asked for as server, with the first and last time. An unknown instance is
shown by its interface or address.`,
		`  mirrorsink report names /var/log/mirrorsink/flows
  mirrorsink report names -n 0 -o csv flows/ \
    --where 'instance_id == "i-0a1b2c3d4e5f60718"'`, report.Names)
}

func newReportNew() *cobra.Command {
	var (
		opts  reportOptions
		since []string
	)
	cmd := &cobra.Command{
		Use:   "new --since FILE [FILE or folder]...",
		Short: "Show names that earlier records do not have",
		Long: `Shows the names of each instance that the files have and the earlier files of --since do not. --where applies to both, --from and --to
to the later files only.`,
		Example: `  mirrorsink report new --since flows/day=24 flows/day=25
  mirrorsink report new --since baseline.parquet today.parquet \
    --where 'direct_to_address == ""'`,
		Args: noEmpty("file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(since) == 0 {
				return flags.Usagef("--since is missing: name a file or folder of earlier records")
			}
			return opts.run(cmd, files, report.New(since, opts.rows))
		},
	}
	opts.addTo(cmd.Flags())
	flags.In(cmd.Flags(), flags.Common).Strings(&since, "since", "FILE", "a file or folder of earlier records (repeatable)")
	return cmd
}

func newReportNAT() *cobra.Command {
	var (
		opts    reportOptions
		gateway []string
	)
	cmd := &cobra.Command{
		Use:   "nat --nat-logs FILE [FILE or folder]...",
		Short: "Show who was behind a NAT gateway",
		Long: `Joins the flow logs of a NAT gateway, in which every flow has the gateway's address, with the records of mirrored instances: by protocol,
destination, destination port and time, and by packets and bytes where several instances used the same server. Each flow has a
certainty: unique (by its bytes, or because there is one candidate), several, or none.

--where, --from and --to apply to the records of instances.`,
		Example: `  mirrorsink report nat --nat-logs AWSLogs/111122223333/vpcflowlogs/ \
    /var/log/mirrorsink/flows
  mirrorsink report nat --nat-logs nat.log.gz -n 0 -o csv flows/`,
		Args: noEmpty("file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(gateway) == 0 {
				return flags.Usagef("--nat-logs is missing: name a file or folder of the gateway's flow logs")
			}
			return opts.run(cmd, files, report.NAT(gateway, opts.rows))
		},
	}
	opts.addTo(cmd.Flags())
	flags.In(cmd.Flags(), flags.Common).Strings(&gateway, "nat-logs", "FILE", "a file or folder of the gateway's flow logs (repeatable)")
	return cmd
}
