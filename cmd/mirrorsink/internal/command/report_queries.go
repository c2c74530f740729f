package command

import (
	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// reportCommand makes the command of a report whose only parameters are those of all.
func reportCommand(use, short, long, example string, query func(rows int) *report.Query) *cobra.Command {
	var opts reportOptions
	cmd := &cobra.Command{
		Use:     use + " [FILE or folder]...",
		Short:   short,
		Long:    long,
		Example: example,
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
		Short: "Show who has most bytes, packets or flows",
		Long: `Shows the groups of records with most bytes, packets or flows. A flow is counted once a direction and aggregation window, as
count(*) counts VPC Flow Logs. The address is that of the other end from the interface, the port that of the server, the
domain what the public suffix list makes of the name.

What two mirrored interfaces saw of one connection is counted once: as the client's saw it, which knows the name. By interface
or instance it is counted for each of them, and once in the total.`,
		Example: `  mirrorsink report top /var/log/mirrorsink/flows
  mirrorsink report top --by packets --group instance --group domain AWSLogs/
  mirrorsink report top --group address --from -24h \
    --where 'not private(address)' *.log.gz
  mirrorsink replay --flowlog - --flowlog-format all capture.pcap |
    mirrorsink report top -`,
		RunE: func(cmd *cobra.Command, files []string) error {
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
	return reportCommand("management", "Show what leaves on management ports", `Shows, by interface, what leaves to ports below 1024 and to the ones above by which machines are managed, such as 3389, 5985 and
6443: the question of the example in AWS's documentation, with names. Answers of servers are left out.`,
		`  mirrorsink report management /var/log/mirrorsink/flows
  mirrorsink report management --where 'dstport not in [80, 443]' AWSLogs/`, report.Management)
}

func newReportUnanswered() *cobra.Command {
	return reportCommand("unanswered", "Show attempts that nobody answered", `Shows what was sent and not answered. A mirror does not carry what a security group or network ACL dropped on its way in, so it
knows no REJECT; that nobody answered is what can be seen of it. REJECT records of VPC Flow Logs are counted beside.`,
		`  mirrorsink report unanswered /var/log/mirrorsink/flows
  mirrorsink report unanswered --from -1h -o json flows/ AWSLogs/`, report.Unanswered)
}

func newReportDirect() *cobra.Command {
	return reportCommand("direct", "Show flows made straight to an address", `Shows flows to addresses that no DNS answer gave the client, by reason: no_lookup, lookup_expired or doh_suspected, which
"mirrorsink help hints" explains. Only mirrorsink's own records know.`,
		`  mirrorsink report direct /var/log/mirrorsink/flows
  mirrorsink report direct flows/ \
    --where 'direct_to_address == "no_lookup" and not private(address)'`, report.Direct)
}

func newReportInitiators() *cobra.Command {
	return reportCommand("initiators", "Show who opens connections to whom, and on what evidence", `Shows which client, by instance and interface where it is mirrored, opened connections to which server. Only mirrorsink's own
records know; bytes and packets are those that the client sent.`,
		`  mirrorsink report initiators /var/log/mirrorsink/flows
  mirrorsink report initiators --where 'port == 5432' flows/`, report.Initiators)
}

func newReportNames() *cobra.Command {
	return reportCommand("names", "Show the names of each instance", `Shows which names each instance spoke to as client, or was asked for as server, with the first and last time. An instance that
is not known is shown by its interface, or its address.`,
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
		Long: `Shows which names an instance has to do with in the files, and had not in the earlier ones that --since names. --where is for
both, --from and --to are for the later ones.`,
		Example: `  mirrorsink report new --since flows/day=24 flows/day=25
  mirrorsink report new --since baseline.parquet today.parquet \
    --where 'direct_to_address == ""'`,
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
		Long: `Joins the flow logs of a NAT gateway, where everybody has the gateway's address, with what was seen of mirrored instances: by
protocol, destination, destination port and time, and where several instances spoke to the same server by packets and bytes.
Each flow says how sure the answer is: unique (by its bytes, or because nobody else was seen), several, or none.

--where, --from and --to are for the records of instances.`,
		Example: `  mirrorsink report nat --nat-logs AWSLogs/111122223333/vpcflowlogs/ \
    /var/log/mirrorsink/flows
  mirrorsink report nat --nat-logs nat.log.gz -n 0 -o csv flows/`,
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
