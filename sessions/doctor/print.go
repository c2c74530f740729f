package doctor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Print writes the diagnosis for people.
func (d *Diagnosis) Print(out io.Writer) error {
	b := bufio.NewWriter(out)
	for _, f := range d.Findings {
		fmt.Fprintf(b, "%s: %s: %s\n    impact: %s\n    remedy: %s\n\n", f.Check, f.Subject, f.What, f.Impact, f.Remedy)
	}
	for _, text := range d.Unchecked {
		fmt.Fprintf(b, "not checked: %s\n", text)
	}
	found := "nothing found"
	if n := len(d.Findings); n > 0 {
		found = count(n, "finding")
	}
	fmt.Fprintf(b, "%s, %s.\n", count(d.Checks, "check"), found)
	if d.Policy != nil {
		fmt.Fprint(b, "\nThe least policy for apply:\n")
		if err := d.Policy.Print(b); err != nil {
			return err
		}
	}
	return b.Flush()
}

// PrintJSON writes the diagnosis for programs.
func (d *Diagnosis) PrintJSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false) // the output is no web page
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}
