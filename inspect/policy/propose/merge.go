package propose

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Policy returns a new policy of rules.
func Policy(rules []Rule, comment string) []byte {
	text := fmt.Appendf(nil, "# %s\nallow:\n", comment)
	if len(rules) == 0 {
		return fmt.Appendf(nil, "# %s\nallow: []\n", comment)
	}
	return AppendRules(text, rules, "  ")
}

// Merge adds rules to the end of a policy's allow list. The rest of the text, comments included, stays as it is. The text must parse as a
// policy.
func Merge(text []byte, rules []Rule) ([]byte, error) {
	if len(rules) == 0 {
		return text, nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	top := document.Content[0]
	if top.Style&yaml.FlowStyle != 0 {
		return nil, errFlowStyle
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i := 0; i < len(top.Content); i += 2 {
		if top.Content[i].Value != "allow" {
			continue
		}
		next := len(lines) + 1
		if i+2 < len(top.Content) {
			next = top.Content[i+2].Line
		}
		return insert(lines, top.Content[i], top.Content[i+1], next, rules)
	}
	return nil, errors.New("the policy has no allow")
}

var errFlowStyle = errors.New("allow is written with brackets: write it as a list with a dash for each rule, so that rules can be added")

// insert adds rules behind the list. next is the line of the next key, counted from 1, or one behind the last.
func insert(lines []string, key, list *yaml.Node, next int, rules []Rule) ([]byte, error) {
	indent := strings.Repeat(" ", 2)
	end := next - 1
	switch {
	case list.Style&yaml.FlowStyle == 0 && len(list.Content) > 0:
		indent = strings.Repeat(" ", list.Content[0].Column-1-2)
		if dash := strings.IndexByte(lines[list.Content[0].Line-1], '-'); dash >= 0 {
			indent = lines[list.Content[0].Line-1][:dash]
		}
	case len(list.Content) == 0 && list.Line == key.Line:
		line := lines[key.Line-1]
		_, rest, _ := strings.Cut(line[list.Column-1:], "]")
		lines[key.Line-1] = strings.TrimRight(line[:list.Column-1], " ") + strings.TrimRight(rest, " \n") + "\n"
		end = key.Line
	default:
		return nil, errFlowStyle
	}
	for end > key.Line && isFiller(lines[end-1]) { // comments and blank lines in front of the next key are its own
		end--
	}
	before := strings.Join(lines[:end], "")
	if !strings.HasSuffix(before, "\n") {
		before += "\n"
	}
	return append(AppendRules([]byte(before), rules, indent), strings.Join(lines[end:], "")...), nil
}

func isFiller(line string) bool {
	t := strings.TrimSpace(line)
	return t == "" || t[0] == '#' && line[0] == '#'
}
