package sessions

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// Policy is an IAM policy document.
type Policy struct {
	Version   string
	Statement []Statement
}

// Statement allows actions on resources under conditions.
type Statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"` // by operator and key
}

// Scope narrows a policy. An empty field matches anything.
type Scope struct {
	Owner   string // of the spec
	Account string // twelve digits
	Region  string
}

// policies are the statements by command. The other commands make no calls, or those of one that is listed: destroy and status have the
// calls of apply and plan, listen with an inventory from EC2 those of inventory.
var policies = map[string]func(Scope) []Statement{
	"plan":      func(Scope) []Statement { return []Statement{readState(), readBehind()} },
	"apply":     Scope.apply,
	"watch":     Scope.apply,
	"inventory": func(Scope) []Statement { return []Statement{readState()} },
	"doctor":    func(Scope) []Statement { return []Statement{readState(), readNetwork()} },
	"lifecycle": Scope.lifecycle,
}

// PolicyCommands returns the commands that have a policy, in order.
func PolicyCommands() []string {
	return []string{"plan", "apply", "watch", "inventory", "doctor", "lifecycle"}
}

// PolicyFor returns the least policy with which a command can do everything.
func PolicyFor(command string, s Scope) (*Policy, error) {
	statements, ok := policies[command]
	if !ok {
		return nil, fmt.Errorf("%q has no policy of its own: there are %s", command, strings.Join(PolicyCommands(), ", "))
	}
	return &Policy{Version: "2012-10-17", Statement: statements(s)}, nil
}

// Print writes the document as IAM accepts it.
func (p *Policy) Print(out io.Writer) error { return printJSON(out, p) }

// Actions returns all actions that the policy allows, sorted, each once.
func (p *Policy) Actions() (all []string) {
	for _, s := range p.Statement {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Types of resources, as ARNs name them. The actions of each and the supported condition keys are listed at
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html.
const (
	targetType    = "traffic-mirror-target"
	filterType    = "traffic-mirror-filter"
	ruleType      = "traffic-mirror-filter-rule"
	sessionType   = "traffic-mirror-session"
	interfaceType = "network-interface"
	endpointType  = "vpc-endpoint"
)

// readState allows the calls that read a State. Describe calls have no resources.
func readState() Statement {
	return Statement{Sid: "ReadMirroring", Effect: "Allow", Resource: []string{"*"}, Action: []string{
		"ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces",
		"ec2:DescribeTrafficMirrorFilters", "ec2:DescribeTrafficMirrorSessions", "ec2:DescribeTrafficMirrorTargets",
	}}
}

// readBehind allows the calls that read what is behind load balancers that are targets.
func readBehind() Statement {
	return Statement{Sid: "ReadTargets", Effect: "Allow", Resource: []string{"*"}, Action: []string{
		"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
	}}
}

// readNetwork allows the calls with which doctor reads the network.
func readNetwork() Statement {
	return Statement{Sid: "ReadNetwork", Effect: "Allow", Resource: []string{"*"}, Action: []string{
		"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
		"elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeLoadBalancerAttributes", "elasticloadbalancing:DescribeLoadBalancers",
		"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
	}}
}

// lifecycle allows what listen with --lifecycle does for its instance.
func (s Scope) lifecycle() []Statement {
	group := fmt.Sprintf("arn:%s:autoscaling:%s:%s:autoScalingGroup:*:autoScalingGroupName/*", s.partition(), orAny(s.Region), orAny(s.Account))
	return []Statement{
		allow("FindTheHook", nil, []string{"autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeLifecycleHooks"}, []string{"*"}),
		allow("CompleteTheHook", nil, []string{"autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"}, []string{group}),
	}
}

// creating are the calls that create a resource.
var creating = []string{"CreateTrafficMirrorFilter", "CreateTrafficMirrorFilterRule", "CreateTrafficMirrorSession", "CreateTrafficMirrorTarget"}

// apply allows creating resources with the owner's tag, and changing and deleting those that have it. EC2 evaluates each resource of a call
// separately, so the created resource and the resources that it refers to have separate statements.
func (s Scope) apply() []Statement {
	read := readState()
	read.Action = append(read.Action, "ec2:DescribeTrafficMirrorFilterRules")
	slices.Sort(read.Action)
	all := []Statement{read, readBehind()}
	for _, made := range []struct{ action, kind string }{
		{"CreateTrafficMirrorTarget", targetType}, {"CreateTrafficMirrorFilter", filterType},
		{"CreateTrafficMirrorFilterRule", ruleType}, {"CreateTrafficMirrorSession", sessionType},
	} {
		all = append(all, allow(strings.Replace(made.action, "Create", "Make", 1), s.tagged("aws:RequestTag"), ec2Actions(made.action), s.arns(made.kind)))
	}
	tag := s.tagged("aws:RequestTag")
	tag["StringEquals"] = with(tag["StringEquals"], "ec2:CreateAction", creating)
	elsewhere := s
	elsewhere.Account = "" // a target may be shared by another account
	return append(all,
		allow("TagWhatIsMade", tag, ec2Actions("CreateTags"), s.arns(filterType, ruleType, sessionType, targetType)),
		allow("InterfacesAsTargets", nil, ec2Actions("CreateTrafficMirrorTarget"), s.arns(interfaceType, endpointType)),
		allow("InterfacesAsSources", nil, ec2Actions("CreateTrafficMirrorSession"), s.arns(interfaceType)),
		allow("TargetsOfSessions", nil, ec2Actions("CreateTrafficMirrorSession", "ModifyTrafficMirrorSession"), elsewhere.arns(targetType)),
		allow("UseOurFilters", s.tagged("aws:ResourceTag"), ec2Actions("CreateTrafficMirrorFilterRule", "CreateTrafficMirrorSession"), s.arns(filterType)),
		allow("ChangeOurs", s.tagged("aws:ResourceTag"), ec2Actions(
			"DeleteTrafficMirrorFilter", "DeleteTrafficMirrorFilterRule", "DeleteTrafficMirrorSession", "DeleteTrafficMirrorTarget",
			"ModifyTrafficMirrorFilterNetworkServices", "ModifyTrafficMirrorFilterRule", "ModifyTrafficMirrorSession",
		), s.arns(filterType, ruleType, sessionType, targetType)),
	)
}

func allow(sid string, condition map[string]map[string][]string, actions, resources []string) Statement {
	return Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources, Condition: condition}
}

func ec2Actions(names ...string) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = "ec2:" + n
	}
	return all
}

func with(m map[string][]string, key string, values []string) map[string][]string {
	if m == nil {
		m = map[string][]string{}
	}
	m[key] = values
	return m
}

// tagged returns the condition that a resource or request has the owner's tag, with any value if no owner is given.
func (s Scope) tagged(where string) map[string]map[string][]string {
	operator, owner := "StringEquals", s.Owner
	if owner == "" {
		operator, owner = "StringLike", "*"
	}
	return map[string]map[string][]string{operator: {where + "/" + account.OwnerTag: {owner}}}
}

// arns returns the ARNs of all resources of some types.
func (s Scope) arns(types ...string) []string {
	all := make([]string, len(types))
	for i, t := range types {
		all[i] = fmt.Sprintf("arn:%s:ec2:%s:%s:%s/*", s.partition(), orAny(s.Region), orAny(s.Account), t)
	}
	return all
}

func orAny(s string) string {
	if s == "" {
		return "*"
	}
	return s
}

// partitions are AWS's partitions, by the beginning of the names of their regions:
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
var partitions = map[string]string{
	"cn": "aws-cn", "us-gov": "aws-us-gov", "us-iso": "aws-iso", "us-isob": "aws-iso-b", "eu-isoe": "aws-iso-e", "us-isof": "aws-iso-f", "eusc": "aws-eusc",
}

// partition returns the AWS partition of the region.
func (s Scope) partition() string {
	for begin, name := range partitions {
		if strings.HasPrefix(s.Region, begin+"-") {
			return name
		}
	}
	return "aws"
}
