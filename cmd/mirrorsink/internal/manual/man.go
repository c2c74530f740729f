package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// WriteMan writes the man pages of a command, of those below it and of help topics into a folder, which must exist: one file each,
// section 1, or 7 for topics. It returns the names of the files.
func WriteMan(cmd *cobra.Command, dir string) (names []string, err error) {
	if cmd.IsAvailableCommand() || cmd.IsAdditionalHelpTopicCommand() || !cmd.HasParent() {
		name := manName(cmd) + "." + section1or7(cmd)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(Man(cmd)), 0o644); err != nil {
			return names, fmt.Errorf("write man page: %w", err)
		}
		names = append(names, name)
	}
	for _, c := range cmd.Commands() {
		below, err := WriteMan(c, dir)
		names = append(names, below...)
		if err != nil {
			return names, err
		}
	}
	return names, nil
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func section1or7(cmd *cobra.Command) string {
	if cmd.IsAdditionalHelpTopicCommand() {
		return "7"
	}
	return "1"
}

// Man returns the man page of a command or topic in the man(7) macros.
func Man(cmd *cobra.Command) string {
	var w strings.Builder
	fmt.Fprintf(&w, ".TH %s %s\n", strings.ToUpper(roff(manName(cmd))), section1or7(cmd))
	fmt.Fprintf(&w, ".SH NAME\n%s \\- %s\n", roff(manName(cmd)), roff(cmd.Short))
	if !cmd.IsAdditionalHelpTopicCommand() {
		w.WriteString(".SH SYNOPSIS\n")
		for _, line := range usageLines(cmd) {
			w.WriteString(".B " + roff(line) + "\n")
		}
	}
	w.WriteString(".SH DESCRIPTION\n")
	for i, p := range strings.Split(strings.TrimSpace(cmd.Long), "\n\n") {
		switch {
		case strings.HasPrefix(p, " ") || strings.Contains(p, "\n  "):
			w.WriteString(".PP\n.nf\n" + roff(p) + "\n.fi\n")
		case i > 0:
			w.WriteString(".PP\n" + roff(p) + "\n")
		default:
			w.WriteString(roff(p) + "\n")
		}
	}
	commands, topics := children(cmd)
	manSection(&w, "Commands", commands)
	manSection(&w, "Help topics", topics)
	if !cmd.IsAdditionalHelpTopicCommand() {
		for _, g := range Groups(cmd) {
			manSection(&w, g.Title(), g.entries())
		}
	}
	if cmd.Example != "" {
		w.WriteString(".SH EXAMPLES\n.nf\n" + roff(strings.TrimRight(cmd.Example, "\n")) + "\n.fi\n")
	}
	if cmd.HasParent() {
		fmt.Fprintf(&w, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(cmd.Parent())))
	}
	return w.String()
}

func manSection(w *strings.Builder, title string, entries []entry) {
	if len(entries) == 0 {
		return
	}
	w.WriteString(".SH " + strings.ToUpper(roff(title)) + "\n")
	for _, e := range entries {
		w.WriteString(".TP\n.B " + roff(strings.TrimSpace(e.term)) + "\n" + roff(e.text) + "\n")
	}
}

// roff escapes what troff would take for its own: backslashes, minus signs, and a dot or apostrophe that begins a line.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
