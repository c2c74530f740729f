// Package plan measures the plan of mirror sessions in the largest account that AWS allows.
package plan

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// planRuns is the number of runs of each plan.
const planRuns = 3

// The bounds of a plan in that account. It is wall-clock time, since a person waits for it.
var (
	planSeconds = figures.Bound{Most: 5}
	planMemory  = figures.Bound{Most: 300}
)

// Measure measures sessions plan in the largest account, with all sessions to create and with nothing to do. EC2 is the test server,
// in this process.
func Measure(ctx context.Context) (t figures.Table, err error) {
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
		return []string{process.Mirrorsink, "sessions", command, "--endpoint", srv.URL, "--region", "eu-west-1", "-f", spec}
	}
	if err := setenv("AWS_ACCESS_KEY_ID", "AKIABENCH", "AWS_SECRET_ACCESS_KEY", "made-up", "AWS_EC2_METADATA_DISABLED", "true"); err != nil {
		return nil, err
	}
	log.Printf("plan of %d sessions to create", manySessions)
	before, err := measurePlan(ctx, "create", sessions("plan"))
	if err != nil {
		return nil, err
	}
	log.Printf("apply")
	if _, err := process.CPUTime(ctx, sessions("apply")); err != nil {
		return nil, err
	}
	if n := len(srv.Snapshot().Sessions); n != manySessions {
		return nil, fmt.Errorf("there are %d sessions after apply, not %d", n, manySessions)
	}
	log.Printf("plan without changes")
	after, err := measurePlan(ctx, "keep", sessions("plan"))
	return append(before, after...), err
}

// measurePlan runs a plan planRuns times.
func measurePlan(ctx context.Context, what string, argv []string) (figures.Table, error) {
	title := fmt.Sprintf("plan, %d sessions to %s", manySessions, what)
	var wall, cpu []float64
	for range planRuns {
		start := time.Now()
		used, err := process.CPUTime(ctx, argv)
		if err != nil && !foundDifferences(err) {
			return nil, err
		}
		wall, cpu = append(wall, time.Since(start).Seconds()), append(cpu, used.Seconds())
	}
	mem, err := process.PeakMemory(ctx, argv)
	if err != nil && !foundDifferences(err) {
		return nil, err
	}
	return figures.Table{
		{Name: title + ": seconds", Values: wall, Bound: planSeconds},
		{Name: title + ": CPU seconds", Values: cpu},
		{Name: title + ": peak memory, MiB", Values: []float64{mem.Resident}, Bound: planMemory},
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
