package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// The largest account: AWS allows 10,000 sessions, here two on each interface.
const (
	manyInterfaces = 5_000
	manySessions   = 2 * manyInterfaces
	planRuns       = 3
)

// The bounds of a plan in that account. It is wall-clock time, since a person waits for it.
var (
	planSeconds = figures.Bound{Most: 5}
	planMemory  = figures.Bound{Most: 300}
)

const manySpec = `owner: bench
targets: {sink: {network-load-balancer: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sink/0a10000000000001"}}
filters: {everything: {}}
sources: {all: {tags: {mirror: "yes"}}}
sessions:
  one: {sources: all, filter: everything, target: sink, vni: 100000-199999}
  two: {sources: all, filter: everything, target: sink}
`

// plans measures sessions plan in the largest account, with all sessions to create and with nothing to do. EC2 is the test server,
// in this process.
func plans(ctx context.Context) (t figures.Table, err error) {
	dir, err := os.MkdirTemp("", "mirrorsink-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	spec := filepath.Join(dir, "mirror.yaml")
	if err := os.WriteFile(spec, []byte(manySpec), 0o600); err != nil {
		return nil, err
	}
	srv, err := ec2test.Listen(largeAccount(), "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer srv.Close()
	sessions := func(command string) []string {
		return []string{program, "sessions", command, "--endpoint", srv.URL, "--region", "eu-west-1", "-f", spec}
	}
	if err := setenv("AWS_ACCESS_KEY_ID", "AKIABENCH", "AWS_SECRET_ACCESS_KEY", "made-up", "AWS_EC2_METADATA_DISABLED", "true"); err != nil {
		return nil, err
	}
	progress("plan of %d sessions to create", manySessions)
	before, err := measurePlan(ctx, "create", sessions("plan"))
	if err != nil {
		return nil, err
	}
	progress("apply")
	if _, err := cpuTime(ctx, sessions("apply")); err != nil {
		return nil, err
	}
	if n := len(srv.Snapshot().Sessions); n != manySessions {
		return nil, fmt.Errorf("there are %d sessions after apply, not %d", n, manySessions)
	}
	progress("plan without changes")
	after, err := measurePlan(ctx, "keep", sessions("plan"))
	return append(before, after...), err
}

// measurePlan runs a plan planRuns times.
func measurePlan(ctx context.Context, what string, argv []string) (figures.Table, error) {
	title := fmt.Sprintf("plan, %d sessions to %s", manySessions, what)
	var wall, cpu []float64
	for range planRuns {
		start := time.Now()
		used, err := cpuTime(ctx, argv)
		if err != nil && !foundDifferences(err) {
			return nil, err
		}
		wall, cpu = append(wall, time.Since(start).Seconds()), append(cpu, used.Seconds())
	}
	mem, err := peakMemory(ctx, argv)
	if err != nil && !foundDifferences(err) {
		return nil, err
	}
	return figures.Table{
		{Name: title + ": seconds", Values: wall, Bound: planSeconds},
		{Name: title + ": CPU seconds", Values: cpu},
		{Name: title + ": peak memory, MiB", Values: []float64{mem.resident}, Bound: planMemory},
	}, nil
}

// foundDifferences reports whether a program ended with the status of a plan that has changes.
func foundDifferences(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == 3
}

func setenv(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := os.Setenv(pairs[i], pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

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
