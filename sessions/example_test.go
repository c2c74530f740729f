package sessions_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

const exampleSpec = `
owner: demo
targets: {sink: {network-interface: eni-0f}}
filters: {everything: {}}
sources: {web: {tags: {service: web}}}
sessions: {web: {sources: web, filter: everything, target: sink}}
`

// exampleState is an account with one web server and no mirroring.
func exampleState() *account.State {
	return &account.State{
		Region: "eu-west-1",
		Interfaces: []account.Interface{
			{ID: "eni-0a", Status: "in-use", Instance: "i-0a", Primary: netip.MustParseAddr("10.0.1.10")},
			{ID: "eni-0f", Status: "in-use"},
		},
		Instances: []account.Instance{{ID: "i-0a", State: "running", Tags: account.Tags{"service": "web"}}},
	}
}

// A spec compared with an account without mirroring gives a plan that creates everything.
func Example() {
	want, err := spec.Parse("mirror.yaml", []byte(exampleSpec))
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := sessions.Diff(want, exampleState())
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plan.Print(os.Stdout, 0.015); err != nil {
		fmt.Println(err)
	}
	// Output:
	// + target    sink                     there is no target for eni-0f yet
	// + filter    everything               there is no such filter yet
	// + rule      everything ingress 10    accept all 0.0.0.0/0 to 0.0.0.0/0
	// + rule      everything ingress 20    accept all ::/0 to ::/0
	// + rule      everything egress 10     accept all 0.0.0.0/0 to 0.0.0.0/0
	// + rule      everything egress 20     accept all ::/0 to ::/0
	// ~ services  everything               without it no lookup at the VPC's resolver is mirrored, and every connection looks as if it had none
	// + session   web eni-0a               source web chooses eni-0a, device 0 of i-0a
	// 7 to create, 1 to modify, 0 to delete.
	// After that, in eu-west-1, 1 session: 0.015 USD an hour, 10.95 USD a month (at 0.015 USD a session-hour).
}

// printer is a Changer that prints the changes instead of calling EC2.
type printer struct{}

func (printer) Change(_ context.Context, c *sessions.Change, _ sessions.Call) (id string, err error) {
	if s := c.Want.Session; s != nil {
		fmt.Printf("mirror %s to %s\n", s.Interface, s.Target)
	}
	return "id-of-" + c.Name, nil
}

func (printer) Rules(context.Context, string) ([]account.Rule, error) { return nil, nil }

// Apply replaces the references of a plan by the IDs of the resources that it created before.
func ExampleApplier_Apply() {
	want, _ := spec.Parse("mirror.yaml", []byte(exampleSpec))
	plan, _ := sessions.Diff(want, exampleState())
	applier := sessions.Applier{API: printer{}, Nonce: sessions.NewNonce()}
	result, err := applier.Apply(context.Background(), plan)
	fmt.Println(len(result.Done), len(result.NotBegun), err)
	// Output:
	// mirror eni-0a to id-of-sink
	// 8 0 <nil>
}

// The inventory has what a mirrored packet does not: the interface and the instance behind its source address and VNI.
func ExampleNewInventory() {
	state := exampleState()
	state.Sessions = []account.Session{{ID: "tms-1", Interface: "eni-0a", VNI: 7}}
	inventory, omitted := sessions.NewInventory(state, time.Unix(0, 0))
	for _, e := range inventory.Entries {
		fmt.Println(e.Outer, e.VNI, e.Interface, e.Instance, e.Tags["service"])
	}
	fmt.Println(len(omitted), "omitted")
	// Output:
	// 10.0.1.10 7 eni-0a i-0a web
	// 0 omitted
}

// A policy narrows to an owner, an account and a region.
func ExamplePolicyFor() {
	policy, err := sessions.PolicyFor("plan", sessions.Scope{Region: "eu-west-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, action := range policy.Actions() {
		fmt.Println(action)
	}
	// Output:
	// ec2:DescribeInstances
	// ec2:DescribeNetworkInterfaces
	// ec2:DescribeTrafficMirrorFilters
	// ec2:DescribeTrafficMirrorSessions
	// ec2:DescribeTrafficMirrorTargets
	// elasticloadbalancing:DescribeTargetGroups
	// elasticloadbalancing:DescribeTargetHealth
}
