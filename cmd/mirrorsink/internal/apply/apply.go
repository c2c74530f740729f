// Package apply carries out a plan of mirror sessions and reports what became of each change. It does not plan: see package sessions.
package apply

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// Refused is the error of a plan that AWS would refuse: one line for each reason.
func Refused(p *sessions.Plan) error {
	var errs []error
	for _, why := range p.Refusals {
		errs = append(errs, errors.New(why))
	}
	return errors.Join(errs...)
}

// Workers is how many calls are made at the same time. EC2 takes some five mutating calls a second after a burst of
// fifty; more callers than a few only wait.
const Workers = 8

// Run applies a plan and prints the outcome of each change. The error has a line for each failure, and one with the progress.
func Run(ctx context.Context, api sessions.Changer, p *sessions.Plan, dryRun bool, out io.Writer) error {
	if p.Empty() {
		fmt.Fprintln(out, "Nothing to do.")
		return nil
	}
	applier := sessions.Applier{API: api, Nonce: sessions.NewNonce(), DryRun: dryRun, Workers: Workers,
		Report: func(o sessions.Outcome) { fmt.Fprintln(out, o.String()) }}
	result, err := applier.Apply(ctx, p)
	if err == nil {
		return nil
	}
	var errs []error
	for _, o := range result.Failed {
		errs = append(errs, o.Err)
	}
	if errors.Is(err, context.Canceled) {
		errs = append(errs, errors.New("interrupted"))
	}
	for _, c := range result.NotBegun {
		fmt.Fprintf(out, "not begun: %s\n", c)
	}
	if dryRun {
		text := fmt.Sprintf("of %d changes EC2 would refuse %d, and was not asked about %d", len(p.Changes), len(result.Failed), len(result.NotBegun))
		return errors.Join(append(errs, errors.New(text))...)
	}
	text := fmt.Sprintf("%d changes done, %d failed, %d not begun; run it again to finish", len(result.Done), len(result.Failed), len(result.NotBegun))
	return errors.Join(append(errs, errors.New(text))...)
}
