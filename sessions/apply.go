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

// Applier carries plans out.
type Applier struct {
	API     Changer
	Nonce   string        // of this run: see NewNonce
	DryRun  bool          // only ask whether each change would be allowed
	GoOn    bool          // a session that EC2 will not make for reasons of its own does not stop the others
	Workers int           // calls at the same time; 0 is 1
	Report  func(Outcome) // told of every change when it is done, one at a time; may be nil
}

// Outcome is what became of a change.
type Outcome struct {
	Change *Change
	ID     string // of what was created
	Note   string // what is to be said of it; "" if it went as planned
	Err    error  // why it failed
}

// Result says how far a plan was carried out.
type Result struct {
	Done   []Outcome
	Failed []Outcome
	Left   []*Change // not begun
}

// NewNonce makes a nonce. All creations of a run have tokens made of it, so that a call that is repeated since its answer was
// lost makes nothing twice, and one of a later run makes a new thing even if the same was deleted in between.
func NewNonce() string { return rand.Text() }

// Apply carries a plan out, phase by phase, and stops when a change fails for a reason that needs a person; what was begun
// by then is finished. The result says what is done and what is not. A run that is repeated finishes the job. The error is
// that of the first change that failed, or of ctx.
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
	if len(r.result.Left) > 0 {
		return &r.result, context.Cause(ctx)
	}
	return &r.result, nil
}

// run is one application of a plan.
type run struct {
	*Applier
	stop context.CancelCauseFunc // begin nothing any more

	mu     sync.Mutex        // guards the following, and Report
	ids    map[string]string // of what was made, by its reference: "target/sink"
	result Result
}

var errStopped = errors.New("stopped after a failure")

// phase makes changes, those of one lane in their order.
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

// one makes a change, unless something failed before. A change that was begun is finished even if others are not to begin.
func (r *run) one(ctx context.Context, c *Change) {
	if ctx.Err() != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.result.Left = append(r.result.Left, c)
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

// tolerable reports whether others can go on although a change failed. What is wrong with permissions or the network is wrong for
// all of them.
func (r *run) tolerable(o Outcome) bool {
	if !r.GoOn || o.Change.Kind != KindSession || o.Change.Op != Create {
		return false
	}
	class := ClassOf(o.Err)
	return class == Other || class == Limit
}

// reference is how sessions and rules of a plan refer to what a change makes.
func (c *Change) reference() string { return account.Reference(c.Kind.String(), c.Name) }

// change makes one change and judges the answer.
func (r *run) change(ctx context.Context, c *Change) Outcome {
	resolved, fresh, missing := r.resolve(c)
	if missing != "" {
		return Outcome{Change: c, Note: "not asked: it needs " + missing + ", which is not there yet"} // of a dry run
	}
	id, err := r.API.Change(ctx, &resolved, Call{Token: r.token(c), DryRun: r.DryRun, Settled: !fresh})
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

// interfaceGone reports whether a change failed because the interface is not there any more, as happens where instances come and
// go. AWS takes its sessions away with it.
func (c *Change) interfaceGone(err error) bool {
	var api *APIError
	if c.Kind != KindSession || !errors.As(err, &api) {
		return false
	}
	return api.Code == "InvalidNetworkInterfaceID.NotFound" || c.Op == Modify && strings.Contains(api.Code, "MirrorSession")
}

// readBack compares a rule that is there already with the one that was to be made.
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

// resolve puts IDs in the place of references. fresh says that the change depends on one of a moment ago; missing is a reference that has none.
func (r *run) resolve(c *Change) (resolved Change, fresh bool, missing string) {
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
		*ref, fresh = made, true
	}
	resolved = *c
	fresh = c.Op == Delete && (c.Kind == KindFilter || c.Kind == KindTarget) // EC2 may not know everywhere yet that their sessions are gone
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
	return resolved, fresh, missing
}

// token is the ClientToken of a creation: the same for the same resource in the same run, at most 64 ASCII characters.
func (r *run) token(c *Change) string {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode([]any{r.Nonce, c.Kind, c.Name, c.Want}); err != nil {
		panic(err) // strings and numbers can be written
	}
	return hex.EncodeToString(h.Sum(nil)[:24])
}
