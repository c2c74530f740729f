package command

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// addCompletion adds cobra's command with examples, and refuses shells that it does not know.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, _ := root.Find([]string{"completion"}) // it was just added
	groupOf(cmd)
	cmd.Example = "  mirrorsink completion bash > /etc/bash_completion.d/mirrorsink"
	for shell, example := range map[string]string{
		"bash":       "bash > /etc/bash_completion.d/mirrorsink",
		"fish":       "fish > ~/.config/fish/completions/mirrorsink.fish",
		"powershell": "powershell | Out-String | Invoke-Expression",
		"zsh":        `zsh > "${fpath[1]}/_mirrorsink"`,
	} {
		if c, _, err := cmd.Find([]string{shell}); err == nil {
			c.Example = "  mirrorsink completion " + example
		}
	}
}

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
