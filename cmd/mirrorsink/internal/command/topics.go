package command

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/manual"
	"github.com/mirrorsink/mirrorsink/docs"
	"github.com/mirrorsink/mirrorsink/inspect/report"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// topics are the texts of help topics, which are rendered when they are shown.
var topics = map[string]func() string{
	"config":      configTopic,
	"fields":      fieldsTopic,
	"where":       whereTopic,
	"hints":       func() string { return manual.Markdown(docs.Hints) },
	"delivery":    func() string { return manual.Markdown(docs.Delivery) },
	"alerts":      func() string { return manual.Markdown(docs.Alerts) },
	"policy-file": func() string { return manual.Markdown(docs.Policy) },
	"iam":         func() string { return manual.Markdown(docs.IAM) },
}

// newTopics makes the help topics: commands with nothing to run, which "help" shows.
func newTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "alerts", Short: "Outputs of alerts, what they guarantee, and their permissions"},
		{Use: "config", Short: "Configuration file of listen, and its keys that --help omits"},
		{Use: "delivery", Short: "Delivery to S3 and CloudWatch Logs, and its permissions"},
		{Use: "fields", Short: "Fields of flow log records and of EVE events"},
		{Use: "hints", Short: "Sources of names, and the reasons of direct_to_address"},
		{Use: "iam", Short: "IAM permissions of the sessions commands"},
		{Use: "policy-file", Short: "Egress policies: the file, verdicts, and what the commands are for"},
		{Use: "where", Short: "Expressions of --where and --forward-where"},
	}
}

// render fills in the text of a command that is a help topic.
func render(cmd *cobra.Command) *cobra.Command {
	if topic := topics[cmd.Name()]; topic != nil && cmd.IsAdditionalHelpTopicCommand() {
		cmd.Long = topic()
	}
	return cmd
}

func whereTopic() string {
	syntax := func(all []where.Syntax) string {
		entries := make([]manual.Entry, len(all))
		for i, s := range all {
			entries[i] = manual.Entry{Term: s.Text, Text: s.Doc}
		}
		return manual.Columns(entries)
	}
	return strings.Join([]string{
		"An expression is true or false for a record (report --where) or for a live flow (listen and replay --forward-where, --forward-bypass " +
			"'RULE if EXPRESSION'). A misspelt field or a comparison of different kinds is an error before anything is read.",
		"OPERATORS", syntax(where.Operators),
		"FUNCTIONS", syntax(where.Functions),
		"EXAMPLES", "  " + strings.Join(where.Examples, "\n  "),
		"FIELDS", "Names in parentheses are other names of the same field. Live flows have some of the fields only; an expression that names " +
			"another one is refused with the reason.",
		schemaColumns(),
	}, "\n\n")
}

// schemaColumns lists the fields of expressions over records.
func schemaColumns() string {
	var entries []manual.Entry
	for _, f := range report.Schema.Fields() {
		text := f.Kind.String() + ": " + f.Doc
		if len(f.Aliases) > 0 {
			text += " (" + strings.Join(f.Aliases, ", ") + ")"
		}
		entries = append(entries, manual.Entry{Term: f.Name, Text: text})
	}
	return manual.Columns(entries)
}

func fieldsTopic() string {
	return strings.Join([]string{
		"FLOW LOG RECORDS",
		"Fields of --flowlog-format have dashes, as AWS writes them: ${pkt-srcaddr}, ${x-name}. Columns of Parquet files and fields of " +
			"expressions have underscores. Fields that begin with x_ are this program's own.",
		schemaColumns(),
		"EVE EVENTS",
		manual.Markdown(docs.Fields),
	}, "\n\n")
}

func configTopic() string {
	return strings.Join([]string{
		"Every flag of listen is a key of the file of --config, in YAML, under its name without the dashes. A flag that may be given several " +
			"times takes a list. A flag on the command line overrides the file. An unknown key is an error with its line.",
		"    listen: 0.0.0.0:4789\n    receive-buffer: 64MiB\n    allow-vni: [7, 100-199]\n    eve: [/var/log/mirrorsink/eve.json]",
		"These keys are flags too, which --help leaves out since few need them:",
		manual.Columns(hiddenFlags()),
	}, "\n\n")
}

func hiddenFlags() (entries []manual.Entry) {
	f := pflag.NewFlagSet("listen", pflag.ContinueOnError)
	defaultListenOptions().addTo(f)
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			text := flag.Usage + " (default " + flag.DefValue + ")"
			entries = append(entries, manual.Entry{Term: flag.Name + " " + flags.WordOf(flag), Text: text})
		}
	})
	return entries
}
