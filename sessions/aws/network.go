package aws

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/mirrorsink/mirrorsink/sessions/account"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// filterValues is the largest number of values in one filter. Reads by filter leave out missing resources; reads by ID would fail as a
// whole.
const filterValues = 200

func byID(name string, ids []string) []types.Filter {
	return []types.Filter{{Name: sdk.String(name), Values: ids}}
}

// Groups reads security groups. It leaves out those that do not exist or are not visible.
func (c *Client) Groups(ctx context.Context, ids []string) (all []account.SecurityGroup, err error) {
	for some := range slices.Chunk(ids, filterValues) {
		pages := ec2.NewDescribeSecurityGroupsPaginator(c.ec2, &ec2.DescribeSecurityGroupsInput{Filters: byID("group-id", some), MaxResults: sdk.Int32(pageSize)})
		groups, err := collect(ctx, pages, func(p *ec2.DescribeSecurityGroupsOutput) []types.SecurityGroup { return p.SecurityGroups }, groupOf)
		if err != nil {
			return nil, c.explain(err)
		}
		all = append(all, groups...)
	}
	return all, nil
}

// Subnets reads subnets. It leaves out those that do not exist or are not visible.
func (c *Client) Subnets(ctx context.Context, ids []string) (all []account.Subnet, err error) {
	for some := range slices.Chunk(ids, filterValues) {
		pages := ec2.NewDescribeSubnetsPaginator(c.ec2, &ec2.DescribeSubnetsInput{Filters: byID("subnet-id", some), MaxResults: sdk.Int32(pageSize)})
		subnets, err := collect(ctx, pages, func(p *ec2.DescribeSubnetsOutput) []types.Subnet { return p.Subnets }, subnetOf)
		if err != nil {
			return nil, c.explain(err)
		}
		all = append(all, subnets...)
	}
	return all, nil
}

func groupOf(n *types.SecurityGroup) (g account.SecurityGroup, err error) {
	g = account.SecurityGroup{ID: sdk.ToString(n.GroupId), VPC: shared(n.VpcId)}
	if g.Ingress, err = appendAll(g.Ingress, n.IpPermissions, permissionOf); err != nil {
		return g, fmt.Errorf("security group %s: %w", g.ID, err)
	}
	return g, nil
}

// protocols are the protocols that EC2 names (API reference, IpPermission). It gives all others by number.
var protocols = map[string]int{"-1": account.AnyProtocol, "icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}

func permissionOf(n *types.IpPermission) (p account.Permission, err error) {
	name := sdk.ToString(n.IpProtocol)
	var known bool
	if p.Protocol, known = protocols[name]; !known {
		if p.Protocol, err = strconv.Atoi(name); err != nil {
			return p, fmt.Errorf("%q is no protocol", name)
		}
	}
	p.From, p.To = 0, 65535
	if n.FromPort != nil && n.ToPort != nil && p.Protocol != account.AnyProtocol {
		p.From, p.To = int(*n.FromPort), int(*n.ToPort)
	}
	for _, r := range n.IpRanges {
		if p.CIDRs, err = appendCIDR(p.CIDRs, r.CidrIp); err != nil {
			return p, err
		}
	}
	for _, r := range n.Ipv6Ranges {
		if p.CIDRs, err = appendCIDR(p.CIDRs, r.CidrIpv6); err != nil {
			return p, err
		}
	}
	for _, g := range n.UserIdGroupPairs {
		p.Groups = append(p.Groups, shared(g.GroupId))
	}
	for _, l := range n.PrefixListIds {
		p.PrefixLists = append(p.PrefixLists, shared(l.PrefixListId))
	}
	return p, nil
}

func subnetOf(n *types.Subnet) (s account.Subnet, err error) {
	s = account.Subnet{ID: sdk.ToString(n.SubnetId), VPC: shared(n.VpcId), Zone: shared(n.AvailabilityZone)}
	if n.CidrBlock != nil { // a subnet with only IPv6 has none
		if s.CIDRs, err = appendCIDR(s.CIDRs, n.CidrBlock); err != nil {
			return s, fmt.Errorf("subnet %s: %w", s.ID, err)
		}
	}
	for _, a := range n.Ipv6CidrBlockAssociationSet {
		if a.Ipv6CidrBlockState != nil && a.Ipv6CidrBlockState.State != types.SubnetCidrBlockStateCodeAssociated {
			continue
		}
		if s.CIDRs, err = appendCIDR(s.CIDRs, a.Ipv6CidrBlock); err != nil {
			return s, fmt.Errorf("subnet %s: %w", s.ID, err)
		}
	}
	return s, nil
}

func appendCIDR(all []netip.Prefix, text *string) ([]netip.Prefix, error) {
	p, err := netip.ParsePrefix(sdk.ToString(text))
	if err != nil {
		return nil, fmt.Errorf("%q is no CIDR", sdk.ToString(text))
	}
	return append(all, p), nil
}
