package sessions

import (
	"bytes"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

var narrow = Scope{Owner: "payments-prod", Account: "111122223333", Region: "eu-west-1"}

// TestPoliciesAreDocumented: docs/iam.md shows the policies of plan, apply and doctor as they are printed, and has a line for
// each action of any, and for no other.
func TestPoliciesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/iam.md")
	require.NoError(t, err)
	var actions []string
	for _, command := range PolicyCommands() {
		p, err := PolicyFor(command, narrow)
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, p.Print(&out))
		assert.Contains(t, string(page), "```json\n"+out.String()+"```\n", command)
		actions = append(actions, p.Actions()...)
	}
	slices.Sort(actions)
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9]+:[A-Za-z]+)`").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, m[1])
	}
	assert.ElementsMatch(t, slices.Compact(actions), documented)
}

func TestPolicyOfUnknownCommand(t *testing.T) {
	_, err := PolicyFor("destroy", Scope{})
	assert.EqualError(t, err, `"destroy" has no policy of its own: there are plan, apply, watch, inventory, doctor, lifecycle`)
}

func TestPartitions(t *testing.T) {
	for region, arn := range map[string]string{
		"": "arn:aws:ec2:*:*:x/*", "eu-west-1": "arn:aws:ec2:eu-west-1:*:x/*",
		"cn-north-1": "arn:aws-cn:ec2:cn-north-1:*:x/*", "us-gov-west-1": "arn:aws-us-gov:ec2:us-gov-west-1:*:x/*",
		"us-iso-east-1": "arn:aws-iso:ec2:us-iso-east-1:*:x/*", "us-isob-east-1": "arn:aws-iso-b:ec2:us-isob-east-1:*:x/*",
		"eu-isoe-west-1": "arn:aws-iso-e:ec2:eu-isoe-west-1:*:x/*", "us-isof-south-1": "arn:aws-iso-f:ec2:us-isof-south-1:*:x/*",
		"eusc-de-east-1": "arn:aws-eusc:ec2:eusc-de-east-1:*:x/*", "us-east-1": "arn:aws:ec2:us-east-1:*:x/*",
	} {
		assert.Equal(t, []string{arn}, Scope{Region: region}.arns("x"))
	}
}

// part is a resource that EC2 asks about when a call is made.
type part struct {
	arn  string
	tags account.Tags // of what is there
}

// request is a call as IAM sees it.
type request struct {
	action string
	keys   account.Tags // condition keys of the request
	parts  []part
}

// allows is IAM's judgement: each resource must be allowed by a statement.
func (p *Policy) allows(r request) bool {
	return !slices.ContainsFunc(r.parts, func(about part) bool {
		return !slices.ContainsFunc(p.Statement, func(s Statement) bool {
			return slices.Contains(s.Action, r.action) && s.covers(about.arn) && s.holds(r, about)
		})
	})
}

func (s *Statement) covers(arn string) bool {
	return slices.ContainsFunc(s.Resource, func(pattern string) bool {
		ok, _ := path.Match(strings.ReplaceAll(pattern, "/", ":"), strings.ReplaceAll(arn, "/", ":"))
		return ok
	})
}

func (s *Statement) holds(r request, about part) bool {
	for operator, keys := range s.Condition {
		for key, values := range keys {
			value, there := r.keys[key]
			if tag, ok := strings.CutPrefix(key, "aws:ResourceTag/"); ok {
				value, there = about.tags[tag]
			}
			if !there || operator != "StringLike" && !slices.Contains(values, value) {
				return false
			}
		}
	}
	return true
}

// at is a resource in the account and region of the narrow scope, with an owner's tag or with none.
func at(kind, owner string) part {
	p := part{arn: "arn:aws:ec2:eu-west-1:111122223333:" + kind + "/id"}
	if owner != "" {
		p.tags = account.Tags{account.OwnerTag: owner}
	}
	return p
}

// calls are those of apply with the resources that the service authorization reference lists for each. made is the owner in
// the tags of what is made, have that of what is there.
func callsOf(made, have string) []request {
	tags := account.Tags{}
	if made != "" {
		tags["aws:RequestTag/"+account.OwnerTag] = made
	}
	return []request{
		{"ec2:CreateTrafficMirrorTarget", tags, []part{at(targetType, ""), at(interfaceType, "")}},
		{"ec2:CreateTrafficMirrorFilter", tags, []part{at(filterType, "")}},
		{"ec2:CreateTrafficMirrorFilterRule", tags, []part{at(ruleType, ""), at(filterType, have)}},
		{"ec2:CreateTrafficMirrorSession", tags, []part{at(sessionType, ""), at(filterType, have), at(targetType, ""), at(interfaceType, "")}},
		{"ec2:ModifyTrafficMirrorFilterNetworkServices", nil, []part{at(filterType, have)}},
		{"ec2:ModifyTrafficMirrorFilterRule", nil, []part{at(filterType, have), at(ruleType, have)}},
		{"ec2:ModifyTrafficMirrorSession", nil, []part{at(sessionType, have), at(filterType, have), at(targetType, "")}},
		{"ec2:DeleteTrafficMirrorSession", nil, []part{at(sessionType, have)}},
		{"ec2:DeleteTrafficMirrorFilterRule", nil, []part{at(filterType, have), at(ruleType, have)}},
		{"ec2:DeleteTrafficMirrorFilter", nil, []part{at(filterType, have)}},
		{"ec2:DeleteTrafficMirrorTarget", nil, []part{at(targetType, have)}},
	}
}

// TestApplyMayChangeWhatIsOurs, and nothing else.
func TestApplyMayChangeWhatIsOurs(t *testing.T) {
	for _, scope := range []Scope{narrow, {}} {
		p, err := PolicyFor("apply", scope)
		require.NoError(t, err)
		for _, r := range callsOf("payments-prod", "payments-prod") {
			assert.True(t, p.allows(r), r.action)
		}
		for _, r := range callsOf("", "") { // without tags
			assert.False(t, p.allows(r), r.action)
		}
		for _, r := range callsOf("others", "others") {
			assert.Equal(t, scope.Owner == "", p.allows(r), r.action)
		}
	}
	p, err := PolicyFor("apply", narrow)
	require.NoError(t, err)
	for _, r := range callsOf("payments-prod", "payments-prod") {
		for i := range r.parts {
			elsewhere := request{r.action, r.keys, slices.Clone(r.parts)}
			elsewhere.parts[i].arn = strings.Replace(elsewhere.parts[i].arn, "111122223333", "999988887777", 1)
			shared := r.action != "ec2:CreateTrafficMirrorTarget" && r.action != "ec2:DeleteTrafficMirrorTarget" && strings.Contains(elsewhere.parts[i].arn, targetType)
			assert.Equal(t, shared, p.allows(elsewhere), "%s on %s", r.action, elsewhere.parts[i].arn)
		}
	}
}

// TestTagsComeWithCreation: what is there cannot be made ours by tagging it.
func TestTagsComeWithCreation(t *testing.T) {
	p, err := PolicyFor("apply", narrow)
	require.NoError(t, err)
	for _, kind := range []string{targetType, filterType, ruleType, sessionType} {
		r := request{"ec2:CreateTags", account.Tags{"aws:RequestTag/" + account.OwnerTag: "payments-prod"}, []part{at(kind, "")}}
		assert.False(t, p.allows(r), kind)
		for _, action := range creating {
			r.keys["ec2:CreateAction"] = action
			assert.True(t, p.allows(r), kind)
		}
		r.keys["ec2:CreateAction"] = "RunInstances"
		assert.False(t, p.allows(r), kind)
	}
}
