package manual

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// flagColumn is where the descriptions of flags and commands begin.
const flagColumn = 30

// Help returns the text of --help: what the command does, its usage, examples, commands, and flags by group.
func Help(cmd *cobra.Command) string {
	var w strings.Builder
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	w.WriteString(reflow(text, Width) + "\n")
	if cmd.IsAdditionalHelpTopicCommand() {
		return w.String()
	}
	w.WriteString("\nUsage:\n")
	for _, line := range usageLines(cmd) {
		w.WriteString("  " + line + "\n")
	}
	if cmd.Example != "" {
		w.WriteString("\nExamples:\n" + strings.TrimRight(cmd.Example, "\n") + "\n")
	}
	commands, topics := children(cmd)
	section(&w, "Commands", commands, columnFor(commands))
	section(&w, "Help topics", topics, columnFor(topics))
	groups := Groups(cmd)
	column := 0
	for _, g := range groups {
		column = max(column, columnFor(g.entries()))
	}
	for _, g := range groups {
		section(&w, g.Title(), g.entries(), column)
	}
	if len(commands) > 0 {
		fmt.Fprintf(&w, "\nRun \"%s COMMAND --help\" for more about a command.\n", cmd.CommandPath())
	}
	return w.String()
}

func section(w *strings.Builder, title string, entries []entry, column int) {
	if len(entries) > 0 {
		w.WriteString("\n" + title + ":\n")
		list(w, entries, column, Width)
	}
}

func usageLines(cmd *cobra.Command) []string {
	line := cmd.CommandPath()
	if cmd.HasParent() {
		line = cmd.Parent().CommandPath() + " " + cmd.Use
	}
	if cmd.HasAvailableSubCommands() {
		return []string{line + " COMMAND"}
	}
	name, args, _ := strings.Cut(line, cmd.Name()+" ")
	if args == "" {
		return []string{line + " [FLAGS]"}
	}
	return []string{name + cmd.Name() + " [FLAGS] " + args}
}

// children returns the commands and the help topics of a command.
func children(cmd *cobra.Command) (commands, topics []entry) {
	for _, c := range cmd.Commands() {
		switch {
		case c.IsAdditionalHelpTopicCommand():
			topics = append(topics, entry{"help " + c.Name(), c.Short})
		case c.IsAvailableCommand():
			commands = append(commands, entry{c.Name(), c.Short})
		}
	}
	return commands, topics
}

// Group is the flags of a command that stand together.
type Group struct {
	name  string
	only  bool // there is no other group
	Flags []*pflag.Flag
}

// Title is the heading of the group.
func (g *Group) Title() string {
	switch {
	case g.only:
		return "Flags"
	case g.name == flags.Common:
		return "Common flags"
	}
	return g.name
}

// Groups returns the visible flags of a command by group, in the order of groups, and within a group in the order in which they were
// added. --help and --version end the first group.
func Groups(cmd *cobra.Command) (all []Group) {
	by := map[string][]*pflag.Flag{}
	var own []*pflag.Flag
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	cmd.Flags().SortFlags = false
	cmd.LocalFlags().SortFlags = false
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Hidden:
		case f.Name == "help" || f.Name == "version":
			f.Usage = map[string]string{"help": "show this help", "version": "show the version"}[f.Name]
			own = append(own, f)
		default:
			by[flags.GroupOf(f)] = append(by[flags.GroupOf(f)], f)
		}
	})
	for _, name := range flags.GroupOrder {
		if list := by[name]; len(list) > 0 {
			slices.SortStableFunc(list, func(a, b *pflag.Flag) int { return flags.RankOf(a) - flags.RankOf(b) })
			all = append(all, Group{name: name, Flags: list})
		}
	}
	if len(all) == 0 {
		all = []Group{{}}
	}
	all[0].Flags = append(all[0].Flags, own...)
	all[0].only = len(all) == 1
	return all
}

func (g *Group) entries() (list []entry) {
	for _, f := range g.Flags {
		list = append(list, entry{term(f), description(f)})
	}
	return list
}

// term is a flag as it is given: "-o, --output FORMAT".
func term(f *pflag.Flag) string {
	text := "    --" + f.Name
	if f.Shorthand != "" {
		text = "-" + f.Shorthand + ", --" + f.Name
	}
	if word := flags.WordOf(f); word != "" {
		text += " " + word
	}
	return text
}

// description is a flag's usage with its default.
func description(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "0", "0s", "false", "[]", "off":
		return f.Usage
	}
	if strings.Contains(f.Usage, "by default") {
		return f.Usage // it depends on the machine
	}
	return fmt.Sprintf("%s (default %s)", f.Usage, f.DefValue)
}
