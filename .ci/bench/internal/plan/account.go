package plan

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// The largest account: AWS allows 10,000 sessions, here two on each interface.
const (
	manyInterfaces = 5_000
	manySessions   = 2 * manyInterfaces
)

const manySpec = `owner: bench
targets: {sink: {network-load-balancer: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sink/0a10000000000001"}}
filters: {everything: {}}
sources: {all: {tags: {mirror: "yes"}}}
sessions:
  one: {sources: all, filter: everything, target: sink, vni: 100000-199999}
  two: {sources: all, filter: everything, target: sink}
`

// largeAccount has typical interfaces: with a secondary address, an instance, and tags on both.
func largeAccount() ec2test.Account {
	a := ec2test.Account{LoadBalancers: []ec2test.LoadBalancer{{ARN: manySpec[strings.Index(manySpec, "arn:"):strings.Index(manySpec, `"}}`)], Name: "sink", VPC: "vpc-0a"}}}
	for i := range manyInterfaces {
		hi, lo := byte(i>>8), byte(i)
		instance := fmt.Sprintf("i-%017x", i)
		a.Instances = append(a.Instances, ec2test.Instance{ID: instance, Tags: map[string]string{
			"mirror": "yes", "Name": fmt.Sprintf("node-%d", i), "service": fmt.Sprintf("service-%d", i%40), "aws:autoscaling:groupName": fmt.Sprintf("group-%d", i%200),
		}})
		a.Interfaces = append(a.Interfaces, ec2test.Interface{
			ID: fmt.Sprintf("eni-%017x", i), VPC: "vpc-0a", Subnet: "subnet-0a", Zone: "eu-west-1a", MAC: fmt.Sprintf("02:00:0a:00:%02x:%02x", hi, lo),
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, hi, lo}), netip.AddrFrom4([4]byte{10, 100, hi, lo})},
			Instance:  instance, Groups: []string{"sg-0a"}, Tags: map[string]string{"Name": fmt.Sprintf("node-%d eth0", i)},
		})
	}
	return a
}
