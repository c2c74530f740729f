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
	cmd.Short = "Print a completion script for a shell"
	cmd.Long = "Prints a script that has a shell complete commands, flags and the values of flags."
	cmd.Example = "  mirrorsink completion bash > /etc/bash_completion.d/mirrorsink"
	for shell, text := range map[string]struct{ name, long, example string }{
		"bash": {"bash", "It needs the package bash-completion. A new shell reads it from the folder of the example.",
			"bash > /etc/bash_completion.d/mirrorsink"},
		"fish":       {"fish", "A new shell reads it from the folder of the example.", "fish > ~/.config/fish/completions/mirrorsink.fish"},
		"powershell": {"PowerShell", "Run the example in a shell, or in its profile for all shells.", "powershell | Out-String | Invoke-Expression"},
		"zsh": {"zsh", "A new shell reads it from a folder of $fpath, if \"autoload -U compinit; compinit\" is in ~/.zshrc.",
			`zsh > "${fpath[1]}/_mirrorsink"`},
	} {
		if c, _, err := cmd.Find([]string{shell}); err == nil {
			c.Short = "Print the completion script for " + text.name
			c.Long = "Prints the completion script for " + text.name + ". " + text.long
			c.Example = "  mirrorsink completion " + text.example
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
