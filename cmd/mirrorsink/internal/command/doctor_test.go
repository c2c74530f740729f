package command

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/host"
	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/doctor"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// playground is the small account of ec2test, load balancers included.
func playground(t *testing.T, change ...func(*ec2test.Account)) *ec2test.Server {
	account := ec2test.Playground()
	for _, f := range change {
		f(&account)
	}
	srv := startEC2(t, account)
	t.Setenv("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", srv.URL)
	return srv
}

// setupChecks is the number of checks of a set-up, the rows of its table in docs/doctor.md.
const setupChecks = 19

// inOrder is a set-up of the playground in which nothing is found, once it is applied.
const inOrder = `owner: demo
targets: {sink: {network-load-balancer: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sink/0a10000000000001"}}
filters: {everything: {}}
sources: {database: {tags: {service: database}}}
sessions: {database: {sources: database, filter: everything, target: sink, packet-length: 8500}}
`

// diagnosis runs doctor for programs.
func diagnosis(t *testing.T, status int, args ...string) *doctor.Diagnosis {
	t.Helper()
	r := runHere(t, append([]string{"doctor", "-o", "json"}, args...)...)
	require.Equal(t, status, r.code, r.stdout+r.stderr)
	d := &doctor.Diagnosis{}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), d))
	assert.Equal(t, status == exitFindings, len(d.Findings) > 0)
	return d
}

// found are the checks that found something.
func found(d *doctor.Diagnosis) (names []string) {
	for _, f := range d.Findings {
		names = append(names, f.Check)
	}
	return slices.Compact(names)
}

func TestDoctorOfASetUp(t *testing.T) {
	ec2 := playground(t)
	spec := specFile(t, inOrder)
	d := diagnosis(t, exitFindings, "-f", spec)
	assert.Equal(t, []string{"drift"}, found(d))
	assert.Equal(t, setupChecks, d.Checks)
	assert.Contains(t, strings.Join(d.Unchecked, "\n"), "ec2:DeleteTrafficMirrorSession", "there is none to ask about yet")

	require.Equal(t, exitOK, runHere(t, "sessions", "apply", "-f", spec).code)
	before := ec2.Snapshot()
	r := runHere(t, "doctor", "-f", spec)
	assert.Equal(t, exitOK, r.code)
	assert.Contains(t, r.stdout, "19 checks, nothing found.\n")
	assert.Empty(t, r.stderr)
	d = diagnosis(t, exitOK, "-f", spec)
	assert.NotContains(t, strings.Join(d.Unchecked, "\n"), "permitted", "every call could be asked about")
	assert.Equal(t, before, ec2.Snapshot(), "nothing is changed")
}

// TestDoctorSaysWhatIsRefused: every call of apply that IAM refuses is found, by itself, and the policy is printed.
func TestDoctorSaysWhatIsRefused(t *testing.T) {
	ec2 := playground(t)
	spec := specFile(t, inOrder)
	require.Equal(t, exitOK, runHere(t, "sessions", "apply", "-f", spec).code)
	policy, err := sessions.PolicyFor("apply", sessions.Scope{})
	require.NoError(t, err)
	for _, action := range policy.Actions() {
		action, ofEC2 := strings.CutPrefix(action, "ec2:")
		if !ofEC2 || strings.HasPrefix(action, "Describe") || action == "CreateTags" {
			continue // what is only read of EC2 and of load balancers is no change
		}
		ec2.Deny(action)
		r := runHere(t, "doctor", "-f", spec)
		assert.Equal(t, exitFindings, r.code, action)
		assert.Contains(t, r.stdout, "permission: IAM: EC2 refuses ec2:"+action+"\n")
		assert.Contains(t, r.stdout, `"Sid": "ChangeOurs"`)
		ec2.Permit(action)
	}
	ec2.Deny("CreateTags")
	r := runHere(t, "doctor", "-f", spec)
	assert.Contains(t, r.stdout, "EC2 refuses ec2:CreateTrafficMirrorTarget, ec2:CreateTrafficMirrorFilter, ec2:CreateTrafficMirrorFilterRule, ec2:CreateTrafficMirrorSession\n")
}

// TestDoctorMayNotRead: what doctor itself may not read is found, and what it may is looked at.
func TestDoctorMayNotRead(t *testing.T) {
	ec2 := playground(t)
	spec := specFile(t, inOrder)
	require.Equal(t, exitOK, runHere(t, "sessions", "apply", "-f", spec).code)
	for _, action := range []string{"DescribeSubnets", "DescribeLoadBalancers", "DescribeTargetHealth"} {
		ec2.Deny(action)
		d := diagnosis(t, exitFindings, "-f", spec)
		assert.Equal(t, []string{"permission"}, found(d), action)
		assert.Contains(t, d.Findings[0].What, action)
		assert.Contains(t, d.Findings[0].Remedy, "iam-policy doctor --owner demo --region eu-west-1")
		ec2.Permit(action)
	}
	ec2.Deny("DescribeInstances")
	r := runHere(t, "doctor", "-f", spec)
	assert.Equal(t, exitError, r.code)
	oneLine(t, r.stderr)
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		check  string
		change func(*ec2test.Account)
	}{
		{"listener", func(a *ec2test.Account) { a.LoadBalancers[0].Listeners[0].Protocol = "TCP" }},
		{"health-check", func(a *ec2test.Account) { a.TargetGroups[0].HealthPort = "" }},
		{"healthy-targets", func(a *ec2test.Account) { a.TargetGroups[0].Members[0].State = "unhealthy" }},
		{"balancer-zones", func(a *ec2test.Account) { a.LoadBalancers[0].CrossZone = false }},
		{"target", func(a *ec2test.Account) { a.LoadBalancers = nil }},
		{"security-group", func(a *ec2test.Account) { a.LoadBalancers[0].Groups = []string{a.SecurityGroups[0].ID} }},
	} {
		t.Run(c.check, func(t *testing.T) {
			playground(t, c.change)
			d := diagnosis(t, exitFindings, "-f", specFile(t, inOrder))
			assert.ElementsMatch(t, []string{c.check, "drift"}, found(d))
		})
	}
}

func TestDoctorOfThisMachine(t *testing.T) {
	r := runHere(t, "doctor", "-o", "json")
	if r.code == exitError {
		oneLine(t, r.stderr) // no Linux
		return
	}
	d := &doctor.Diagnosis{}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), d))
	assert.Equal(t, len(host.Checks), d.Checks+len(d.Unchecked))

	playground(t)
	both := &doctor.Diagnosis{}
	r = runHere(t, "doctor", "--host", "-f", specFile(t, inOrder), "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(r.stdout), both))
	assert.Equal(t, d.Checks+setupChecks, both.Checks)
}

func TestDoctorUsage(t *testing.T) {
	for _, args := range [][]string{
		{"doctor", "--source-mtu", "10"}, {"doctor", "--workers", "0"}, {"doctor", "--memory", "1MB"}, {"doctor", "-o", "yaml"}, {"doctor", "surplus"},
	} {
		r := runHere(t, args...)
		assert.Equal(t, exitUsage, r.code, args)
		oneLine(t, r.stderr)
	}
}
