package insights_test

import (
	"fmt"
	"strings"
	"unicode"
)

// The kinds of tokens.
const (
	tokenEnd     = iota
	tokenName    // a field, a function, a keyword
	tokenField   // a field between backticks: never a keyword
	tokenNumber  // digits, with or without a fraction
	tokenText    // between quotation marks
	tokenPattern // a regular expression between slashes
	tokenSign    // an operator or bracket
)

type token struct {
	kind int
	text string
}

// is reports whether the token is a sign or keyword.
func (t token) is(text string) bool {
	return t.kind == tokenSign && t.text == text || t.kind == tokenName && strings.EqualFold(t.text, text)
}

// lexer splits a query of CloudWatch Logs Insights into tokens.
type lexer struct{ rest string }

// blank skips white space and comments, which reach from # to the end of the line.
func (l *lexer) blank() {
	for {
		l.rest = strings.TrimLeftFunc(l.rest, unicode.IsSpace)
		if !strings.HasPrefix(l.rest, "#") {
			return
		}
		_, l.rest, _ = strings.Cut(l.rest, "\n")
	}
}

// next returns the next token. A slash begins a regular expression only where one may stand.
func (l *lexer) next(pattern bool) (token, error) {
	l.blank()
	if l.rest == "" {
		return token{}, nil
	}
	switch c := l.rest[0]; {
	case c == '"' || c == '\'':
		return l.quoted(tokenText, c)
	case c == '`':
		return l.quoted(tokenField, c)
	case c == '/' && pattern:
		return l.quoted(tokenPattern, c)
	case c >= '0' && c <= '9':
		return l.span(tokenNumber, "0123456789."), nil
	case isNameByte(c):
		n := 0
		for n < len(l.rest) && (isNameByte(l.rest[n]) || l.rest[n] >= '0' && l.rest[n] <= '9') {
			n++
		}
		return l.cut(tokenName, n), nil
	}
	return l.sign()
}

func (l *lexer) sign() (token, error) {
	for _, sign := range []string{"!=", "<=", ">=", "=~"} {
		if strings.HasPrefix(l.rest, sign) {
			return l.cut(tokenSign, len(sign)), nil
		}
	}
	if strings.ContainsRune("|=<>+-*/%^(),[]", rune(l.rest[0])) {
		return l.cut(tokenSign, 1), nil
	}
	return token{}, fmt.Errorf("%.20q begins no token", l.rest)
}

// isNameByte reports whether a name may have a character without backticks. Only functions' names have underscores.
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '@' || c == '.' || c == '_'
}

func (l *lexer) cut(kind, n int) token {
	t := token{kind, l.rest[:n]}
	l.rest = l.rest[n:]
	return t
}

func (l *lexer) span(kind int, of string) token {
	return l.cut(kind, len(l.rest)-len(strings.TrimLeft(l.rest, of)))
}

// quoted returns the text between two marks. A backslash escapes a mark, and stays in regular expressions.
func (l *lexer) quoted(kind int, mark byte) (token, error) {
	var text strings.Builder
	for i := 1; i < len(l.rest); i++ {
		switch c := l.rest[i]; {
		case c == mark:
			l.rest = l.rest[i+1:]
			return token{kind, text.String()}, nil
		case c == '\\' && i+1 < len(l.rest):
			if kind == tokenPattern {
				text.WriteByte(c)
			}
			i++
			text.WriteByte(l.rest[i])
		default:
			text.WriteByte(c)
		}
	}
	return token{}, fmt.Errorf("%.20q has no end", l.rest)
}
