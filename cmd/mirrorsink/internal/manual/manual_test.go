package manual

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// TestWrapKeepsWords: whatever the text, lines fit or are one word, and no word is lost.
func TestWrapKeepsWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[a-zµ€]{1,12}`)).Draw(t, "words")
		width := rapid.IntRange(1, 40).Draw(t, "width")
		lines := wrap(strings.Join(words, " "), width)
		assert.Equal(t, strings.Join(words, " "), strings.Join(lines, " "))
		for _, line := range lines {
			assert.True(t, len([]rune(line)) <= width || !strings.Contains(line, " "), line)
		}
	})
}

func TestMarkdown(t *testing.T) {
	page := "# A page\n\nText with `code`, a [link](x.md#y) and **stress**\nover two lines.\n| a | b | c |\n|---|---|---|\n| `one \\| two` | first, [second](z) | more |\n\n" +
		"    code stays\n      as it is\n\n- an item\n  of two lines\n- another\n\n```\nfenced\n\n```\n"
	compared := "| | S3 | Logs |\n|---|---|---|\n| order | | kept |\n| [fields.md](fields.md) | once | twice |"
	assert.Equal(t, "  order                     Logs: kept\n  \"mirrorsink help fields\"  S3: once; Logs: twice", Markdown(compared))
	assert.Equal(t, "A PAGE\n\nText with code, a link and stress over two lines.\n\n  one | two  first, second; c: more\n\n"+
		"    code stays\n      as it is\n\n  -   an item of two lines\n  -   another\n\n    fenced\n    ", Markdown(page))
}

// example is a command with flags in two groups.
func example() *cobra.Command {
	root := &cobra.Command{Use: "prog"}
	cmd := &cobra.Command{Use: "run FILE...", Short: "Run files", Long: "Runs files.\n.It does no more.\n\n  as it is", Example: `  prog run C:\x`, Run: func(*cobra.Command, []string) {}}
	root.AddCommand(cmd)
	n, output := 3, flags.ChoiceOf("text", "json")
	flags.In(cmd.Flags(), flags.Limits).Int(&n, "number", "N", "how many")
	flags.In(cmd.Flags(), flags.Limits).Hidden(new(flags.Size), "size", "SIZE", "how large")
	flags.In(cmd.Flags(), flags.Outputs).Var(&output, "output,o", "FORMAT", "format of the output: text or json")
	flags.Promote(cmd.Flags(), "output")
	return cmd
}

func TestHelp(t *testing.T) {
	assert.Equal(t, `Runs files. .It does no more.

  as it is

Usage:
  prog run [FLAGS] FILE...

Examples:
  prog run C:\x

Common flags:
  -o, --output FORMAT  format of the output: text or json (default text)
  -h, --help           show this help

Limits:
      --number N       how many (default 3)
`, Help(example()))
}

// TestMan: what troff would take for a request, a backslash or a hyphen is escaped.
func TestMan(t *testing.T) {
	text := Man(example())
	for _, want := range []string{
		".TH PROG\\-RUN 1\n", ".SH NAME\nprog\\-run \\- Run files\n", "Runs files.\n\\&.It does no more.\n", ".nf\n  as it is\n.fi\n", `  prog run C:\ex`,
		".TP\n.B \\-o, \\-\\-output FORMAT\n", ".SH LIMITS\n.TP\n.B \\-\\-number N\nhow many (default 3)\n", ".SH SEE ALSO\n.BR prog (1)\n",
	} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "size")
}
