package command

import (
	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/awssdk"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

func newIAMPolicy() *cobra.Command {
	var scope sessions.Scope
	cmd := &cobra.Command{
		Use:   "iam-policy [plan|apply|watch|inventory|doctor]",
		Short: "Print the least IAM policy for a command",
		Long: `Prints the smallest IAM policy for a command; without an argument that of apply. It does not call AWS. destroy needs the policy of
apply, status that of plan, "listen --inventory ec2" that of inventory. A plan with --probe asks whether sessions could be created,
and needs the policy of apply.

The flags restrict the policy to objects with an owner's tag, to an account, to a region. "mirrorsink help iam" lists the purpose of each
action.`,
		Example: `  mirrorsink sessions iam-policy apply --owner payments-prod \
    --account 111122223333 --region eu-west-1 > policy.json
  aws iam create-policy --policy-name mirrorsink \
    --policy-document file://policy.json`,
		Args:      oneOf(sessions.PolicyCommands()),
		ValidArgs: sessions.PolicyCommands(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkScope(&scope); err != nil {
				return err
			}
			command := "apply"
			if len(args) > 0 {
				command = args[0]
			}
			p, err := sessions.PolicyFor(command, scope)
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
	return cmd
}

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
