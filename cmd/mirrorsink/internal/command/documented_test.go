package command

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocumentedCommandsParse: every command line of ours that a page shows has a command, flags and arguments that exist, and values
// that its flags take. It runs none of them: many need AWS, a mirror or root. Those that do not are run by the tests of their commands.
func TestDocumentedCommandsParse(t *testing.T) {
	root := filepath.Join("..", "..", "..", "..")
	lines := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".md") {
			return nil
		}
		page, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, line := range documentedCommands(string(page)) {
			lines++
			for i, arg := range line {
				line[i] = withFiles(t, root, arg)
			}
			assert.NoError(t, parses(line), "%s: %s", path, strings.Join(line, " "))
			if line[0] == "listen" && !slices.Contains(line, "--cpus") { // this machine may not have them
				parseListen(t, line[1:])
			}
		}
		return nil
	}))
	require.Greater(t, lines, 30)
}

// documentedCommands returns the arguments of each command line of ours in a page: in blocks that are fenced or indented, up to a pipe,
// another command or a comment.
func documentedCommands(page string) (found [][]string) {
	page = strings.ReplaceAll(page, "\\\n", " ")
	fenced := false
	for line := range strings.Lines(page) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		text := strings.TrimSpace(line)
		text = strings.TrimPrefix(text, "$ ")
		text = strings.TrimPrefix(text, "bin/")
		rest, ours := strings.CutPrefix(text, "mirrorsink ")
		if ours && (fenced || strings.HasPrefix(line, "    ")) {
			found = append(found, slices.DeleteFunc(shellWords(rest), func(w string) bool { return w == "..." })) // and more of the same
		}
	}
	return found
}

// withFiles puts the text of files of the checkout in the place of $(cat FILE).
func withFiles(t *testing.T, root, arg string) string {
	return regexp.MustCompile(`\$\(cat ([^)]+)\)`).ReplaceAllStringFunc(arg, func(found string) string {
		text, err := os.ReadFile(filepath.Join(root, found[len("$(cat "):len(found)-1]))
		require.NoError(t, err)
		return strings.TrimSpace(string(text))
	})
}

// shellWords splits a command line as a shell does, as far as our pages need it.
func shellWords(line string) (words []string) {
	var word strings.Builder
	quote, started := rune(0), false
	flush := func() {
		if started {
			words = append(words, word.String())
		}
		word.Reset()
		started = false
	}
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, started = c, true
		case strings.ContainsRune("|>&;", c), c == '#' && !started:
			flush()
			return words
		case c == ' ' || c == '\n' || c == '\t':
			flush()
		default:
			word.WriteRune(c)
			started = true
		}
	}
	flush()
	return words
}

// parses returns what is wrong with a command line.
func parses(args []string) error {
	cmd, rest, err := newRoot(io.Discard, io.Discard).Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// TestShellWords holds the splitter that the test above relies on.
func TestShellWords(t *testing.T) {
	require.Equal(t, []string{"replay", "--where", `a == "b c"`, "x"}, shellWords(`replay --where 'a == "b c"' x  # why`))
	require.Equal(t, []string{"listen"}, shellWords("listen | jq ."))
	require.Equal(t, [][]string{{"demo"}, {"listen", "--cpus", "2-5"}}, documentedCommands("mirrorsink demo\n```\n$ mirrorsink demo\n```\n    mirrorsink listen \\\n--cpus 2-5\n"))
	require.Error(t, parses([]string{"listen", "--evee", "x"}))
	require.Error(t, parses([]string{"nothing"}))
}
