package command

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// complete gives shells, for the flags of a command and of those below it, the values that a flag lists, and files or folders where a flag
// takes them.
func complete(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		word, values := flags.WordOf(f), flags.ValuesOf(f)
		directive := cobra.ShellCompDirectiveNoFileComp
		switch {
		case strings.Contains(word, "FILE"):
			directive = cobra.ShellCompDirectiveDefault
		case strings.Contains(word, "DIR"):
			directive = cobra.ShellCompDirectiveFilterDirs
		case len(values) > 0 && strings.HasSuffix(values[len(values)-1], ":"):
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(values, directive)) // each flag is registered once
	})
	for _, c := range cmd.Commands() {
		complete(c)
	}
}
