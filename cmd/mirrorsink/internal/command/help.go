package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/manual"
)

// newHelp makes "help COMMAND" and "help TOPIC".
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:               "help [COMMAND or TOPIC]",
		Short:             "Show help for a command or topic",
		Long:              "Shows the help of a command, or of a topic.",
		Example:           "  mirrorsink help replay\n  mirrorsink help where",
		ValidArgsFunction: completeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknownCommand(found, rest[0])
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), manual.Help(render(found)))
			return err
		},
	}
}

func completeHelp(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if found, _, err := cmd.Root().Find(args); err == nil {
		for _, c := range found.Commands() {
			if c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
				names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
