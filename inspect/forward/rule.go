package forward

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// Rule is a bypass rule: it excludes the part of a flow that is of no use to a parser. What the part is follows from its
// Bypass. Segments with SYN, FIN or RST, and most of those without payload, are forwarded whatever the rules are: from them
// a sensor learns that bytes are missing and where the connection ends.
type Rule struct {
	Bypass Bypass
	Bytes  uint64        // of BypassAfter
	If     *where.Filter // over Fields: the rule applies to flows that match; nil matches all
}

// Bypass is the part of a flow that a rule excludes.
type Bypass uint8

// Parts of a flow.
const (
	// BypassTLS is the encrypted part of each direction once both hellos were parsed, except the segment in which it
	// begins. Of bare acknowledgments of encrypted bytes, one in 16 KiB is forwarded. The messages of a renegotiation are
	// encrypted too, and excluded.
	BypassTLS Bypass = iota
	// BypassQUIC is, once the client's hello was parsed, every datagram that begins with a packet that only the two ends
	// can decrypt: a packet with a short header; of versions 1 and 2 a Handshake or 0-RTT packet; of Google's versions up
	// to Q043 a packet without a version and without the start of a handshake message, which is in the clear.
	BypassQUIC
	// BypassHTTP is every segment that lies within the body of an HTTP/1 message, with nothing of a header or of the next
	// message.
	BypassHTTP
	// BypassAfter is everything after a number of payload bytes of both directions together.
	BypassAfter
	bypasses
)

var bypassNames = [bypasses]string{BypassTLS: "tls", BypassQUIC: "quic", BypassHTTP: "http", BypassAfter: "after"}

var bypassReasons = [bypasses]event.Exclusion{
	BypassTLS: event.BypassTLS, BypassQUIC: event.BypassQUIC, BypassHTTP: event.BypassHTTP, BypassAfter: event.BypassAfter,
}

// MaxRules is the highest number of bypass rules.
const MaxRules = 15

// ParseRule parses a rule: tls, quic, http or "after SIZE", optionally followed by "if" and an expression. parseSize parses
// the size.
func ParseRule(text string, parseSize func(string) (uint64, error)) (r Rule, err error) {
	part, condition, conditional := strings.Cut(text, " if ")
	word, size, sized := strings.Cut(strings.TrimSpace(part), " ")
	for r.Bypass = 0; r.Bypass < bypasses && bypassNames[r.Bypass] != word; r.Bypass++ {
	}
	switch {
	case r.Bypass == bypasses:
		return r, fmt.Errorf("%q: want tls, quic, http or after SIZE, optionally followed by if EXPRESSION", text)
	case sized && r.Bypass != BypassAfter:
		return r, fmt.Errorf("%q: %q after %s: want if and an expression, or nothing; each rule needs a flag of its own", text, size, word)
	case !sized && r.Bypass == BypassAfter:
		return r, fmt.Errorf("%q: the size is missing: want one such as after 64KiB", text)
	case sized:
		if r.Bytes, err = parseSize(strings.TrimSpace(size)); err != nil {
			return r, fmt.Errorf("%q: %w", text, err)
		}
	}
	if !conditional {
		return r, nil
	}
	if r.If, err = Fields.Compile(condition); err != nil {
		var e *where.Error
		if errors.As(err, &e) {
			e.Column += utf8.RuneCountInString(text[:len(text)-len(condition)])
		}
		return r, fmt.Errorf("%q: %w", text, err)
	}
	return r, nil
}

// ruleSet is the bypass rules of a Selector.
type ruleSet struct {
	list        []Rule
	has         [bypasses]bool
	conditional bool // a rule has an expression
}

func newRuleSet(list []Rule) (s ruleSet) {
	for _, rule := range list {
		rule.If = clone(rule.If)
		s.list = append(s.list, rule)
		s.has[rule.Bypass] = true
		s.conditional = s.conditional || rule.If != nil
	}
	return s
}
