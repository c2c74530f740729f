package sessions

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// Applier makes the changes of plans.
type Applier struct {
	API       Changer
	Nonce     string        // of this run: see NewNonce
	DryRun    bool          // only ask whether each change would be permitted
	KeepGoing bool          // a session that EC2 refuses for reasons of its own does not stop the others
	Workers   int           // concurrent calls; 0 is 1
	Report    func(Outcome) // receives the outcome of every change, one at a time; may be nil
}

// Outcome is the result of one change.
type Outcome struct {
	Change *Change
	ID     string // of what was created
	Note   string // a remark; "" if it went as planned
	Err    error  // why it failed
}

// Result is the progress of a plan.
type Result struct {
	Done     []Outcome
	Failed   []Outcome
	NotBegun []*Change
}

// NewNonce returns a new nonce. The tokens of all creations in a run contain it: a call that is repeated because its answer was lost
// creates nothing twice, and a later run creates a new resource even if the same one was deleted in between.
func NewNonce() string { return rand.Text() }

// Apply makes the changes of a plan, phase by phase. It stops when a change fails for a reason that needs a person; calls that have begun
// are completed. A repeated run finishes the job. The error is that of the first failed change, or of ctx.
func (a *Applier) Apply(ctx context.Context, p *Plan) (*Result, error) {
	r := &run{Applier: a, ids: map[string]string{}}
	ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	for rest := p.Changes; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(c Change) bool { return c.phase != rest[0].phase })
		if n < 0 {
			n = len(rest)
		}
		r.phase(ctx, rest[:n])
		rest = rest[n:]
	}
	if len(r.result.Failed) > 0 {
		return &r.result, r.result.Failed[0].Err
	}
	if len(r.result.NotBegun) > 0 {
		return &r.result, context.Cause(ctx)
	}
	return &r.result, nil
}

// run is one application of a plan.
type run struct {
	*Applier
	stop context.CancelCauseFunc // no further change begins

	mu     sync.Mutex        // guards the following, and Report
	ids    map[string]string // of created resources, by reference: "target/sink"
	result Result
}

var errStopped = errors.New("stopped after a failure")

// phase makes the changes of one phase: those of a lane one after the other, lanes concurrently.
func (r *run) phase(ctx context.Context, changes []Change) {
	var lanes [][]*Change
	number := map[string]int{}
	for i := range changes {
		c := &changes[i]
		n, ok := number[c.lane]
		if !ok {
			n = len(lanes)
			number[c.lane], lanes = n, append(lanes, nil)
		}
		lanes[n] = append(lanes[n], c)
	}
	todo := make(chan []*Change)
	var workers sync.WaitGroup
	for range min(max(r.Workers, 1), len(lanes)) {
		workers.Go(func() {
			for lane := range todo {
				for _, c := range lane {
					r.one(ctx, c)
				}
			}
		})
	}
	for _, lane := range lanes {
		todo <- lane
	}
	close(todo)
	workers.Wait()
}

// one makes a change, unless an earlier one failed. It completes a change that has begun even if the run is stopped.
func (r *run) one(ctx context.Context, c *Change) {
	if ctx.Err() != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.result.NotBegun = append(r.result.NotBegun, c)
		return
	}
	o := r.change(context.WithoutCancel(ctx), c)
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.Err != nil {
		r.result.Failed = append(r.result.Failed, o)
		if !r.DryRun && !r.tolerable(o) {
			r.stop(errStopped)
		}
	} else {
		r.result.Done = append(r.result.Done, o)
	}
	if o.ID != "" && c.Op == Create {
		r.ids[c.reference()] = o.ID
	}
	if r.Report != nil {
		r.Report(o)
	}
}

// tolerable reports whether other changes can continue after this failure. A problem with permissions or the network affects all of them.
func (r *run) tolerable(o Outcome) bool {
	if !r.KeepGoing || o.Change.Kind != KindSession || o.Change.Op != Create {
		return false
	}
	class := ClassOf(o.Err)
	return class == Other || class == Limit
}

// reference returns how sessions and rules of a plan refer to what the change creates.
func (c *Change) reference() string { return account.Reference(c.Kind.String(), c.Name) }

// change makes one change and classifies the answer.
func (r *run) change(ctx context.Context, c *Change) Outcome {
	resolved, recent, missing := r.resolve(c)
	if missing != "" {
		return Outcome{Change: c, Note: "not asked: it needs " + missing + ", which is not there yet"} // only in a dry run
	}
	id, err := r.API.Change(ctx, &resolved, Call{Token: r.token(c), DryRun: r.DryRun, Recent: recent})
	o := Outcome{Change: c, ID: id}
	switch class := ClassOf(err); {
	case err == nil:
	case class == WouldSucceed && r.DryRun:
		o.Note = "would be allowed"
	case class == NotFound && c.interfaceGone(err):
		o.Note = "gone in the meantime, with its interface"
	case class == Exists && c.Kind == KindRule && c.Op == Create:
		o.ID, err = r.readBack(ctx, resolved.Want.Rule, err)
		o.Note, o.Err = "was there already", err
	default:
		o.Err = fmt.Errorf("%s %s %s: %w", c.Op, c.Kind, c.Name, err)
	}
	return o
}

// interfaceGone reports whether a change failed because the interface no longer exists, as happens where instances come and go. AWS deletes
// its sessions with it.
func (c *Change) interfaceGone(err error) bool {
	var api *APIError
	if c.Kind != KindSession || !errors.As(err, &api) {
		return false
	}
	return api.Code == "InvalidNetworkInterfaceID.NotFound" || c.Op == Modify && strings.Contains(api.Code, "MirrorSession")
}

// readBack compares an existing rule with the one that was to be created.
func (r *run) readBack(ctx context.Context, want *account.Rule, exists error) (id string, err error) {
	rules, err := r.API.Rules(ctx, want.Filter)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(rules, func(have account.Rule) bool { return have.Key() == want.Key() })
	if i < 0 || !rules[i].SameEffect(want) || rules[i].Tags[account.OwnerTag] != want.Tags[account.OwnerTag] {
		return "", fmt.Errorf("%s rule %d of %s is there and is another one: %w", want.Direction, want.Number, want.Filter, exists)
	}
	return rules[i].ID, nil
}

// resolve replaces references by IDs. recent reports that the change depends on one made a moment ago. missing is a reference without an
// ID.
func (r *run) resolve(c *Change) (resolved Change, recent bool, missing string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := func(ref *string) {
		if !account.IsReference(*ref) {
			return
		}
		made, ok := r.ids[*ref]
		if !ok {
			missing = strings.Replace(*ref, "/", " ", 1)
			return
		}
		*ref, recent = made, true
	}
	resolved = *c
	recent = c.Op == Delete && (c.Kind == KindFilter || c.Kind == KindTarget) // EC2 may not know everywhere yet that their sessions were deleted
	switch {
	case c.Want.Session != nil:
		s := *c.Want.Session
		id(&s.Target)
		id(&s.Filter)
		resolved.Want.Session = &s
	case c.Want.Rule != nil:
		rule := *c.Want.Rule
		id(&rule.Filter)
		resolved.ID, resolved.Want.Rule = c.ID, &rule
		if c.Op == Create {
			resolved.ID = rule.Filter
		}
	case c.Kind == KindServices:
		f := *c.Want.Filter
		id(&f.ID)
		resolved.ID, resolved.Want.Filter = f.ID, &f
	}
	return resolved, recent, missing
}

// token returns the ClientToken of a creation: the same for the same resource in the same run, at most 64 ASCII characters.
func (r *run) token(c *Change) string {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode([]any{r.Nonce, c.Kind, c.Name, c.Want}); err != nil {
		panic(err) // strings and numbers can always be encoded
	}
	return hex.EncodeToString(h.Sum(nil)[:24])
}
