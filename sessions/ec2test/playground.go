package ec2test

import "net/netip"

// Names of the playground's resources.
const (
	playVPC     = "vpc-0a10000000000000a"
	playSubnetA = "subnet-0a10000000000000a"
	playSubnetB = "subnet-0a10000000000000b"
	playWeb     = "sg-0a10000000000000a"
	playData    = "sg-0a10000000000000b"
	playSink    = "sg-0a10000000000000c"
	playNLB     = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sink/0a10000000000001"
	playMembers = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/sink/0a10000000000001"
)

// Playground returns a small invented account for experiments. It has an Auto Scaling group of web servers in two zones, some with two
// interfaces; a database; a bastion of a type that cannot be mirrored; a NAT gateway; a sink behind a Network Load Balancer; and a
// mirror session of another owner.
func Playground() Account {
	return Account{
		ID: "111122223333", Region: "eu-west-1", Seed: 1,
		Subnets: []Subnet{
			{ID: playSubnetA, VPC: playVPC, Zone: "eu-west-1a", CIDR: prefix("10.20.1.0/24"), IPv6: prefix("2001:db8:20:1::/64"), Tags: name("a")},
			{ID: playSubnetB, VPC: playVPC, Zone: "eu-west-1b", CIDR: prefix("10.20.2.0/24"), Tags: name("b")},
		},
		SecurityGroups: playgroundGroups(),
		Instances:      playgroundInstances(),
		Interfaces:     append(playgroundInterfaces(), playgroundServices()...),
		LoadBalancers: []LoadBalancer{{
			ARN: playNLB, Name: "sink", VPC: playVPC, CrossZone: true, Subnets: map[string]string{"eu-west-1a": playSubnetA, "eu-west-1b": playSubnetB},
			Listeners: []Listener{{
				ARN:      "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/net/sink/0a10000000000001/0a10000000000002",
				Protocol: "UDP", Port: 4789, TargetGroup: playMembers,
			}},
		}},
		TargetGroups: []TargetGroup{{
			ARN: playMembers, Name: "sink", Protocol: "UDP", Port: 4789, VPC: playVPC, HealthProtocol: "HTTP", HealthPort: "8080", HealthPath: "/readyz",
			Members: []Member{{ID: "i-0a1000000000000f0", Zone: "eu-west-1a"}},
		}},
		Targets: []Target{{ID: "tmt-0a1000000000000ee", Description: "the network team's probe", Interface: "eni-0a1000000000000ee", Tags: name("probe")}},
		Filters: []Filter{{
			ID: "tmf-0a1000000000000ee", Description: "the network team's", Tags: name("probe"),
			Rules: []Rule{
				{ID: "tmfr-0a1000000000000ee", Direction: "ingress", Number: 1, Action: "accept", Protocol: 6, Source: anywhere, Destination: anywhere, DestinationPorts: &PortRange{443, 443}},
			},
		}},
		Sessions: []Session{{
			ID: "tms-0a1000000000000ee", Description: "the network team's", Interface: "eni-0a100000000000a10", Target: "tmt-0a1000000000000ee",
			Filter: "tmf-0a1000000000000ee", Number: 1, PacketLength: 128, VNI: 5_000_001, Tags: map[string]string{"Name": "probe", "team": "network"},
		}},
	}
}

var anywhere = prefix("0.0.0.0/0")

func playgroundGroups() []SecurityGroup {
	out := []Permission{{Protocol: "-1", CIDRs: []netip.Prefix{anywhere}}}
	vpc := []netip.Prefix{prefix("10.20.0.0/16")}
	return []SecurityGroup{
		{ID: playWeb, Name: "web", Description: "web servers", VPC: playVPC, Egress: out, Tags: name("web"), Ingress: []Permission{
			{Protocol: "tcp", From: 443, To: 443, CIDRs: []netip.Prefix{anywhere, prefix("::/0")}},
		}},
		{ID: playData, Name: "database", Description: "databases", VPC: playVPC, Egress: out, Tags: name("database"), Ingress: []Permission{
			{Protocol: "tcp", From: 5432, To: 5432, Groups: []string{playWeb}},
		}},
		{ID: playSink, Name: "sink", Description: "mirrored packets", VPC: playVPC, Egress: out, Tags: name("sink"), Ingress: []Permission{
			{Protocol: "udp", From: 4789, To: 4789, CIDRs: vpc},
			{Protocol: "tcp", From: 8080, To: 8080, CIDRs: vpc},
		}},
	}
}

func playgroundInstances() []Instance {
	web := map[string]string{"Name": "web", "service": "web", "env": "prod", "aws:autoscaling:groupName": "web"}
	return []Instance{
		{ID: "i-0a100000000000a10", Type: "m5.large", Tags: web},
		{ID: "i-0a100000000000a20", Type: "m5.large", Tags: web},
		{ID: "i-0a100000000000b10", Type: "m5.large", Tags: web},
		{ID: "i-0a1000000000000d0", Type: "r6g.xlarge", Tags: map[string]string{"Name": "database", "service": "database", "env": "prod"}},
		{ID: "i-0a1000000000000c0", Type: "t2.micro", Tags: map[string]string{"Name": "bastion", "env": "prod"}},
		{ID: "i-0a1000000000000f0", Type: "c6in.xlarge", Tags: map[string]string{"Name": "sink", "service": "sink"}},
	}
}

func playgroundInterfaces() []Interface {
	web, data, sink := []string{playWeb}, []string{playData}, []string{playSink}
	return []Interface{
		{ID: "eni-0a100000000000a10", Subnet: playSubnetA, Instance: "i-0a100000000000a10", Addresses: addrs("10.20.1.10"), IPv6: addrs("2001:db8:20:1::10"), Groups: web},
		{ID: "eni-0a100000000000a11", Subnet: playSubnetA, Instance: "i-0a100000000000a10", Device: 1, Addresses: addrs("10.20.1.11", "10.20.1.111"), Groups: web, Tags: name("web admin")},
		{ID: "eni-0a100000000000a20", Subnet: playSubnetA, Instance: "i-0a100000000000a20", Addresses: addrs("10.20.1.20"), Groups: web},
		{ID: "eni-0a100000000000b10", Subnet: playSubnetB, Instance: "i-0a100000000000b10", Addresses: addrs("10.20.2.10"), Groups: web},
		{ID: "eni-0a100000000000b11", Subnet: playSubnetB, Instance: "i-0a100000000000b10", Device: 1, Addresses: addrs("10.20.2.11"), Groups: web, Tags: name("web admin")},
		{ID: "eni-0a1000000000000d0", Subnet: playSubnetB, Instance: "i-0a1000000000000d0", Addresses: addrs("10.20.2.50"), Groups: data},
		{
			ID: "eni-0a1000000000000c0", Subnet: playSubnetA, Instance: "i-0a1000000000000c0", Addresses: addrs("10.20.1.5"), Groups: web,
			Refusal: "eni-0a1000000000000c0 must be attached to an instance of a type that supports traffic mirroring, not t2.micro",
		},
		{ID: "eni-0a1000000000000f0", Subnet: playSubnetA, Instance: "i-0a1000000000000f0", Addresses: addrs("10.20.1.200"), Groups: sink, Tags: name("sink")},
		{ID: "eni-0a1000000000000ee", Subnet: playSubnetB, Description: "the network team's probe", Addresses: addrs("10.20.2.250"), Tags: map[string]string{"Name": "probe", "team": "network"}},
	}
}

// playgroundServices returns interfaces of AWS services.
func playgroundServices() []Interface {
	managed := Interface{Status: "in-use", RequesterManaged: true, Requester: "amazon-elb", Type: "network_load_balancer", Description: "ELB net/sink/0a10000000000001"}
	a, b, nat := managed, managed, managed
	a.ID, a.Subnet, a.Addresses = "eni-0a1000000000000e1", playSubnetA, addrs("10.20.1.240")
	b.ID, b.Subnet, b.Addresses = "eni-0a1000000000000e2", playSubnetB, addrs("10.20.2.240")
	nat.ID, nat.Subnet, nat.Addresses = "eni-0a1000000000000e3", playSubnetA, addrs("10.20.1.241")
	nat.Type, nat.Requester, nat.Description = "nat_gateway", "amazon-aws", "Interface for NAT Gateway nat-0a10000000000001"
	for _, eni := range []*Interface{&a, &b, &nat} {
		eni.Refusal = "The network interface " + eni.ID + " is of type " + eni.Type + ", which traffic mirroring does not support"
	}
	return []Interface{a, b, nat}
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func addrs(list ...string) []netip.Addr {
	all := make([]netip.Addr, len(list))
	for i, s := range list {
		all[i] = netip.MustParseAddr(s)
	}
	return all
}

func name(s string) map[string]string { return map[string]string{"Name": s} }
