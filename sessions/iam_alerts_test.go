package sessions

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	topic = "arn:aws:sns:eu-west-1:111122223333:egress"
	key   = "arn:aws:kms:eu-west-1:111122223333:key/0123abcd-01ab-01ab-01ab-0123456789ab"
)

var allOutputs = Outputs{Topics: []string{topic}, Buses: []string{"security"}, SecurityHub: true, Buckets: []string{"logs/alerts"}, Namespaces: []string{"Mirrorsink"}, Keys: []string{key}}

// TestPolicyOfOutputs: each output has its action on its own resource, and what was not given has none.
func TestPolicyOfOutputs(t *testing.T) {
	type call struct {
		action, arn string
		keys        map[string]string
	}
	const at = "eu-west-1:111122223333:"
	calls := map[string]struct {
		only  Outputs
		calls []call
	}{
		"sns":         {Outputs{Topics: allOutputs.Topics}, []call{{"sns:Publish", topic, nil}}},
		"eventbridge": {Outputs{Buses: allOutputs.Buses}, []call{{"events:PutEvents", "arn:aws:events:" + at + "event-bus/security", nil}}},
		"hub":         {Outputs{SecurityHub: true}, []call{{"securityhub:BatchImportFindings", "arn:aws:securityhub:" + at + "product/111122223333/default", nil}}},
		"s3": {Outputs{Buckets: allOutputs.Buckets}, []call{
			{"s3:PutObject", "arn:aws:s3:::logs/alerts/x", nil}, {"s3:AbortMultipartUpload", "arn:aws:s3:::logs/alerts/x", nil}, {"s3:ListBucketMultipartUploads", "arn:aws:s3:::logs", nil},
		}},
		"metrics": {Outputs{Namespaces: allOutputs.Namespaces}, []call{{"cloudwatch:PutMetricData", "*", map[string]string{"cloudwatch:namespace": "Mirrorsink"}}}},
	}
	elsewhere := []call{
		{"sns:Publish", topic + "-2", nil}, {"events:PutEvents", "arn:aws:events:" + at + "event-bus/default", nil}, {"s3:PutObject", "arn:aws:s3:::logs/other/x", nil},
		{"securityhub:BatchImportFindings", "arn:aws:securityhub:" + at + "product/444455556666/default", nil},
		{"cloudwatch:PutMetricData", "*", map[string]string{"cloudwatch:namespace": "Other"}},
	}
	may := func(p *Policy, c call) bool {
		return p.allows(request{c.action, c.keys, []part{{arn: c.arn}}})
	}
	whole := PolicyForOutputs(&allOutputs, narrow)
	for _, c := range elsewhere {
		assert.False(t, may(whole, c), c)
	}
	for name, one := range calls {
		p := PolicyForOutputs(&one.only, narrow)
		for other, o := range calls {
			for _, c := range o.calls {
				assert.True(t, may(whole, c), c)
				assert.Equal(t, name == other, may(p, c), "%s: %v", name, c)
			}
		}
	}
	require.True(t, (&Outputs{Keys: []string{key}}).IsEmpty())
	require.Empty(t, PolicyForOutputs(&Outputs{Keys: []string{key}}, narrow).Statement)
	keys := whole.Statement[len(whole.Statement)-1]
	require.Equal(t, []string{"s3.eu-west-1.amazonaws.com", "sns.eu-west-1.amazonaws.com"}, keys.Condition["StringLike"]["kms:ViaService"])
	china := PolicyForOutputs(&Outputs{Topics: []string{"arn:aws-cn:sns:cn-north-1:111122223333:x"}, Buses: []string{"b"}, Keys: []string{key}}, Scope{Region: "cn-north-1"})
	require.Equal(t, []string{"arn:aws-cn:events:cn-north-1:*:event-bus/b"}, china.Statement[1].Resource)
	require.Equal(t, []string{"sns.cn-north-1.amazonaws.com.cn"}, china.Statement[2].Condition["StringLike"]["kms:ViaService"])
}

// TestPolicyOfOutputsIsDocumented: docs/iam.md shows it as it is printed, and has a line for each of its actions.
func TestPolicyOfOutputsIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/iam.md")
	require.NoError(t, err)
	p := PolicyForOutputs(&allOutputs, narrow)
	var out bytes.Buffer
	require.NoError(t, p.Print(&out))
	require.Contains(t, string(page), "```json\n"+out.String()+"```\n")
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| alerts \\| `([a-z0-9]+:[A-Za-z]+)`").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(documented)
	require.Equal(t, p.Actions(), documented)
}
