package aws_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/testdata/realserver"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// long skips tests that start Python programs, which take seconds.
func long(t *testing.T) {
	if !testform.Long {
		t.Skip("it runs in the long form of tests alone: MIRRORSINK_LONG_TESTS=1")
	}
	t.Parallel()
}

// TestCfnLint: cfn-lint, which has the schemas of all resources, finds nothing.
func TestCfnLint(t *testing.T) {
	long(t)
	python := realserver.Python(t, "cfnlint")
	out, err := exec.Command(python, append([]string{"-c", "import sys; from cfnlint.runner import main; sys.exit(main())"}, files(t, "[a-z]*.yaml")...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Empty(t, string(out))
}

// TestCheckov: checkov finds nothing but what .checkov.yaml has a reason for.
func TestCheckov(t *testing.T) {
	long(t)
	python := realserver.Python(t, "checkov.main")
	args := []string{"-m", "checkov.main", "--config-file", ".checkov.yaml", "--output", "json"}
	for _, file := range files(t, "[a-z]*.yaml") {
		args = append(args, "--file", file)
	}
	out, err := exec.Command(python, args...).Output()
	var report struct {
		Results struct {
			Failed []struct{ Check_id, Check_name, Resource string } `json:"failed_checks"`
		}
		Summary struct{ Passed, Failed, Parsing_errors int }
	}
	require.NoError(t, json.Unmarshal(out, &report), "%v: %s", err, out)
	require.Empty(t, report.Results.Failed)
	require.Zero(t, report.Summary.Parsing_errors)
	require.Greater(t, report.Summary.Passed, 60, "it has read the templates")
}

// TestTerraformParses: an independent parser of HCL reads the module. Terraform itself is not here.
func TestTerraformParses(t *testing.T) {
	long(t)
	python := realserver.Python(t, "hcl2")
	out, err := exec.Command(python, append([]string{"-c", "import hcl2, json, sys; print(json.dumps([hcl2.load(open(f)) for f in sys.argv[1:]]))"}, files(t, "terraform/*.tf")...)...).Output()
	require.NoError(t, err)
	for _, want := range []string{"aws_cloudformation_stack", "../mirrorsink.yaml", `"variable"`, `"balancer_arn"`} {
		require.Contains(t, string(out), want)
	}
}

// stackAtMoto is what the services say of a stack that moto's CloudFormation has made.
type stackAtMoto struct {
	Status         string
	Zones, Subnets []string
	Made           map[string]string
	Balancer       struct {
		Type, Scheme      string
		AvailabilityZones []struct{ ZoneName string }
	}
	BalancerAttributes map[string]string `json:"balancer attributes"`
	Listeners          []struct {
		Protocol       string
		Port           int
		DefaultActions []struct{ Type, TargetGroupArn string }
	}
	Targets struct {
		TargetGroupArn, Protocol, HealthCheckProtocol, HealthCheckPort, HealthCheckPath string
		Port, HealthCheckIntervalSeconds                                                int
	}
	TargetAttributes map[string]string `json:"target attributes"`
	Groups           map[string]struct {
		AutoScalingGroupName, HealthCheckType string
		AvailabilityZones, TargetGroupARNs    []string
		MinSize, MaxSize                      int
		Instances                             []struct{ InstanceType string }
	}
	Templates map[string]struct {
		UserData, InstanceType string
		MetadataOptions        map[string]any
	}
	SecurityGroups []struct {
		IpPermissions []struct {
			IpProtocol       string
			FromPort, ToPort int
			IpRanges         []struct{ CidrIp string }
		}
	} `json:"security groups"`
	Roles         map[string]map[string]struct{ Statement []map[string]any }
	Subscriptions []struct{ Protocol, Endpoint string }
	Encryption    []any
	Logs          map[string]int
	Dashboards    []struct{ Widgets []any }
	Images        map[string]string
}

func createAtMoto(t *testing.T, file string, parameters ...string) *stackAtMoto {
	python := realserver.Python(t, "moto.server, moto.cloudformation, flask, boto3")
	cmd := exec.Command(python, append([]string{"-W", "ignore", "testdata/stack.py", file}, parameters...)...)
	var failure strings.Builder
	cmd.Stderr = &failure
	out, err := cmd.Output()
	require.NoError(t, err, failure.String())
	s := &stackAtMoto{}
	require.NoError(t, json.Unmarshal(out, s), string(out))
	require.Equal(t, "CREATE_COMPLETE", s.Status)
	return s
}

// TestStack: moto's CloudFormation makes the stack, and the services have what the template says.
func TestStack(t *testing.T) {
	long(t)
	s := createAtMoto(t, "mirrorsink.yaml", "Vpc=", "Subnets=", "ImageId=", "PackageUrl=s3://packages/mirrorsink.rpm", "PackageSha256="+strings.Repeat("0", 64),
		"PolicyUrl=s3://conf/policy.yaml", "SpecUrl=s3://conf/spec.yaml", "Mail=security@example.com", "CloudWatchLogs=both", "LogDays=7", "DrainSeconds=200",
		"CrossZone=false", "Architecture=x86_64", "Size=xlarge", "MinSinks=3", "MaxSinks=9", "SourceCidr=10.7.0.0/16", "KmsKeyArn="+ownKey)
	t.Run("balancer", func(t *testing.T) { balancerAtMoto(t, s) })
	t.Run("group", func(t *testing.T) { groupAtMoto(t, s) })
	t.Run("roles", func(t *testing.T) { rolesAtMoto(t, s) })
	assert.Equal(t, []struct{ Protocol, Endpoint string }{{"email", "security@example.com"}}, s.Subscriptions)
	assert.Equal(t, map[string]int{"/mirrorsink/mirror/flows": 7, "/mirrorsink/mirror/events": 7}, s.Logs)
	assert.Contains(t, fmt.Sprint(s.Encryption), ownKey)
	require.Len(t, s.Dashboards, 1)
	assert.Len(t, s.Dashboards[0].Widgets, 7)
	assert.Contains(t, s.Images["arm64"], "ami-", "the parameter of Systems Manager that the image is of")
	assert.Contains(t, s.Images["x86_64"], "ami-")
}

func balancerAtMoto(t *testing.T, s *stackAtMoto) {
	assert.Equal(t, []string{"network", "internal"}, []string{s.Balancer.Type, s.Balancer.Scheme})
	assert.Len(t, s.Balancer.AvailabilityZones, 2)
	assert.Equal(t, "false", s.BalancerAttributes["load_balancing.cross_zone.enabled"])
	require.Len(t, s.Listeners, 1)
	assert.Equal(t, []any{"UDP", 4789}, []any{s.Listeners[0].Protocol, s.Listeners[0].Port})
	assert.Equal(t, s.Targets.TargetGroupArn, s.Listeners[0].DefaultActions[0].TargetGroupArn)
	assert.Equal(t, []any{"UDP", 4789, "HTTP", "8080", "/readyz", 10},
		[]any{s.Targets.Protocol, s.Targets.Port, s.Targets.HealthCheckProtocol, s.Targets.HealthCheckPort, s.Targets.HealthCheckPath, s.Targets.HealthCheckIntervalSeconds})
	for name, want := range map[string]string{
		"stickiness.enabled": "true", "stickiness.type": "source_ip", "deregistration_delay.timeout_seconds": "200",
		"deregistration_delay.connection_termination.enabled": "true",
	} {
		assert.Equal(t, want, s.TargetAttributes[name], name)
	}
}

func groupAtMoto(t *testing.T, s *stackAtMoto) {
	sinks := s.Groups["Sinks"]
	assert.Equal(t, []any{"mirror-sinks", "ELB", 3, 9}, []any{sinks.AutoScalingGroupName, sinks.HealthCheckType, sinks.MinSize, sinks.MaxSize})
	assert.ElementsMatch(t, s.Zones, sinks.AvailabilityZones)
	assert.Equal(t, []string{s.Targets.TargetGroupArn}, sinks.TargetGroupARNs)
	require.Len(t, sinks.Instances, 3)
	assert.Equal(t, "c6in.xlarge", sinks.Instances[0].InstanceType)
	assert.Equal(t, []any{1, 1}, []any{s.Groups["Watcher"].MinSize, s.Groups["Watcher"].MaxSize})
	assert.Equal(t, "t3.micro", s.Templates["WatchTemplate"].InstanceType)
	for name, template := range s.Templates {
		assert.Equal(t, map[string]any{"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1.0}, template.MetadataOptions, name)
		text, err := base64.StdEncoding.DecodeString(template.UserData)
		require.NoError(t, err, name)
		assert.True(t, strings.HasPrefix(string(text), "#!/bin/bash\nstack='mirror'"), name)
	}
	var open []string
	for _, g := range s.SecurityGroups {
		for _, p := range g.IpPermissions {
			open = append(open, fmt.Sprintf("%s %d-%d %s", p.IpProtocol, p.FromPort, p.ToPort, p.IpRanges[0].CidrIp))
		}
	}
	assert.Equal(t, []string{"udp 4789-4789 10.7.0.0/16", "tcp 8080-8080 10.7.0.0/16"}, open)
}

func rolesAtMoto(t *testing.T, s *stackAtMoto) {
	sids := map[string][]string{}
	for role, policies := range s.Roles {
		for name, p := range policies {
			for _, statement := range p.Statement {
				sids[name] = append(sids[name], statement["Sid"].(string))
				assert.Equal(t, "Allow", statement["Effect"], role)
			}
		}
	}
	assert.Equal(t, []string{
		"ReadMirroring", "PublishAlerts", "WriteAlertFiles", "FindUploads", "PutSums", "UseKeys", "FindTheHook", "CompleteTheHook", "WriteFlows", "WriteEvents",
		"ReadPackage", "ReadPolicy",
	}, sids["sink"])
	var want []string
	for _, statement := range policyFor(t, "watch") {
		want = append(want, statement.Sid)
	}
	assert.Equal(t, append(want, "ReadPackage", "ReadSpec"), sids["watch"])
}
