package command

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/awssdk"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

func newIAMPolicy() *cobra.Command {
	var opts iamOptions
	scope := &opts.scope
	cmd := &cobra.Command{
		Use:   "iam-policy [COMMAND]",
		Short: "Print the least IAM policy for a command",
		Long: `Prints the smallest IAM policy for plan, apply, watch, inventory, doctor, lifecycle or alerts; that of apply without an argument. It does not
call AWS. destroy needs the policy of apply, status that of plan, "listen --inventory ec2" that of inventory. A plan with --probe asks
whether sessions could be created, and needs the policy of apply. "listen --lifecycle" needs that of lifecycle beside the others.

The policy of alerts is that of the outputs which are given as for listen: --alert and --cloudwatch-metrics. It has what these need, and
nothing else. Give it beside that of inventory, and that of the delivery of records. Without --region and --account it covers any for Security
Hub and for buses that are given by name.

The flags restrict the policy to objects with an owner's tag, to an account, to a region. "mirrorsink help iam" lists the purpose of each
action.`,
		Example: `  mirrorsink sessions iam-policy apply --owner payments-prod \
    --account 111122223333 --region eu-west-1 > policy.json
  aws iam create-policy --policy-name mirrorsink \
    --policy-document file://policy.json
  mirrorsink sessions iam-policy alerts --cloudwatch-metrics Mirrorsink \
    --alert sns:arn:aws:sns:eu-west-1:111122223333:egress`,
		Args:      oneOf(append(sessions.PolicyCommands(), forAlerts)),
		ValidArgs: append(sessions.PolicyCommands(), forAlerts),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := opts.policy(args)
			if err != nil {
				return err
			}
			return p.Print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	g := flags.In(f, flags.Common)
	g.String(&scope.Owner, "owner", "OWNER", "only objects with the tag of this owner, which is the spec's")
	g.String(&scope.Account, "account", "ID", "only in this account; targets may be in another one")
	g.String(&scope.Region, "region", "REGION", "only in this region")
	g.Strings(&opts.alerts, "alert", "OUTPUT", "with alerts: an output of alerts, as for listen (repeatable)")
	g.Strings(&opts.namespaces, "cloudwatch-metrics", "NAMESPACE", "with alerts: a namespace of CloudWatch (repeatable)")
	g.Strings(&opts.keys, "kms-key", "ARN", "with alerts: the key of KMS that a topic or a bucket is encrypted with (repeatable)")
	return cmd
}

// forAlerts is the word for the policy of outputs of alerts.
const forAlerts = "alerts"

// iamOptions are the flags of sessions iam-policy.
type iamOptions struct {
	scope                    sessions.Scope
	alerts, namespaces, keys []string
}

func (o *iamOptions) policy(args []string) (*sessions.Policy, error) {
	if err := checkScope(&o.scope); err != nil {
		return nil, err
	}
	command := "apply"
	if len(args) > 0 {
		command = args[0]
	}
	if command != forAlerts {
		if len(o.alerts)+len(o.namespaces)+len(o.keys) > 0 {
			return nil, flags.Usagef("--alert, --cloudwatch-metrics and --kms-key are for the policy of alerts")
		}
		return sessions.PolicyFor(command, o.scope)
	}
	outputs, err := o.outputs()
	if err != nil {
		return nil, err
	}
	if outputs.IsEmpty() {
		return nil, flags.Usagef("the policy of alerts: name outputs in AWS with --alert and --cloudwatch-metrics; others need no permission")
	}
	return sessions.PolicyForOutputs(outputs, o.scope), nil
}

// outputs are those that need permissions.
func (o *iamOptions) outputs() (*sessions.Outputs, error) {
	out := &sessions.Outputs{Namespaces: o.namespaces, Keys: o.keys}
	if err := output.CheckAlerts(o.alerts, o.namespaces); err != nil {
		return nil, err
	}
	for _, spec := range o.alerts {
		kind, to, _ := strings.Cut(spec, ":")
		switch kind {
		case "sns":
			out.Topics = append(out.Topics, to)
		case "eventbridge":
			out.Buses = append(out.Buses, to)
		case "securityhub":
			out.SecurityHub = true
		case "parquet":
			if place, ok := strings.CutPrefix(to, "s3://"); ok {
				out.Buckets = append(out.Buckets, place)
			}
		}
	}
	for _, topic := range out.Topics {
		if !topicARN.MatchString(topic) {
			return nil, flags.Usagef("--alert sns:%s: want the ARN of a topic", topic)
		}
	}
	for _, key := range o.keys {
		if !keyARN.MatchString(key) {
			return nil, flags.Usagef("--kms-key %s: want the ARN of a key, such as arn:aws:kms:eu-west-1:111122223333:key/...", quoted(key))
		}
	}
	for _, bus := range out.Buses {
		if !busName.MatchString(bus) {
			return nil, flags.Usagef("--alert eventbridge:%s: want the name or the ARN of a bus", bus)
		}
	}
	return out, nil
}

// What the names of resources are made of. A star would be any resource.
var (
	topicARN = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$`)
	keyARN   = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
	busName  = regexp.MustCompile(`^(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[A-Za-z0-9/_.-]+$`)
)

// checkScope reports values that would make a policy for nothing.
func checkScope(s *sessions.Scope) error {
	if s.Owner != "" {
		if err := spec.CheckOwner(s.Owner); err != nil {
			return flags.Usagef("--owner: %w", err)
		}
	}
	switch {
	case s.Account != "" && !flags.IsAccount(s.Account):
		return flags.Usagef("--account %q: want 12 digits", s.Account)
	case s.Region != "" && !awssdk.IsRegion(s.Region):
		return flags.Usagef("--region %q: want a region such as eu-west-1", s.Region)
	}
	return nil
}
