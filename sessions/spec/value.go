package spec

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxQuote is the length in runes to which a value is cut in a message: enough for an ARN.
const maxQuote = 160

func quote(text string) string {
	if utf8.RuneCountInString(text) > maxQuote {
		text = string([]rune(text)[:maxQuote]) + "…"
	}
	return strconv.Quote(text)
}

var (
	ownerForm = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,64}$`)
	nameForm  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	zoneForm  = regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+[a-z]$`) // eu-west-1a, us-west-2-lax-1a; not a zone's ID, such as euw1-az1
)

// CheckOwner reports text that cannot be an owner.
func CheckOwner(text string) error {
	_, err := parseOwner(text)
	return err
}

func parseOwner(text string) (string, error) {
	if !ownerForm.MatchString(text) {
		return "", fmt.Errorf("want 1 to 64 letters, digits, dots, dashes, underscores or slashes, found %s", quote(text))
	}
	return text, nil
}

func parseName(text string) (string, error) {
	if !nameForm.MatchString(text) {
		return "", fmt.Errorf("want 1 to 64 letters, digits, dots, dashes or underscores, found %s", quote(text))
	}
	return text, nil
}

func parseZone(text string) (string, error) {
	if !zoneForm.MatchString(text) {
		return "", fmt.Errorf("%s is not the name of an availability zone, such as eu-west-1a", quote(text))
	}
	return text, nil
}

func parseText(text string) (string, error) {
	if text == "" {
		return "", errors.New("the text is empty")
	}
	return text, nil
}

func parseBool(text string) (bool, error) {
	if text != "true" && text != "false" {
		return false, fmt.Errorf("want true or false, found %s", quote(text))
	}
	return text == "true", nil
}

// parseWord returns a parser that accepts the given words.
func parseWord(words ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		for _, w := range words {
			if text == w {
				return w, nil
			}
		}
		return "", fmt.Errorf("want %s, found %s", strings.Join(words, " or "), quote(text))
	}
}

// parseNumber returns a parser of numbers from one limit to another. why explains the limits in messages.
func parseNumber(from, to int, why string) func(string) (int, error) {
	return func(text string) (int, error) {
		if n, ok := decimal(text); ok && n >= from && n <= to {
			return n, nil
		}
		return 0, fmt.Errorf("want a number from %d to %d%s, found %s", from, to, why, quote(text))
	}
}

// decimal reads a number without a sign. It refuses leading zeros, which mean octal in YAML 1.1.
func decimal(text string) (int, bool) {
	if len(text) > 1 && text[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}

// parseRange reads "N" or "A-B", each at most limit.
func parseRange(text string, limit int, what string) (from, to int, err error) {
	first, last, ranged := strings.Cut(text, "-")
	from, ok := decimal(first)
	to = from
	if ok && ranged {
		to, ok = decimal(last)
	}
	switch {
	case !ok:
		return 0, 0, fmt.Errorf("want one %s or a range of them, such as 5 or 5-9, found %s", what, quote(text))
	case from > limit || to > limit:
		return 0, 0, fmt.Errorf("%s: a %s is at most %d", quote(text), what, limit)
	case from > to:
		return 0, 0, fmt.Errorf("the range %s ends before it begins: want %d-%d", quote(text), to, from)
	}
	return from, to, nil
}
