package strictyaml

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxQuote is the length in runes to which a value is cut in a message: enough for an ARN.
const maxQuote = 160

// Quote quotes a value of the file for a message, cut to maxQuote.
func Quote(text string) string {
	if utf8.RuneCountInString(text) > maxQuote {
		text = string([]rune(text)[:maxQuote]) + "…"
	}
	return strconv.Quote(text)
}

// Text accepts any text that is not empty.
func Text(text string) (string, error) {
	if text == "" {
		return "", errors.New("the text is empty")
	}
	return text, nil
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Name accepts the name of a part of a file.
func Name(text string) (string, error) {
	if !nameForm.MatchString(text) {
		return "", fmt.Errorf("want 1 to 64 letters, digits, dots, dashes or underscores, found %s", Quote(text))
	}
	return text, nil
}

// Bool reads true or false.
func Bool(text string) (bool, error) {
	if text != "true" && text != "false" {
		return false, fmt.Errorf("want true or false, found %s", Quote(text))
	}
	return text == "true", nil
}

// Word returns a parser that accepts the given words.
func Word(words ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		for _, w := range words {
			if text == w {
				return w, nil
			}
		}
		return "", fmt.Errorf("want %s, found %s", strings.Join(words, " or "), Quote(text))
	}
}

// Number returns a parser of numbers from one limit to another. why explains the limits in messages.
func Number(from, to int, why string) func(string) (int, error) {
	return func(text string) (int, error) {
		if n, ok := Decimal(text); ok && n >= from && n <= to {
			return n, nil
		}
		return 0, fmt.Errorf("want a number from %d to %d%s, found %s", from, to, why, Quote(text))
	}
}

// Decimal reads a number without a sign. It refuses leading zeros, which mean octal in YAML 1.1.
func Decimal(text string) (int, bool) {
	if len(text) > 1 && text[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}

// Range reads "N" or "A-B", each at most limit.
func Range(text string, limit int, what string) (from, to int, err error) {
	first, last, ranged := strings.Cut(text, "-")
	from, ok := Decimal(first)
	to = from
	if ok && ranged {
		to, ok = Decimal(last)
	}
	switch {
	case !ok:
		return 0, 0, fmt.Errorf("want one %s or a range of them, such as 5 or 5-9, found %s", what, Quote(text))
	case from > limit || to > limit:
		return 0, 0, fmt.Errorf("%s: a %s is at most %d", Quote(text), what, limit)
	case from > to:
		return 0, 0, fmt.Errorf("the range %s ends before it begins: want %d-%d", Quote(text), to, from)
	}
	return from, to, nil
}

// Prefix reads a CIDR block, or an address as a block of one.
func Prefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" && !addr.Is4In6() {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%s is neither a CIDR block nor an address: want such as 10.0.0.0/8 or 2001:db8::/32", Quote(text))
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("%s has bits behind its length: want %v", Quote(text), p.Masked())
	}
	return p, nil
}
