// Package manual renders the manual of the command tree: the text of --help, help topics, and man pages. All come from the same commands,
// flags and pages, so that they cannot differ.
package manual

import "strings"

// Width is how many columns --help takes.
const Width = 80

// wrap breaks text into lines of at most width columns. Words that are longer stand alone.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// reflow wraps the paragraphs of a text. Lines that begin with a space stay as they are.
func reflow(text string, width int) string {
	var out []string
	for _, p := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if strings.HasPrefix(p, " ") {
			out = append(out, p)
			continue
		}
		out = append(out, strings.Join(wrap(p, width), "\n"))
	}
	return strings.Join(out, "\n\n")
}

// entry is a term and its description.
type entry struct{ term, text string }

// list writes entries in two columns: terms of at most column-2 characters, and their wrapped descriptions. Longer terms have a line of
// their own.
func list(w *strings.Builder, entries []entry, column, width int) {
	indent := strings.Repeat(" ", column)
	for _, e := range entries {
		term := "  " + e.term
		lines := wrap(e.text, width-column)
		if len([]rune(term)) > column-2 || len(lines) == 0 {
			w.WriteString(strings.TrimRight(term, " ") + "\n")
			term = ""
		}
		for _, line := range lines {
			w.WriteString(term + strings.Repeat(" ", max(0, column-len([]rune(term)))) + line + "\n")
			term = indent
		}
	}
}
