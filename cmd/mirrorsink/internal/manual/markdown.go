package manual

import (
	"regexp"
	"strings"
)

var (
	page     = regexp.MustCompile(`\[(delivery|fields|hints|iam)\.md\]\([^)]*\)`) // those that are help topics
	link     = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	ruleLine = regexp.MustCompile(`^\|[-| :]+\|$`)
)

// Markdown returns a page of the documentation as plain text: paragraphs wrapped, links without their targets, and the rows of a table as
// terms with descriptions. It knows what those pages use, not all of Markdown.
func Markdown(page string) string {
	var blocks []string
	for _, block := range split(page) {
		switch {
		case strings.HasPrefix(block, "#"):
			blocks = append(blocks, strings.ToUpper(plain(strings.TrimLeft(block, "# "))))
		case strings.HasPrefix(block, "|"):
			blocks = append(blocks, table(block))
		case strings.HasPrefix(block, "    "):
			blocks = append(blocks, block)
		case strings.HasPrefix(block, "- ") || strings.HasPrefix(block, "1. "):
			blocks = append(blocks, items(block))
		default:
			blocks = append(blocks, strings.Join(wrap(plain(block), Width), "\n"))
		}
	}
	return strings.Join(blocks, "\n\n")
}

// split returns the blocks of a page: what stands between empty lines, and fenced code as one indented block.
func split(page string) (blocks []string) {
	var block []string
	fenced := false
	end := func() {
		if len(block) > 0 {
			blocks = append(blocks, strings.Join(block, "\n"))
		}
		block = nil
	}
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, " \n")
		switch {
		case strings.HasPrefix(line, "```"):
			end()
			fenced = !fenced
		case fenced:
			block = append(block, "    "+line)
		case line == "":
			end()
		default:
			if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "|") && len(block) > 0 && !strings.HasPrefix(block[0], "|") {
				end()
			}
			block = append(block, line)
		}
	}
	end()
	return blocks
}

// plain takes links and marks of emphasis out of a text.
func plain(text string) string {
	text = page.ReplaceAllString(text, `"mirrorsink help $1"`)
	text = link.ReplaceAllString(text, "$1")
	return strings.NewReplacer("**", "", "`", "", `\|`, "|").Replace(text)
}

// table writes the first cell of each row as a term, and the others as its description. From the third on each has the name of its
// column; the second has it too if the first column has none, since such a table compares the others.
func table(block string) string {
	var w strings.Builder
	var entries []entry
	var head []string
	for line := range strings.SplitSeq(block, "\n") {
		cells := cells(line)
		switch {
		case head == nil:
			head = cells
		case !ruleLine.MatchString(line):
			entries = append(entries, entry{cells[0], describe(head, cells)})
		}
	}
	list(&w, entries, columnFor(entries), Width)
	return strings.TrimRight(w.String(), "\n")
}

// cells returns the texts of a row.
func cells(line string) []string {
	row := strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(line, `\|`, "\x00"), "|"), "|")
	all := strings.Split(row, "|")
	for i := range all {
		all[i] = strings.ReplaceAll(plain(strings.TrimSpace(all[i])), "\x00", "|")
	}
	return all
}

// describe joins the cells after the first one.
func describe(head, row []string) string {
	var parts []string
	for i, text := range row[1:] {
		named := len(row) > 2 && (i > 0 || head[0] == "")
		if named && text != "" && i+1 < len(head) {
			text = head[i+1] + ": " + text
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

func items(block string) string {
	var w strings.Builder
	var entries []entry
	for line := range strings.Lines(block) {
		line = strings.TrimRight(line, "\n")
		if mark, text, ok := strings.Cut(line, " "); ok && (mark == "-" || strings.HasSuffix(mark, ".") && len(mark) <= 3) {
			entries = append(entries, entry{mark, plain(text)})
		} else if len(entries) > 0 {
			entries[len(entries)-1].text += " " + plain(line)
		}
	}
	list(&w, entries, 6, Width)
	return strings.TrimRight(w.String(), "\n")
}

// Entry is a term and its description.
type Entry struct{ Term, Text string }

// Columns returns entries in two columns.
func Columns(all []Entry) string {
	var w strings.Builder
	entries := make([]entry, len(all))
	for i, e := range all {
		entries[i] = entry{e.Term, e.Text}
	}
	list(&w, entries, columnFor(entries), Width)
	return strings.TrimRight(w.String(), "\n")
}

// columnFor is where descriptions begin: behind the longest term that leaves them room.
func columnFor(entries []entry) int {
	column := 8
	for _, e := range entries {
		if n := len([]rune(e.term)) + 4; n <= flagColumn {
			column = max(column, n)
		}
	}
	return column
}
