package live

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/testdata/realserver"
)

const (
	groupARN  = "arn:aws:network-firewall:us-east-2:111122223333:stateful-rulegroup/egress"
	domainARN = "arn:aws:route53resolver:us-east-2:111122223333:firewall-domain-list/rslvr-fdl-0123abcd"
	sgARN     = "arn:aws-us-gov:ec2:us-gov-west-1:111122223333:security-group/sg-0123abcd"
)

// TestParse: groups are found by ARN and ID, and belong to the formats of their control. Other texts are files.
func TestParse(t *testing.T) {
	for text, want := range map[string]Group{
		groupARN:             {networkFirewall, groupARN, "us-east-2"},
		domainARN:            {dnsFirewall, "rslvr-fdl-0123abcd", "us-east-2"},
		"rslvr-fdl-0123abcd": {dnsFirewall, "rslvr-fdl-0123abcd", ""},
		sgARN:                {securityGroup, "sg-0123abcd", "us-gov-west-1"},
		"sg-0123abcd":        {securityGroup, "sg-0123abcd", ""},
	} {
		g, ok := Parse(text)
		require.True(t, ok, text)
		require.Equal(t, want, g)
	}
	for _, text := range []string{"", "group.json", "./sg-0123abcd", "sg-", groupARN + "/x", strings.Replace(groupARN, "stateful", "stateless", 1), "arn:aws:sns:us-east-2:111122223333:x"} {
		_, ok := Parse(text)
		require.False(t, ok, text)
	}
	g, _ := Parse(groupARN)
	require.True(t, g.Holds("network-firewall-rules") && g.Holds("network-firewall-domains") && !g.Holds("dns-firewall") && !g.Holds("squid"))
}

// server answers as the three services do: the second page of domains after the first, and an error for what is not there.
func server(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	text := string(body)
	target := r.Header.Get("X-Amz-Target")
	switch {
	case !strings.Contains(r.Header.Get("Authorization"), "/aws4_request"):
		w.WriteHeader(http.StatusForbidden)
	case target == "NetworkFirewall_20201112.DescribeRuleGroup" && strings.Contains(text, groupARN+`"`):
		_, _ = io.WriteString(w, `{"UpdateToken":"x","RuleGroupResponse":{"RuleGroupArn":"`+groupARN+`","RuleGroupName":"egress","RuleGroupId":"1","Capacity":7},
			"RuleGroup":{"RuleVariables":{"IPSets":{"HOME_NET":{"Definition":["10.0.0.0/16"]}}},"RulesSource":{"RulesString":"pass a < b"},"StatefulRuleOptions":{"RuleOrder":"STRICT_ORDER"}}}`)
	case target == "NetworkFirewall_20201112.DescribeRuleGroup":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"ResourceNotFoundException","Message":"no\nsuch group"}`)
	case target == "Route53Resolver.ListFirewallDomains" && strings.Contains(text, "NextToken"):
		_, _ = io.WriteString(w, `{"Domains":["b.example.com."]}`)
	case target == "Route53Resolver.ListFirewallDomains" && strings.Contains(text, `"rslvr-fdl-0123abcd"`):
		_, _ = io.WriteString(w, `{"Domains":["*.a.example.com."],"NextToken":"2"}`)
	case strings.Contains(text, "Action=DescribeSecurityGroups") && strings.Contains(text, "sg-0123abcd"):
		_, _ = io.WriteString(w, `<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><securityGroupInfo><item><groupId>sg-0123abcd</groupId>
			<ipPermissionsEgress><item><ipProtocol>tcp</ipProtocol><fromPort>443</fromPort><toPort>443</toPort><ipRanges><item><cidrIp>192.0.2.0/24</cidrIp></item></ipRanges></item></ipPermissionsEgress>
			</item></securityGroupInfo></DescribeSecurityGroupsResponse>`)
	default:
		w.WriteHeader(http.StatusForbidden)
	}
}

// TestRead: what a group has comes over the wire in the form of AWS's command line, and all of its pages.
func TestRead(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(server))
	defer s.Close()
	realserver.UseAWS(t, s.URL)
	read := func(text string) (v map[string]any) {
		g, ok := Parse(text)
		require.True(t, ok)
		out, err := g.Read(t.Context(), Options{})
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(out, &v))
		return v
	}
	group := read(groupARN)
	require.Equal(t, "pass a < b", group["RuleGroup"].(map[string]any)["RulesSource"].(map[string]any)["RulesString"])
	require.EqualValues(t, 7, group["RuleGroupResponse"].(map[string]any)["Capacity"])
	require.Equal(t, []any{"*.a.example.com.", "b.example.com."}, read("rslvr-fdl-0123abcd")["Domains"])
	sg := read(sgARN)["SecurityGroups"].([]any)[0].(map[string]any)
	require.Equal(t, "192.0.2.0/24", sg["IpPermissionsEgress"].([]any)[0].(map[string]any)["IpRanges"].([]any)[0].(map[string]any)["CidrIp"])

	missing, _ := Parse(groupARN + "-2")
	_, err := missing.Read(t.Context(), Options{})
	require.EqualError(t, err, groupARN+"-2 in us-east-2: ResourceNotFoundException: no such group")
	denied, _ := Parse("sg-ffff")
	_, err = denied.Read(t.Context(), Options{Region: "eu-west-1"})
	require.ErrorContains(t, err, "sg-ffff in eu-west-1: ")
	require.NotContains(t, err.Error(), "\n")
	_, err = denied.Read(t.Context(), Options{Profile: "none"})
	require.ErrorContains(t, err, "--profile")
}
