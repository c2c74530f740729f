package insights_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// query is the commands of a query, in order. The parser knows the commands that the queries here use.
type query []command

// command computes rows from rows.
type command func(*result) error

// parser reads a query with one token of look-ahead.
type parser struct {
	lexer
	tok   token
	start string // the rest of the query, from the token on
}

// parseQuery reads a query of CloudWatch Logs Insights.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
func parseQuery(text string) (query, error) {
	p := &parser{lexer: lexer{text}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	var q query
	last := ""
	for {
		name := strings.ToLower(p.tok.text)
		if last == "dedup" && name != "limit" {
			return nil, fmt.Errorf("%s after dedup: only limit may follow", name)
		}
		c, err := p.command()
		if err != nil {
			return nil, err
		}
		q, last = append(q, c), name
		if p.tok.kind == tokenEnd {
			return q, nil
		}
		if err := p.expect("|"); err != nil {
			return nil, err
		}
	}
}

func (p *parser) advance() (err error) {
	pattern := p.tok.is("like") || p.tok.is("=~")
	p.blank()
	p.start = p.rest
	p.tok, err = p.next(pattern)
	return err
}

func (p *parser) expect(sign string) error {
	if !p.tok.is(sign) {
		return fmt.Errorf("want %q, not %q", sign, p.tok.text)
	}
	return p.advance()
}

// accept skips a sign or keyword, if it is the next token.
func (p *parser) accept(text string) (bool, error) {
	if !p.tok.is(text) {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) command() (command, error) {
	name := strings.ToLower(p.tok.text)
	if name == "parse" {
		return p.parse()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch name {
	case "fields":
		return p.fields()
	case "filter":
		e, err := p.expression()
		return filter(e), err
	case "stats":
		return p.stats()
	case "sort":
		return p.sort()
	case "limit":
		n, err := strconv.Atoi(p.tok.text)
		if err != nil {
			return nil, fmt.Errorf("limit %q: %w", p.tok.text, err)
		}
		return limit(n), p.advance()
	case "dedup":
		columns, err := p.columns()
		return dedup(columns), err
	}
	return nil, fmt.Errorf("unknown command %q", name)
}

// parse reads: parse FIELD "glob" as NAME, ... or parse FIELD /regular expression/.
func (p *parser) parse() (command, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	from := p.tok.text
	var err error
	if p.tok, err = p.next(true); err != nil {
		return nil, err
	}
	pattern := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if pattern.kind == tokenPattern {
		re, err := regexp.Compile(pattern.text)
		if err != nil {
			return nil, err
		}
		return extract(from, re, re.SubexpNames()[1:]), nil
	}
	if pattern.kind != tokenText {
		return nil, fmt.Errorf("parse %s %q: want a text or regular expression", from, pattern.text)
	}
	if err := p.expect("as"); err != nil {
		return nil, err
	}
	names, err := p.names()
	if err != nil {
		return nil, err
	}
	re, err := glob(pattern.text, len(names))
	return extract(from, re, names), err
}

// glob converts a text in which each * is a field to a regular expression. The last field takes the rest.
func glob(text string, names int) (*regexp.Regexp, error) {
	parts := strings.Split(text, "*")
	if len(parts) != names+1 {
		return nil, fmt.Errorf("%d times * for %d names", len(parts)-1, names)
	}
	var re strings.Builder
	re.WriteString("(?s)")
	for i, part := range parts {
		if i > 0 {
			re.WriteString("(.*?)")
		}
		re.WriteString(regexp.QuoteMeta(part))
	}
	if parts[len(parts)-1] == "" {
		re.WriteByte('$')
	}
	return regexp.Compile(re.String())
}

// names reads distinct names separated by commas.
func (p *parser) names() (names []string, err error) {
	for more := true; more && err == nil; {
		if p.tok.kind != tokenName || slices.Contains(names, p.tok.text) {
			return nil, fmt.Errorf("want a name that is not there yet, not %q", p.tok.text)
		}
		names = append(names, p.tok.text)
		if err = p.advance(); err == nil {
			more, err = p.accept(",")
		}
	}
	return names, err
}

// columns reads expressions separated by commas, each named by its alias or by its text.
func (p *parser) columns() (columns []column, err error) {
	for more := true; more && err == nil; {
		start := p.start
		var c column
		if c.of, err = p.expression(); err != nil {
			return nil, err
		}
		c.name = strings.TrimSpace(strings.TrimSuffix(start, p.start))
		if c.of.op == "field" {
			c.name = c.of.text
		}
		named, err := p.accept("as")
		if err != nil {
			return nil, err
		}
		if named {
			c.name = p.tok.text
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
		columns = append(columns, c)
		if more, err = p.accept(","); err != nil {
			return nil, err
		}
	}
	return columns, err
}

func (t token) isField() bool { return t.kind == tokenName || t.kind == tokenField }

func (p *parser) fields() (command, error) {
	columns, err := p.columns()
	return fields(columns), err
}

func (p *parser) stats() (command, error) {
	aggregates, err := p.columns()
	if err != nil {
		return nil, err
	}
	grouped, err := p.accept("by")
	if err != nil || !grouped {
		return stats(aggregates, nil), err
	}
	by, err := p.columns()
	return stats(aggregates, by), err
}

// sort requires an explicit order.
func (p *parser) sort() (command, error) {
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	descending, err := p.accept("desc")
	if err != nil || descending {
		return sortBy(e, true), err
	}
	return sortBy(e, false), p.expect("asc")
}
