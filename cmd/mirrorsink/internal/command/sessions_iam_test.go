package command

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// madeCalls are the calls that EC2 was asked to do since it was asked last, as policies name them. Dry runs do nothing.
func madeCalls(ec2 *ec2test.Server) (all []string) {
	calls := ec2.Calls()
	for _, m := range ec2.Mutations() {
		if m.DryRun {
			calls[m.Action]--
		}
	}
	for action, n := range calls {
		service := "ec2:"
		if slices.Contains([]string{"DescribeLoadBalancers", "DescribeLoadBalancerAttributes", "DescribeListeners", "DescribeTargetGroups", "DescribeTargetHealth"}, action) {
			service = "elasticloadbalancing:"
		}
		if n > 0 {
			all = append(all, service+action)
		}
	}
	ec2.ForgetCalls()
	return all
}

// TestPoliciesAllowWhatIsCalled, and nothing else: the calls of each command, through all that it can come to do, are those of
// its policy. Tags are not put on by calls of their own.
func TestPoliciesAllowWhatIsCalled(t *testing.T) {
	ec2 := playground(t, func(a *ec2test.Account) { a.LoadBalancers[0].Groups = []string{a.SecurityGroups[2].ID} }) // which admits
	spec := specFile(t, inOrder)
	allowed := func(command string, calls []string) {
		p, err := sessions.PolicyFor(command, sessions.Scope{})
		require.NoError(t, err)
		actions := slices.DeleteFunc(p.Actions(), func(a string) bool { return a == "ec2:CreateTags" })
		assert.Equal(t, actions, slices.Compact(slices.Sorted(slices.Values(calls))), command)
	}
	runs := func(status int, args ...string) []string {
		r := runHere(t, args...)
		require.Equal(t, status, r.code, r.stdout+r.stderr)
		return madeCalls(ec2)
	}
	allowed("plan", runs(exitFindings, "sessions", "plan", "-f", spec))

	apply := runs(exitOK, "sessions", "apply", "-f", spec)
	changed := specFile(t, strings.NewReplacer(
		"everything: {}", "everything: {amazon-dns: false, ingress: [{action: reject, source: 10.0.0.0/8}]}",
		"packet-length: 8500", "packet-length: 8000").Replace(inOrder))
	apply = append(apply, runs(exitOK, "sessions", "apply", "-f", changed)...)
	ec2.FailNext(ec2test.Refused("TrafficMirrorFilterRuleAlreadyExists", "It is there."), 1, "CreateTrafficMirrorFilterRule")
	apply = append(apply, runs(exitError, "sessions", "apply", "-f", spec)...)
	apply = append(apply, runs(exitOK, "sessions", "apply", "-f", spec)...)
	allowed("inventory", runs(exitOK, "sessions", "inventory"))
	allowed("doctor", runs(exitOK, "doctor", "-f", spec))
	apply = append(apply, runs(exitOK, "sessions", "destroy", "--yes", "-f", spec)...)
	allowed("apply", apply)
	allowed("watch", apply)
}

func TestIAMPolicy(t *testing.T) {
	for _, args := range [][]string{{}, {"plan"}, {"watch", "--owner", "a/b", "--account", "111122223333", "--region", "eu-west-1"}} {
		r := runHere(t, append([]string{"sessions", "iam-policy"}, args...)...)
		require.Equal(t, exitOK, r.code, r.stderr)
		var p sessions.Policy
		require.NoError(t, json.Unmarshal([]byte(r.stdout), &p))
		assert.NotEmpty(t, p.Statement)
	}
	for _, args := range [][]string{{"destroy"}, {"plan", "apply"}, {"--account", "12"}} {
		r := runHere(t, append([]string{"sessions", "iam-policy"}, args...)...)
		assert.Equal(t, exitUsage, r.code, args)
		oneLine(t, r.stderr)
	}
}

// TestIAMPolicyOfAlerts: outputs are given as for listen, and each has its own resource. Stars are not taken.
func TestIAMPolicyOfAlerts(t *testing.T) {
	const topic = "arn:aws:sns:eu-west-1:111122223333:egress"
	r := runHere(t, "sessions", "iam-policy", "alerts", "--alert", "sns:"+topic, "--alert", "eve", "--alert", "webhook:https://x.example", "--cloudwatch-metrics", "Mirrorsink")
	require.Equal(t, exitOK, r.code, r.stderr)
	var p sessions.Policy
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &p))
	require.Equal(t, []string{"cloudwatch:PutMetricData", "sns:Publish"}, p.Actions())
	require.Equal(t, []string{topic}, p.Statement[0].Resource)
	for _, args := range [][]string{
		{"alerts"}, {"alerts", "--alert", "eve"}, {"alerts", "--alert", "sns:*"}, {"alerts", "--alert", "sns:" + topic + "*"}, {"alerts", "--alert", "eventbridge:*"},
		{"alerts", "--alert", "nothing"}, {"alerts", "--cloudwatch-metrics", "*"}, {"alerts", "--alert", "sns:" + topic, "--kms-key", "*"}, {"apply", "--alert", "securityhub"},
	} {
		r := runHere(t, append([]string{"sessions", "iam-policy"}, args...)...)
		assert.Equal(t, exitUsage, r.code, args)
		assert.Empty(t, r.stdout)
	}
}
