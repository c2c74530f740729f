package doctor

import (
	"context"
	"fmt"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// Answer is EC2's answer to whether a call is permitted.
type Answer uint8

// Answers.
const (
	Undecided Answer = iota // the call failed for a reason that is independent of permission
	Allowed
	Refused
)

// Grant is a call of the EC2 API and whether the caller may make it.
type Grant struct {
	Action string // as a policy names it, such as ec2:CreateTrafficMirrorSession
	Answer Answer
	Err    error // EC2's answer, unless the call is allowed
}

// AskGrants asks EC2 by DryRun, which changes nothing, whether each call that apply may make is permitted. It sends the resources and
// tags that apply would send, because a policy may depend on them, as ours does. Calls for which there is no resource yet are recorded
// as not checked. It returns an error if EC2 cannot be asked.
func AskGrants(ctx context.Context, api sessions.Changer, f *Facts) error {
	c, err := sessions.Compare(f.Spec, f.State)
	if err != nil {
		return err
	}
	var unasked, undecided []string
	for _, e := range examples(c) {
		if e.change == nil {
			unasked = append(unasked, e.action)
			continue
		}
		_, err := api.Change(ctx, e.change, sessions.Call{DryRun: true})
		g := Grant{Action: e.action}
		switch sessions.ClassOf(err) {
		case sessions.Unreachable, sessions.Throttled:
			return err
		case sessions.Denied:
			g.Answer, g.Err = Refused, err
		case sessions.WouldSucceed, sessions.InUse, sessions.Exists, sessions.Limit: // EC2 checks permission before it checks these
			g.Answer = Allowed
		default:
			g.Err = err
			undecided = append(undecided, e.action)
		}
		f.Grants = append(f.Grants, g)
	}
	if len(unasked) > 0 {
		f.Unchecked = append(f.Unchecked, "whether these are permitted, which need what does not exist yet: "+joined(unasked))
	}
	if len(undecided) > 0 {
		f.Unchecked = append(f.Unchecked, "whether these are permitted, for which EC2 gave no answer: "+joined(undecided))
	}
	return nil
}

// refusedActions returns the calls that the caller may not make.
func (f *Facts) refusedActions() (all []string) {
	for _, g := range f.Grants {
		if g.Answer == Refused {
			all = append(all, g.Action)
		}
	}
	return all
}

// permissions finds calls that are not permitted.
func (s *setup) permissions() (all []Finding) {
	if calls := s.facts.refusedActions(); len(calls) > 0 {
		all = append(all, Finding{
			Subject: "IAM", What: "EC2 refuses " + joined(calls),
			Impact: "apply and watch stop at the first of them, with what was done before it", Remedy: "allow what this prints: " + s.policyCommand("apply"),
		})
	}
	if denied := s.facts.Denied; len(denied) > 0 {
		all = append(all, Finding{
			Subject: "IAM", What: "doctor may not call " + joined(denied),
			Impact: "some of the checks below could not be made", Remedy: "allow what this prints: " + s.policyCommand("doctor"),
		})
	}
	return all
}

// policyCommand returns the command that prints the policy of a command.
func (s *setup) policyCommand(of string) string {
	text := fmt.Sprintf("mirrorsink sessions iam-policy %s --owner %s", of, s.Spec.Owner)
	if s.Account.Region != "" {
		text += " --region " + s.Account.Region
	}
	return text
}
