package aws

import (
	"fmt"
	"net/netip"
	"slices"
	"unique"

	"github.com/mirrorsink/mirrorsink/sessions/account"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// shared returns the string behind a pointer, "" for nil. Equal strings share memory: thousands of interfaces and sessions have the same
// VPC, zone, account, filter or tag.
func shared(s *string) string { return unique.Make(sdk.ToString(s)).Value() }

func tagsOf(list []types.Tag) account.Tags {
	if len(list) == 0 {
		return nil
	}
	tags := make(account.Tags, len(list))
	for _, t := range list {
		tags[shared(t.Key)] = shared(t.Value)
	}
	return tags
}

func interfaceOf(n *types.NetworkInterface) (account.Interface, error) {
	i := account.Interface{
		ID: sdk.ToString(n.NetworkInterfaceId), Type: shared((*string)(&n.InterfaceType)), MAC: sdk.ToString(n.MacAddress),
		VPC: shared(n.VpcId), Subnet: shared(n.SubnetId), Zone: shared(n.AvailabilityZone), ZoneID: shared(n.AvailabilityZoneId), Account: shared(n.OwnerId),
		Status: shared((*string)(&n.Status)), RequesterManaged: sdk.ToBool(n.RequesterManaged), Tags: tagsOf(n.TagSet),
	}
	if a := n.Attachment; a != nil {
		i.Instance, i.Device = sdk.ToString(a.InstanceId), int(sdk.ToInt32(a.DeviceIndex))
	}
	for _, g := range n.Groups {
		i.Groups = append(i.Groups, shared(g.GroupId))
	}
	var err error
	if i.Addresses, err = addressesOf(n); err != nil {
		return i, fmt.Errorf("interface %s: %w", i.ID, err)
	}
	if len(i.Addresses) > 0 {
		i.Primary = i.Addresses[0]
	}
	return i, nil
}

// addressesOf returns all private addresses. The primary one comes first: of IPv4, or of IPv6 if there is no IPv4.
func addressesOf(n *types.NetworkInterface) ([]netip.Addr, error) {
	all := make([]netip.Addr, 0, len(n.PrivateIpAddresses)+len(n.Ipv6Addresses)+1)
	add := func(text *string, first bool) error {
		a, err := netip.ParseAddr(sdk.ToString(text))
		switch {
		case err != nil:
			return fmt.Errorf("%q is no address", sdk.ToString(text))
		case slices.Contains(all, a):
		case first:
			all = slices.Insert(all, 0, a)
		default:
			all = append(all, a)
		}
		return nil
	}
	if n.PrivateIpAddress != nil {
		if err := add(n.PrivateIpAddress, true); err != nil {
			return nil, err
		}
	}
	for _, p := range n.PrivateIpAddresses {
		if err := add(p.PrivateIpAddress, n.PrivateIpAddress == nil && sdk.ToBool(p.Primary)); err != nil {
			return nil, err
		}
	}
	only6 := len(all) == 0
	for _, p := range n.Ipv6Addresses {
		if err := add(p.Ipv6Address, only6 && sdk.ToBool(p.IsPrimaryIpv6)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func instanceOf(n *types.Instance) (account.Instance, error) {
	i := account.Instance{ID: sdk.ToString(n.InstanceId), Type: shared((*string)(&n.InstanceType)), Tags: tagsOf(n.Tags)}
	if n.State != nil {
		i.State = shared((*string)(&n.State.Name))
	}
	return i, nil
}

func targetOf(n *types.TrafficMirrorTarget) (account.Target, error) {
	return account.Target{
		ID: sdk.ToString(n.TrafficMirrorTargetId), Interface: sdk.ToString(n.NetworkInterfaceId), LoadBalancer: sdk.ToString(n.NetworkLoadBalancerArn),
		Endpoint: sdk.ToString(n.GatewayLoadBalancerEndpointId), Account: shared(n.OwnerId), Tags: tagsOf(n.Tags),
	}, nil
}

func filterOf(n *types.TrafficMirrorFilter) (f account.Filter, err error) {
	f = account.Filter{ID: sdk.ToString(n.TrafficMirrorFilterId), Tags: tagsOf(n.Tags)}
	for _, s := range n.NetworkServices {
		f.Services = append(f.Services, shared((*string)(&s)))
	}
	for _, rules := range [][]types.TrafficMirrorFilterRule{n.IngressFilterRules, n.EgressFilterRules} {
		if f.Rules, err = appendAll(f.Rules, rules, ruleOf); err != nil {
			return f, err
		}
	}
	return f, nil
}

func ruleOf(n *types.TrafficMirrorFilterRule) (account.Rule, error) {
	r := account.Rule{
		ID: sdk.ToString(n.TrafficMirrorFilterRuleId), Filter: shared(n.TrafficMirrorFilterId), Direction: shared((*string)(&n.TrafficDirection)),
		Number: int(sdk.ToInt32(n.RuleNumber)), Action: shared((*string)(&n.RuleAction)), Protocol: max(int(sdk.ToInt32(n.Protocol)), 0), // -1 is all too
		SourcePorts: portsOf(n.SourcePortRange), DestinationPorts: portsOf(n.DestinationPortRange), Tags: tagsOf(n.Tags),
	}
	var err error
	if r.Source, err = netip.ParsePrefix(sdk.ToString(n.SourceCidrBlock)); err != nil {
		return r, fmt.Errorf("rule %s of filter %s: source %q is no CIDR", r.ID, r.Filter, sdk.ToString(n.SourceCidrBlock))
	}
	if r.Destination, err = netip.ParsePrefix(sdk.ToString(n.DestinationCidrBlock)); err != nil {
		return r, fmt.Errorf("rule %s of filter %s: destination %q is no CIDR", r.ID, r.Filter, sdk.ToString(n.DestinationCidrBlock))
	}
	return r, nil
}

func portsOf(n *types.TrafficMirrorPortRange) *account.PortRange {
	if n == nil {
		return nil
	}
	return &account.PortRange{From: int(sdk.ToInt32(n.FromPort)), To: int(sdk.ToInt32(n.ToPort))}
}

func sessionOf(n *types.TrafficMirrorSession) (account.Session, error) {
	return account.Session{
		ID: sdk.ToString(n.TrafficMirrorSessionId), Interface: sdk.ToString(n.NetworkInterfaceId), Target: shared(n.TrafficMirrorTargetId),
		Filter: shared(n.TrafficMirrorFilterId), Number: int(sdk.ToInt32(n.SessionNumber)), PacketLength: int(sdk.ToInt32(n.PacketLength)),
		VNI: uint32(sdk.ToInt32(n.VirtualNetworkId)), Account: shared(n.OwnerId), Tags: tagsOf(n.Tags),
	}, nil
}
