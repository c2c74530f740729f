// Package live reads from AWS what a control has now: a rule group of Network Firewall, a domain list of DNS Firewall, the egress rules of a
// security group. What it returns is JSON as AWS's command line prints it, so that a saved answer is read in the same way.
package live

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/networkfirewall"
	"github.com/aws/aws-sdk-go-v2/service/route53resolver"

	"github.com/mirrorsink/mirrorsink/sessions/awssdk"
)

// Group names a control in AWS.
type Group struct {
	service string
	id      string // as the service's call takes it
	region  string // "" if the name has none
}

// forms has the names of controls: ARNs and IDs.
var forms = []struct {
	service string
	form    *regexp.Regexp // its groups are the region and the ID
}{
	{networkFirewall, regexp.MustCompile(`^(arn:aws[a-z-]*:network-firewall:([a-z0-9-]+):[0-9]{12}:stateful-rulegroup/[A-Za-z0-9-]+)$`)},
	{dnsFirewall, regexp.MustCompile(`^(?:arn:aws[a-z-]*:route53resolver:([a-z0-9-]+):[0-9]{12}:firewall-domain-list/)?(rslvr-fdl-[a-z0-9]+)$`)},
	{securityGroup, regexp.MustCompile(`^(?:arn:aws[a-z-]*:ec2:([a-z0-9-]+):[0-9]{12}:security-group/)?(sg-[a-z0-9]+)$`)},
}

// Services.
const (
	networkFirewall = "network-firewall"
	dnsFirewall     = "dns-firewall"
	securityGroup   = "security-group"
)

// Parse returns the group that a text names; ok is false if it is the name of none.
func Parse(text string) (g Group, ok bool) {
	for _, f := range forms {
		m := f.form.FindStringSubmatch(text)
		switch {
		case m == nil:
		case f.service == networkFirewall:
			return Group{f.service, m[1], m[2]}, true
		default:
			return Group{f.service, m[2], m[1]}, true
		}
	}
	return g, false
}

// Holds reports whether the group is of the control that a format of exports is for.
func (g Group) Holds(format string) bool { return strings.HasPrefix(format, g.service) }

// Options say whose AWS is asked.
type Options struct {
	Region  string // "" is that of the group's ARN, else that of AWS's tools
	Profile string
}

// callTimeout bounds a call, of which the SDK makes up to three.
const callTimeout = 20 * time.Second

// Read returns what the group has, as JSON. Its error has one line.
func (g Group) Read(ctx context.Context, o Options) ([]byte, error) {
	if o.Region == "" {
		o.Region = g.region
	}
	cfg, err := awssdk.Load(ctx, awssdk.Options{HTTP: awshttp.NewBuildableClient().WithTimeout(callTimeout), Region: o.Region, Profile: o.Profile, Flags: true})
	if err != nil {
		return nil, err
	}
	var answer any
	switch g.service {
	case networkFirewall:
		answer, err = readRuleGroup(ctx, cfg, g.id)
	case dnsFirewall:
		answer, err = readDomains(ctx, cfg, g.id)
	default:
		answer, err = readSecurityGroup(ctx, cfg, g.id)
	}
	if err != nil {
		return nil, explain(g.id, cfg.Region, err)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.id, err)
	}
	return text, nil
}

func readRuleGroup(ctx context.Context, cfg aws.Config, arn string) (any, error) {
	out, err := networkfirewall.NewFromConfig(cfg).DescribeRuleGroup(ctx, &networkfirewall.DescribeRuleGroupInput{RuleGroupArn: &arn})
	if err != nil {
		return nil, err
	}
	return map[string]any{"RuleGroup": out.RuleGroup, "RuleGroupResponse": out.RuleGroupResponse}, nil
}

func readDomains(ctx context.Context, cfg aws.Config, id string) (any, error) {
	domains := []string{}
	pages := route53resolver.NewListFirewallDomainsPaginator(route53resolver.NewFromConfig(cfg), &route53resolver.ListFirewallDomainsInput{FirewallDomainListId: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		domains = append(domains, page.Domains...)
	}
	return map[string]any{"Domains": domains}, nil
}

func readSecurityGroup(ctx context.Context, cfg aws.Config, id string) (any, error) {
	out, err := ec2.NewFromConfig(cfg).DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
	if err != nil {
		return nil, err
	}
	return map[string]any{"SecurityGroups": out.SecurityGroups}, nil
}

// explain returns a failed call in one line.
func explain(id, region string, err error) error {
	if api := awssdk.Answer(err); api != nil {
		return fmt.Errorf("%s in %s: %s: %s", id, region, api.ErrorCode(), awssdk.OneLine(api.ErrorMessage()))
	}
	return fmt.Errorf("%s in %s: %s", id, region, awssdk.Cause(err))
}
