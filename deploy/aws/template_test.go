// Package aws_test holds the CloudFormation templates of this folder to the program.
package aws_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write athena.yaml, the user data in the templates and testdata/files anew")

// template is a template of CloudFormation, read with values for its parameters.
type template struct {
	t          testing.TB
	file       string
	root       map[string]*yaml.Node // its sections
	parameters map[string]any
	known      map[string]any // what Ref and GetAtt return of resources: "Records", "Records.Arn"
}

// noValue is what AWS::NoValue stands for: the property is left out.
type noValue struct{}

func readTemplate(t testing.TB, file string, given map[string]any) *template {
	out := &template{t: t, file: file, parameters: map[string]any{
		"AWS::StackName": "mirror", "AWS::Region": "eu-west-1", "AWS::AccountId": "111122223333", "AWS::Partition": "aws", "AWS::NoValue": noValue{},
	}}
	out.root = sections(t, readFile(t, file))
	var parameters map[string]struct {
		Default *string `yaml:"Default"`
	}
	node := out.root["Parameters"]
	require.NoError(t, node.Decode(&parameters), file)
	for name, p := range parameters {
		if p.Default != nil {
			out.parameters[name] = *p.Default
		}
	}
	for name, v := range given {
		require.Contains(t, parameters, name, file)
		out.parameters[name] = v
	}
	return out
}

func sections(t testing.TB, text string) map[string]*yaml.Node {
	var n yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &n))
	return pairs(n.Content[0])
}

func readFile(t testing.TB, name string) string {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// resources are those whose conditions hold: their type and properties by name.
func (c *template) resources() map[string]map[string]any {
	out := map[string]map[string]any{}
	resources := pairs(c.root["Resources"])
	for name, node := range resources {
		fields := pairs(node)
		if condition := fields["Condition"]; condition == nil || c.holds(condition.Value) {
			out[name] = c.eval(node).(map[string]any)
		}
	}
	return out
}

// properties are those of a resource.
func (c *template) properties(name string) map[string]any {
	r := c.resources()[name]
	require.NotNil(c.t, r, "%s: no resource %s", c.file, name)
	return r["Properties"].(map[string]any)
}

func (c *template) holds(condition string) bool {
	node := pairs(c.root["Conditions"])[condition]
	require.NotNil(c.t, node, "%s: no condition %s", c.file, condition)
	return c.eval(node).(bool)
}

func pairs(n *yaml.Node) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	if n == nil {
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		out[n.Content[i].Value] = n.Content[i+1]
	}
	return out
}

// eval returns a value with its functions evaluated.
func (c *template) eval(n *yaml.Node) any {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return c.call(strings.TrimPrefix(n.Tag, "!"), n)
	}
	switch n.Kind {
	case yaml.MappingNode:
		if len(n.Content) == 2 && strings.HasPrefix(n.Content[0].Value, "Fn::") {
			return c.call(strings.TrimPrefix(n.Content[0].Value, "Fn::"), n.Content[1])
		}
		out := map[string]any{}
		for key, value := range pairs(n) {
			if v := c.eval(value); v != (noValue{}) {
				out[key] = v
			}
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, value := range n.Content {
			if v := c.eval(value); v != (noValue{}) {
				out = append(out, v)
			}
		}
		return out
	default:
		var v any
		require.NoError(c.t, n.Decode(&v))
		return v
	}
}

// call evaluates a function of CloudFormation.
func (c *template) call(function string, n *yaml.Node) any {
	switch function {
	case "Ref", "GetAtt":
		return c.lookup(n.Value)
	case "Sub":
		return c.substitute(n)
	case "Base64":
		return c.eval(n)
	case "If":
		if c.holds(n.Content[0].Value) {
			return c.eval(n.Content[1])
		}
		return c.eval(n.Content[2])
	}
	plain := *n
	plain.Tag = ""
	return c.apply(function, c.eval(&plain).([]any))
}

// apply evaluates a function of values.
func (c *template) apply(function string, args []any) any {
	switch function {
	case "Equals":
		return fmt.Sprint(args[0]) == fmt.Sprint(args[1])
	case "Not":
		return !args[0].(bool)
	case "Or":
		return args[0].(bool) || args[1].(bool)
	case "And":
		return args[0].(bool) && args[1].(bool)
	case "Select":
		return args[1].([]any)[args[0].(int)]
	case "Split":
		var out []any
		for _, part := range strings.Split(args[1].(string), args[0].(string)) {
			out = append(out, part)
		}
		return out
	case "Join":
		var parts []string
		for _, part := range args[1].([]any) {
			parts = append(parts, fmt.Sprint(part))
		}
		return strings.Join(parts, args[0].(string))
	case "FindInMap":
		return c.eval(pairs(pairs(pairs(c.root["Mappings"])[args[0].(string)])[args[1].(string)])[args[2].(string)])
	}
	require.Fail(c.t, "unknown function "+function, c.file)
	return nil
}

// lookup returns a parameter, or what is known of a resource; its name in brackets if nothing is.
func (c *template) lookup(name string) any {
	if v, ok := c.parameters[name]; ok {
		return v
	}
	if v, ok := c.known[name]; ok {
		return v
	}
	resource, _, _ := strings.Cut(name, ".")
	require.NotNil(c.t, pairs(c.root["Resources"])[resource], "%s: no parameter and no resource %s", c.file, name)
	return "<" + name + ">"
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

func (c *template) substitute(n *yaml.Node) string {
	text, local := n.Value, map[string]*yaml.Node{}
	if n.Kind == yaml.SequenceNode {
		text, local = n.Content[0].Value, pairs(n.Content[1])
	}
	return variable.ReplaceAllStringFunc(text, func(v string) string {
		name := v[2 : len(v)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		if value := local[name]; value != nil {
			return fmt.Sprint(c.eval(value))
		}
		return fmt.Sprint(c.lookup(name))
	})
}

// TestFunctions: the functions of templates have the results that AWS documents.
func TestFunctions(t *testing.T) {
	for text, want := range map[string]any{
		`!Ref A`:                                   "x",
		`!Sub "${A}-${!A}"`:                        "x-${A}",
		`!Sub ["${B}", {B: 7}]`:                    "7",
		`!If [Yes, 1, 2]`:                          1,
		`!If [No, 1, 2]`:                           2,
		`[1, !Ref "AWS::NoValue"]`:                 []any{1},
		`!Join ["", !Split ["s3://", "s3://b/k"]]`: "b/k",
		`!Select [0, !Split [":", "https://h"]]`:   "https",
		`!FindInMap [M, K, V]`:                     3,
		`{"Fn::Base64": !Sub "${AWS::Region}"}`:    "eu-west-1",
		`!GetAtt R.Arn`:                            "<R.Arn>",
	} {
		var n yaml.Node
		require.NoError(t, yaml.Unmarshal([]byte(text), &n))
		c := &template{t: t, parameters: map[string]any{"A": "x", "AWS::NoValue": noValue{}, "AWS::Region": "eu-west-1"}}
		c.root = sections(t, "Conditions: {Yes: !Equals [!Ref A, x], No: !Not [!Equals [!Ref A, x]]}\nMappings: {M: {K: {V: 3}}}\nResources: {R: {}}")
		require.Equal(t, want, c.eval(n.Content[0]), text)
	}
}
