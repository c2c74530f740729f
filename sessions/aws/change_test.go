package aws

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

var ours = account.Tags{account.OwnerTag: "netsec", account.NameTag: "web"}

// everyChange is one of each kind of change, with the form that is expected of it, without Action, Version and the ClientToken.
var everyChange = []struct {
	name   string
	change sessions.Change
	action string
	form   string
	answer string // what the answer has to hold
}{
	{"target on an interface", sessions.Change{Op: sessions.Create, Kind: sessions.KindTarget, Want: sessions.Object{Target: &account.Target{Interface: "eni-9", Tags: ours}}},
		"CreateTrafficMirrorTarget", "NetworkInterfaceId=eni-9 " + tags("target"), "<trafficMirrorTarget><trafficMirrorTargetId>new</trafficMirrorTargetId></trafficMirrorTarget>"},
	{"target on a balancer", sessions.Change{Op: sessions.Create, Kind: sessions.KindTarget, Want: sessions.Object{Target: &account.Target{LoadBalancer: "arn:lb", Tags: ours}}},
		"CreateTrafficMirrorTarget", "NetworkLoadBalancerArn=arn:lb " + tags("target"), "<trafficMirrorTarget><trafficMirrorTargetId>new</trafficMirrorTargetId></trafficMirrorTarget>"},
	{"target on an endpoint", sessions.Change{Op: sessions.Create, Kind: sessions.KindTarget, Want: sessions.Object{Target: &account.Target{Endpoint: "vpce-1", Tags: ours}}},
		"CreateTrafficMirrorTarget", "GatewayLoadBalancerEndpointId=vpce-1 " + tags("target"), "<trafficMirrorTarget><trafficMirrorTargetId>new</trafficMirrorTargetId></trafficMirrorTarget>"},
	{"filter", sessions.Change{Op: sessions.Create, Kind: sessions.KindFilter, Want: sessions.Object{Filter: &account.Filter{Tags: ours}}},
		"CreateTrafficMirrorFilter", tags("filter"), "<trafficMirrorFilter><trafficMirrorFilterId>new</trafficMirrorFilterId></trafficMirrorFilter>"},
	{"rule of everything", sessions.Change{Op: sessions.Create, Kind: sessions.KindRule, ID: "tmf-1", Want: sessions.Object{Rule: &account.Rule{
		Filter: "tmf-1", Direction: "ingress", Number: 10, Action: "accept", Source: cidr("::/0"), Destination: cidr("2001:db8::/32"), Tags: ours,
	}}}, "CreateTrafficMirrorFilterRule", "DestinationCidrBlock=2001:db8::/32 RuleAction=accept RuleNumber=10 SourceCidrBlock=::/0 TrafficDirection=ingress TrafficMirrorFilterId=tmf-1 " + tags("filter-rule"),
		"<trafficMirrorFilterRule><trafficMirrorFilterRuleId>new</trafficMirrorFilterRuleId></trafficMirrorFilterRule>"},
	{"rule with ports", sessions.Change{Op: sessions.Create, Kind: sessions.KindRule, ID: "tmf-1", Want: sessions.Object{Rule: &account.Rule{
		Filter: "tmf-1", Direction: "egress", Number: 20, Action: "reject", Protocol: 6, Source: cidr("10.0.0.0/8"), Destination: cidr("0.0.0.0/0"),
		SourcePorts: &account.PortRange{From: 0, To: 65535}, DestinationPorts: &account.PortRange{From: 443, To: 443}, Tags: ours,
	}}}, "CreateTrafficMirrorFilterRule", "DestinationCidrBlock=0.0.0.0/0 DestinationPortRange.FromPort=443 DestinationPortRange.ToPort=443 Protocol=6 RuleAction=reject RuleNumber=20 " +
		"SourceCidrBlock=10.0.0.0/8 SourcePortRange.FromPort=0 SourcePortRange.ToPort=65535 TrafficDirection=egress TrafficMirrorFilterId=tmf-1 " + tags("filter-rule"),
		"<trafficMirrorFilterRule><trafficMirrorFilterRuleId>new</trafficMirrorFilterRuleId></trafficMirrorFilterRule>"},
	{"session", sessions.Change{Op: sessions.Create, Kind: sessions.KindSession, Want: sessions.Object{Session: &account.Session{
		Interface: "eni-1", Target: "tmt-1", Filter: "tmf-1", Number: 3, PacketLength: 128, VNI: 77, Tags: ours,
	}}}, "CreateTrafficMirrorSession", "NetworkInterfaceId=eni-1 PacketLength=128 SessionNumber=3 TrafficMirrorFilterId=tmf-1 TrafficMirrorTargetId=tmt-1 VirtualNetworkId=77 " + tags("session"),
		"<trafficMirrorSession><trafficMirrorSessionId>new</trafficMirrorSessionId></trafficMirrorSession>"},
	{"session with VNI 0", sessions.Change{Op: sessions.Create, Kind: sessions.KindSession, Want: sessions.Object{Session: &account.Session{
		Interface: "eni-1", Target: "tmt-1", Filter: "tmf-1", Number: 3, Tags: ours,
	}}}, "CreateTrafficMirrorSession", "NetworkInterfaceId=eni-1 SessionNumber=3 TrafficMirrorFilterId=tmf-1 TrafficMirrorTargetId=tmt-1 VirtualNetworkId=0 " + tags("session"),
		"<trafficMirrorSession><trafficMirrorSessionId>new</trafficMirrorSessionId></trafficMirrorSession>"},
	{"session with AWS's VNI", sessions.Change{Op: sessions.Create, Kind: sessions.KindSession, Want: sessions.Object{Session: &account.Session{
		Interface: "eni-1", Target: "tmt-1", Filter: "tmf-1", Number: 3, ChooseVNI: true, Tags: ours,
	}}}, "CreateTrafficMirrorSession", "NetworkInterfaceId=eni-1 SessionNumber=3 TrafficMirrorFilterId=tmf-1 TrafficMirrorTargetId=tmt-1 " + tags("session"),
		"<trafficMirrorSession><trafficMirrorSessionId>new</trafficMirrorSessionId></trafficMirrorSession>"},

	{"rule gets all", sessions.Change{Op: sessions.Modify, Kind: sessions.KindRule, ID: "new", Have: sessions.Object{Rule: &account.Rule{
		Direction: "ingress", Number: 10, Action: "accept", Source: cidr("0.0.0.0/0"), Destination: cidr("0.0.0.0/0"),
	}}, Want: sessions.Object{Rule: &account.Rule{
		Direction: "egress", Number: 20, Action: "reject", Protocol: 17, Source: cidr("::/0"), Destination: cidr("2001:db8::/32"),
		SourcePorts: &account.PortRange{From: 1, To: 2}, DestinationPorts: &account.PortRange{From: 3, To: 4},
	}}}, "ModifyTrafficMirrorFilterRule", "DestinationCidrBlock=2001:db8::/32 DestinationPortRange.FromPort=3 DestinationPortRange.ToPort=4 Protocol=17 RuleAction=reject RuleNumber=20 " +
		"SourceCidrBlock=::/0 SourcePortRange.FromPort=1 SourcePortRange.ToPort=2 TrafficDirection=egress TrafficMirrorFilterRuleId=new", ""},
	{"rule loses all", sessions.Change{Op: sessions.Modify, Kind: sessions.KindRule, ID: "new", Have: sessions.Object{Rule: &account.Rule{
		Direction: "egress", Number: 20, Protocol: 17, SourcePorts: &account.PortRange{From: 1, To: 2}, DestinationPorts: &account.PortRange{From: 3, To: 4},
	}}, Want: sessions.Object{Rule: &account.Rule{Direction: "egress", Number: 20}}},
		"ModifyTrafficMirrorFilterRule", "RemoveField.1=protocol RemoveField.2=source-port-range RemoveField.3=destination-port-range TrafficMirrorFilterRuleId=new", ""},
	{"rule changes its ports", sessions.Change{Op: sessions.Modify, Kind: sessions.KindRule, ID: "new",
		Have: sessions.Object{Rule: &account.Rule{Protocol: 17, SourcePorts: &account.PortRange{From: 1, To: 2}, DestinationPorts: &account.PortRange{From: 3, To: 4}}},
		Want: sessions.Object{Rule: &account.Rule{Protocol: 17, SourcePorts: &account.PortRange{From: 1, To: 2}, DestinationPorts: &account.PortRange{From: 3, To: 5}}}},
		"ModifyTrafficMirrorFilterRule", "DestinationPortRange.FromPort=3 DestinationPortRange.ToPort=5 TrafficMirrorFilterRuleId=new", ""},
	{"services on", sessions.Change{Op: sessions.Modify, Kind: sessions.KindServices, ID: "new", Want: sessions.Object{Filter: &account.Filter{Services: []string{"amazon-dns"}}}},
		"ModifyTrafficMirrorFilterNetworkServices", "AddNetworkService.1=amazon-dns TrafficMirrorFilterId=new", ""},
	{"services off", sessions.Change{Op: sessions.Modify, Kind: sessions.KindServices, ID: "new",
		Have: sessions.Object{Filter: &account.Filter{Services: []string{"amazon-dns"}}}, Want: sessions.Object{Filter: &account.Filter{}}},
		"ModifyTrafficMirrorFilterNetworkServices", "RemoveNetworkService.1=amazon-dns TrafficMirrorFilterId=new", ""},
	{"session gets all", sessions.Change{Op: sessions.Modify, Kind: sessions.KindSession, ID: "new",
		Have: sessions.Object{Session: &account.Session{Target: "tmt-1", Filter: "tmf-1", Number: 1, VNI: 1}},
		Want: sessions.Object{Session: &account.Session{Target: "tmt-2", Filter: "tmf-2", Number: 2, VNI: 0, PacketLength: 100}}},
		"ModifyTrafficMirrorSession", "PacketLength=100 SessionNumber=2 TrafficMirrorFilterId=tmf-2 TrafficMirrorSessionId=new TrafficMirrorTargetId=tmt-2 VirtualNetworkId=0", ""},
	{"session mirrors whole packets, and keeps its VNI", sessions.Change{Op: sessions.Modify, Kind: sessions.KindSession, ID: "new",
		Have: sessions.Object{Session: &account.Session{Target: "tmt-1", Filter: "tmf-1", Number: 1, VNI: 1, PacketLength: 100}},
		Want: sessions.Object{Session: &account.Session{Target: "tmt-1", Filter: "tmf-1", Number: 1, ChooseVNI: true}}},
		"ModifyTrafficMirrorSession", "RemoveField.1=packet-length TrafficMirrorSessionId=new", ""},

	{"no target", sessions.Change{Op: sessions.Delete, Kind: sessions.KindTarget, ID: "new"}, "DeleteTrafficMirrorTarget", "TrafficMirrorTargetId=new", ""},
	{"no filter", sessions.Change{Op: sessions.Delete, Kind: sessions.KindFilter, ID: "new"}, "DeleteTrafficMirrorFilter", "TrafficMirrorFilterId=new", ""},
	{"no rule", sessions.Change{Op: sessions.Delete, Kind: sessions.KindRule, ID: "new"}, "DeleteTrafficMirrorFilterRule", "TrafficMirrorFilterRuleId=new", ""},
	{"no session", sessions.Change{Op: sessions.Delete, Kind: sessions.KindSession, ID: "new"}, "DeleteTrafficMirrorSession", "TrafficMirrorSessionId=new", ""},
}

// tags is how a creation carries the tags of ours, and what it is called in the console.
func tags(kind string) string {
	return "Description=mirrorsink%20netsec:%20web TagSpecification.1.ResourceType=traffic-mirror-" + kind +
		" TagSpecification.1.Tag.1.Key=mirrorsink:name TagSpecification.1.Tag.1.Value=web TagSpecification.1.Tag.2.Key=mirrorsink:owner TagSpecification.1.Tag.2.Value=netsec"
}

// formOf writes a form as everyChange does.
func formOf(form url.Values, without ...string) string {
	var words []string
	for key, values := range form {
		if !slices.Contains(without, key) {
			words = append(words, key+"="+strings.ReplaceAll(strings.Join(values, ","), " ", "%20"))
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func sorted(form string) string {
	words := strings.Fields(form)
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestEveryChangeIsOneCall(t *testing.T) {
	done := map[verb]bool{}
	for _, tt := range everyChange {
		t.Run(tt.name, func(t *testing.T) {
			endpoint, requests := replies(t, reply{status: 200, body: "<R>" + tt.answer + "</R>"}, fault(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."))
			c := openAt(t, endpoint)
			id, err := c.Change(t.Context(), &tt.change, sessions.Call{Token: "token-1"})
			require.NoError(t, err)
			assert.Equal(t, "new", id)
			_, err = c.Change(t.Context(), &tt.change, sessions.Call{Token: "token-1", DryRun: true, Recent: true})
			assert.Equal(t, sessions.WouldSucceed, sessions.ClassOf(err))
			asked := requests()
			require.Len(t, asked, 2)
			assert.Equal(t, sorted(tt.form), formOf(asked[0], "Action", "Version", "ClientToken"))
			assert.Equal(t, sorted(tt.form+" DryRun=true"), formOf(asked[1], "Action", "Version", "ClientToken"))
			assert.Equal(t, tt.action, asked[0].Get("Action"))
			if tt.change.Op == sessions.Create {
				assert.Equal(t, "token-1", asked[0].Get("ClientToken"))
			}
		})
		done[verb{tt.change.Op, tt.change.Kind}] = true
	}
	for v := range calls {
		assert.True(t, done[v], "%s %s", v.op, v.kind)
	}
}

func TestNoSuchCall(t *testing.T) {
	c := openAt(t, closedPort(t))
	for _, v := range []verb{{sessions.Modify, sessions.KindTarget}, {sessions.Modify, sessions.KindFilter}, {sessions.Create, sessions.KindServices}, {sessions.Delete, sessions.KindServices}} {
		_, err := c.Change(t.Context(), &sessions.Change{Op: v.op, Kind: v.kind, Name: "x"}, sessions.Call{Recent: true})
		assert.EqualError(t, err, "x: EC2 has no call to "+v.op.String()+" "+v.kind.String())
	}
}

func TestAnswerWithoutID(t *testing.T) {
	for _, tt := range everyChange {
		if tt.change.Op == sessions.Create {
			endpoint, _ := replies(t, reply{status: 200, body: "<R/>"})
			_, err := openAt(t, endpoint).Change(t.Context(), &tt.change, sessions.Call{Token: "t"})
			assert.ErrorContains(t, err, "the answer names no ID: is it EC2 that answers at "+endpoint, tt.name)
		}
	}
}
