package strictyaml

import (
	"regexp"
	"strconv"
	"strings"
)

var syntaxError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxTexts are the parser's messages that people meet, and what to do about them.
var syntaxTexts = []struct{ message, text string }{
	{"cannot start any token", "a value begins with @, % or `, or a line with a tab: put such a text in quotes, and use spaces"},
	{"expected alphabetic or numeric character", "a value begins with * or &: put it in quotes"},
	{"expected ',' or ']'", "the list that begins here has no comma between two values, or no closing ]"},
	{"expected ',' or '}'", "the mapping that begins here has no comma between two keys, or no closing }"},
	{"expected '-' indicator", "the list that begins here goes on with a line that is no item: want a dash, as far to the right as the first"},
	{"expected key", "the mapping that begins here goes on with a line that is no key: want a key, as far to the right as the first"},
	{"mapping values are not allowed", "a second colon in one line: put a text that has a colon and a space in quotes"},
	{"could not find expected ':'", "a line without a colon where a key is wanted"},
	{"unexpected end of stream", "the quotes of a value are not closed"},
	{"found unknown escape character", "an unknown escape in double quotes: use single quotes"},
	{"control characters", "control characters, which YAML does not allow"},
	{"UTF-8", "the file is not UTF-8"},
}

// fromZero are the messages whose line the parser counts from 0.
var fromZero = regexp.MustCompile(`did not find expected (?:<document start>|node content|'-' indicator|key|',' or)|found undefined tag handle`)

func (l *Loader) syntaxProblem(err error) {
	at, text := Position{1, 1}, strings.ReplaceAll(err.Error(), "\n", " ")
	if m := syntaxError.FindStringSubmatch(text); m != nil {
		text = m[2]
		line, _ := strconv.Atoi(m[1])
		if fromZero.MatchString(text) {
			line++
		}
		at.Line = max(line, 1)
	}
	for _, known := range syntaxTexts {
		if strings.Contains(text, known.message) {
			l.Problem(at, "%s", known.text)
			return
		}
	}
	l.Problem(at, "not YAML: %s", text)
}
