package aws_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// required are parameters without a default.
func required(more map[string]any) map[string]any {
	out := map[string]any{
		"Vpc": "vpc-0a", "Subnets": []any{"subnet-0a", "subnet-0b"}, "PackageUrl": "https://example.com/mirrorsink.rpm?v=1",
		"PackageSha256": strings.Repeat("0", 64),
	}
	for name, v := range more {
		out[name] = v
	}
	return out
}

func sinkStack(t testing.TB, more map[string]any) *template {
	c := readTemplate(t, "mirrorsink.yaml", required(more))
	c.known = map[string]any{
		"Alerts": "arn:aws:sns:eu-west-1:111122223333:mirror-alerts", "Records": "records", "Records.Arn": "arn:aws:s3:::records", "Sinks": "mirror-sinks",
		"Balancer": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/mirror/0123456789abcdef",
	}
	return c
}

// statements are those of a policy, with lists where IAM takes single values too.
func statements(c *template, policy string) (out []sessions.Statement) {
	document := c.properties(policy)["PolicyDocument"].(map[string]any)
	for _, s := range document["Statement"].([]any) {
		m := s.(map[string]any)
		one := sessions.Statement{Sid: m["Sid"].(string), Effect: m["Effect"].(string), Action: texts(m["Action"]), Resource: texts(m["Resource"])}
		if conditions, ok := m["Condition"].(map[string]any); ok {
			one.Condition = map[string]map[string][]string{}
			for operator, keys := range conditions {
				one.Condition[operator] = map[string][]string{}
				for key, values := range keys.(map[string]any) {
					one.Condition[operator][key] = texts(values)
				}
			}
		}
		out = append(out, one)
	}
	return out
}

func texts(v any) (out []string) {
	if one, ok := v.(string); ok {
		return []string{one}
	}
	for _, each := range v.([]any) {
		out = append(out, each.(string))
	}
	return out
}

// ofOutputs is the policy of a sink's outputs.
func ofOutputs(keys ...string) []sessions.Statement {
	outputs := &sessions.Outputs{Topics: []string{"arn:aws:sns:eu-west-1:111122223333:mirror-alerts"}, Buckets: []string{"records"}, Namespaces: []string{"Mirrorsink"}, Keys: keys}
	return sessions.PolicyForOutputs(outputs, sessions.Scope{Region: "eu-west-1"}).Statement
}

const ownKey = "arn:aws:kms:eu-west-1:111122223333:key/0123abcd"

func policyFor(t *testing.T, command string) []sessions.Statement {
	p, err := sessions.PolicyFor(command, sessions.Scope{Owner: "mirror", Account: "111122223333", Region: "eu-west-1"})
	require.NoError(t, err)
	return p.Statement
}

// TestRoleOfSinks: it may do what "sessions iam-policy" prints for the inventory, the outputs and the life cycle of its own group, and no more. Records
// go to the same bucket as the files of alerts, so that they need nothing else.
func TestRoleOfSinks(t *testing.T) {
	want := append(policyFor(t, "inventory"), ofOutputs()...)
	for _, s := range policyFor(t, "lifecycle") { // which does not know the group; the template does
		s.Resource[0] = strings.Replace(s.Resource[0], "autoScalingGroupName/*", "autoScalingGroupName/mirror-sinks", 1)
		want = append(want, s)
	}
	assert.Equal(t, want, statements(sinkStack(t, nil), "SinkPolicy"))
	assert.Equal(t, "mirror-sinks", sinkStack(t, nil).properties("Sinks")["AutoScalingGroupName"], "the name that the policy has")

	more := statements(sinkStack(t, map[string]any{
		"CloudWatchLogs": "both", "PackageUrl": "s3://packages/a/mirrorsink.rpm", "PolicyUrl": "s3://conf/policy.yaml",
	}), "SinkPolicy")
	require.Equal(t, want, more[:len(want)])
	logs := []string{"logs:CreateLogStream", "logs:PutLogEvents"} // docs/delivery.md, without --cloudwatch-create
	assert.Equal(t, []sessions.Statement{
		{Sid: "WriteFlows", Effect: "Allow", Action: logs, Resource: []string{"arn:aws:logs:eu-west-1:111122223333:log-group:/mirrorsink/mirror/flows:*"}},
		{Sid: "WriteEvents", Effect: "Allow", Action: logs, Resource: []string{"arn:aws:logs:eu-west-1:111122223333:log-group:/mirrorsink/mirror/events:*"}},
		{Sid: "ReadPackage", Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: []string{"arn:aws:s3:::packages/a/mirrorsink.rpm"}},
		{Sid: "ReadPolicy", Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: []string{"arn:aws:s3:::conf/policy.yaml"}},
	}, more[len(want):])
}

// TestRoleOfWatch: the instance that runs "sessions watch" has a role of its own, with that command's policy for the owner, which is the stack.
func TestRoleOfWatch(t *testing.T) {
	assert.Equal(t, policyFor(t, "watch"), statements(sinkStack(t, nil), "WatchPolicy"))
	assert.NotContains(t, sinkStack(t, map[string]any{"WatchSessions": "no"}).resources(), "WatchRole")
}

// TestRoleOfSingle: the single instance has the policy of a sink without a group.
func TestRoleOfSingle(t *testing.T) {
	c := singleStack(t, nil)
	want := append(policyFor(t, "inventory"), ofOutputs()...)
	assert.Equal(t, want, statements(c, "SinkPolicy"))
}

// TestOwnKey: with a key bucket, topic and log groups are encrypted with it, and the sinks may use it as "sessions iam-policy alerts --kms-key" prints.
func TestOwnKey(t *testing.T) {
	given := map[string]any{"KmsKeyArn": ownKey}
	want := append(policyFor(t, "inventory"), ofOutputs(ownKey)...)
	assert.Equal(t, want, statements(singleStack(t, given), "SinkPolicy"))
	assert.Equal(t, want, statements(sinkStack(t, given), "SinkPolicy")[:len(want)])
	logging := sinkStack(t, map[string]any{"KmsKeyArn": ownKey, "CloudWatchLogs": "both"})
	assert.Equal(t, ownKey, logging.properties("Flows")["KmsKeyId"])
	assert.Equal(t, ownKey, logging.properties("Events")["KmsKeyId"])
	for _, c := range []*template{sinkStack(t, given), singleStack(t, given)} {
		assert.Equal(t, ownKey, c.properties("Alerts")["KmsMasterKeyId"])
		assert.Contains(t, fmt.Sprint(c.properties("Records")["BucketEncryption"]), "KMSMasterKeyID:"+ownKey)
	}
	assert.NotContains(t, sinkStack(t, nil).properties("Alerts"), "KmsMasterKeyId")
}

func singleStack(t testing.TB, more map[string]any) *template {
	given := required(more)
	delete(given, "Subnets")
	given["Subnet"] = "subnet-0a"
	c := readTemplate(t, "single.yaml", given)
	c.known = map[string]any{
		"Alerts": "arn:aws:sns:eu-west-1:111122223333:mirror-alerts", "Records": "records", "Records.Arn": "arn:aws:s3:::records", "Interface": "eni-0123456789abcdef0",
	}
	return c
}

// TestSizes: the templates can be given to CloudFormation as they are, and the user data to EC2.
func TestSizes(t *testing.T) {
	for _, file := range files(t, "[a-z]*.yaml") {
		assert.LessOrEqual(t, len(readFile(t, file)), 51200, file)
	}
	for _, u := range userData(t) {
		assert.LessOrEqual(t, len(u.text), 16384, u.name)
	}
}

// TestBalancer: what mirroring needs of the load balancer and the target group.
func TestBalancer(t *testing.T) {
	c := sinkStack(t, map[string]any{"DrainSeconds": 200})
	listener := c.properties("Listener")
	assert.Equal(t, []any{"UDP", 4789}, []any{listener["Protocol"], listener["Port"]})
	group := c.properties("Targets")
	assert.Equal(t, []any{"UDP", 4789, "HTTP", "8080", "/readyz"},
		[]any{group["Protocol"], group["Port"], group["HealthCheckProtocol"], group["HealthCheckPort"], group["HealthCheckPath"]})
	attributes := map[string]any{}
	for _, a := range group["TargetGroupAttributes"].([]any) {
		attributes[a.(map[string]any)["Key"].(string)] = a.(map[string]any)["Value"]
	}
	assert.Equal(t, map[string]any{
		"stickiness.enabled": "true", "stickiness.type": "source_ip",
		"deregistration_delay.timeout_seconds": 200, "deregistration_delay.connection_termination.enabled": "true",
	}, attributes)
	hook := c.properties("Sinks")["LifecycleHookSpecificationList"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"drain", "autoscaling:EC2_INSTANCE_TERMINATING", "CONTINUE"}, []any{hook["LifecycleHookName"], hook["LifecycleTransition"], hook["DefaultResult"]})
	longest := c.eval(pairs(pairs(c.root["Parameters"])["DrainSeconds"])["MaxValue"]).(int)
	assert.Greater(t, hook["HeartbeatTimeout"], longest+60, "the drain and the writing of what is left fit into the hook's time")
}

// TestMetadata: every instance takes version 2 of the metadata service alone, and lets no container behind another hop have the role.
func TestMetadata(t *testing.T) {
	want := map[string]any{"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1}
	for _, c := range []*template{sinkStack(t, nil), singleStack(t, nil)} {
		found := 0
		for name, r := range c.resources() {
			if r["Type"] == "AWS::EC2::LaunchTemplate" {
				found++
				assert.Equal(t, want, r["Properties"].(map[string]any)["LaunchTemplateData"].(map[string]any)["MetadataOptions"], "%s: %s", c.file, name)
			}
			assert.NotContains(t, r["Properties"], "KeyName", name)
		}
		assert.NotZero(t, found, c.file)
	}
}

// TestAlarmsGoToTheTopic: every alarm tells the topic when it is raised and, but for one that scales, when it is over.
func TestAlarmsGoToTheTopic(t *testing.T) {
	for file, c := range map[string]*template{"mirrorsink": sinkStack(t, nil), "single": singleStack(t, nil)} {
		alarms := 0
		for name, r := range c.resources() {
			if r["Type"] != "AWS::CloudWatch::Alarm" {
				continue
			}
			alarms++
			p := r["Properties"].(map[string]any)
			assert.Contains(t, p["AlarmActions"], c.known["Alerts"], "%s: %s", file, name)
			assert.Contains(t, p["OKActions"], c.known["Alerts"], "%s: %s", file, name)
			assert.NotEmpty(t, p["AlarmDescription"], name)
		}
		assert.GreaterOrEqual(t, alarms, 4, file)
	}
}

// metrics are those that a sink sends to CloudWatch.
var metrics = regexp.MustCompile(`(?m)MetricName: (\w+)|"Mirrorsink", "(\w+)"`)

// TestMetricsAreDocumented: alarms, scaling and dashboard name metrics that docs/alerts.md has, or AWS.
func TestMetricsAreDocumented(t *testing.T) {
	document := readFile(t, "../../docs/alerts.md")
	for _, file := range files(t, "[a-z]*.yaml") {
		for _, m := range metrics.FindAllStringSubmatch(readFile(t, file), -1) {
			name := m[1] + m[2]
			ofAWS := name == "UnHealthyHostCount" || name == "StatusCheckFailed"
			assert.True(t, ofAWS || regexp.MustCompile("(?m)^\\|[^|]*`"+name+"`").MatchString(document), "%s: %s", file, name)
		}
	}
}

// TestCosts: docs/deploy.md has the prices of deploy/prices.
func TestCosts(t *testing.T) {
	var prices struct{ Regions map[string]map[string]any }
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "../prices/aws.yaml")), &prices))
	page := readFile(t, "../../docs/deploy.md")
	for name, row := range map[string]string{
		"sink-instance-hour":  "| two sinks c6gn.large | 2 x %[1]v an hour | %[3]s |",
		"nlb-hour":            "| load balancer | %[1]v an hour | %[2]s |",
		"nlcu-hour":           "%[1]v for each gigabyte",
		"mirror-session-hour": "| mirror sessions | %[1]v an hour for each interface | %[2]s each |",
	} {
		price := prices.Regions["us-east-1"][name].(float64)
		month := strconv.FormatFloat(price*730, 'f', 2, 64)
		two := strconv.FormatFloat(2*price*730, 'f', 2, 64)
		want, _, _ := strings.Cut(fmt.Sprintf(row, price, month, two), "%!(EXTRA")
		assert.Contains(t, page, want, name)
	}
}

// TestDashboard: its body is JSON, and each of its alarms is one of the stack.
func TestDashboard(t *testing.T) {
	c := sinkStack(t, nil)
	var body struct {
		Widgets []struct{ Properties struct{ Alarms []string } }
	}
	require.NoError(t, json.Unmarshal([]byte(c.properties("Dashboard")["DashboardBody"].(string)), &body))
	shown := map[string]bool{}
	for _, w := range body.Widgets {
		for _, alarm := range w.Properties.Alarms {
			shown[strings.TrimPrefix(alarm, "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:")] = true
		}
	}
	alarms := map[string]bool{}
	for _, r := range c.resources() {
		if name, ok := r["Properties"].(map[string]any)["AlarmName"].(string); ok {
			alarms[name] = true
		}
	}
	assert.Equal(t, alarms, shown)
}

// TestDocumentedParameters: the commands of docs/deploy.md give the templates parameters that they have, and all without a default.
func TestDocumentedParameters(t *testing.T) {
	page := readFile(t, "../../docs/deploy.md")
	given := regexp.MustCompile(`(?s)--template-file deploy/aws/(\w+\.yaml)[^\n]*?--parameter-overrides(.*?)\n(?:\n|    [a-z]|[a-z])`).FindAllStringSubmatch(page, -1)
	require.GreaterOrEqual(t, len(given), 5)
	for _, m := range given {
		parameters := pairs(readTemplate(t, m[1], nil).root["Parameters"])
		names := map[string]bool{}
		for _, name := range regexp.MustCompile(`(?m)[ \n]([A-Z]\w+)=`).FindAllStringSubmatch(m[2], -1) {
			names[name[1]] = true
			assert.Contains(t, parameters, name[1], m[1])
		}
		if names["Vpc"] { // the stack is made; elsewhere it is updated
			for name, p := range parameters {
				assert.True(t, names[name] || pairs(p)["Default"] != nil, "%s needs %s", m[1], name)
			}
		}
	}
}

// TestDimensions: what is alarmed and scaled by has the dimension that the sinks send, which names the stack or its group.
func TestDimensions(t *testing.T) {
	for config, c := range map[string]*template{"sink.sh": sinkStack(t, nil), "single.sh": singleStack(t, nil)} {
		sent := regexp.MustCompile(`cloudwatch-dimension: (\w+)=(\S+)`).FindStringSubmatch(readFile(t, "testdata/"+config))
		require.NotNil(t, sent, config)
		want, found := []any{map[string]any{"Name": sent[1], "Value": sent[2]}}, 0
		for name, r := range c.resources() {
			p := r["Properties"].(map[string]any)
			if tracking, ok := p["TargetTrackingConfiguration"].(map[string]any); ok {
				p = tracking["CustomizedMetricSpecification"].(map[string]any)
			}
			if p["Namespace"] == "Mirrorsink" {
				found++
				assert.Equal(t, want, p["Dimensions"], "%s: %s", c.file, name)
			}
		}
		assert.GreaterOrEqual(t, found, 2, config)
	}
}

// TestTerraform: the module gives the template every parameter that has no default, and no others than it has.
func TestTerraform(t *testing.T) {
	var text strings.Builder
	for _, file := range files(t, filepath.Join("terraform", "*.tf")) {
		text.WriteString(readFile(t, file))
	}
	c := sinkStack(t, nil)
	for name, p := range pairs(c.root["Parameters"]) {
		if pairs(p)["Default"] == nil {
			assert.Regexp(t, `(?m)^ +`+name+` += `, text.String(), "the module lacks %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^ {6}(\w+) += `).FindAllStringSubmatch(text.String(), -1) {
		assert.Contains(t, pairs(c.root["Parameters"]), m[1])
	}
	_, err := os.Stat(filepath.Join("terraform", "..", "mirrorsink.yaml"))
	require.NoError(t, err)
}
