package command

import (
	"regexp"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/sessions"
)

// accountID is what AWS's account numbers look like.
var accountID = regexp.MustCompile(`^[0-9]{12}$`)

func newIAMPolicy() *cobra.Command {
	var scope sessions.Scope
	cmd := &cobra.Command{
		Use:   "iam-policy [plan|apply|watch|inventory|doctor]",
		Short: "Print the least IAM policy for a command",
		Long: `Prints the IAM policy with which a command can do its work and nothing else; without an argument that of apply. AWS is not
called. destroy needs what apply does, status what plan does, "listen --inventory ec2" what inventory does. A plan with --probe
asks whether sessions could be made, and needs what apply does.

The flags narrow the policy: to what carries an owner's tag, to an account, to a region. "mirrorsink help iam" lists what each action is
for.`,
		Example: `  mirrorsink sessions iam-policy apply --owner payments-prod \
    --account 111122223333 --region eu-west-1 > policy.json
  aws iam create-policy --policy-name mirrorsink \
    --policy-document file://policy.json`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: sessions.PolicyCommands(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if scope.Account != "" && !accountID.MatchString(scope.Account) {
				return flags.Usagef("--account %s: want twelve digits", scope.Account)
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
