package sessions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// Prober asks EC2, without doing anything, which of a plan's new sessions it would refuse. Which instance types can be
// mirrored changes and is written down nowhere for programs; the answers are kept for a while.
type Prober struct {
	API   Changer
	Cache string // a file; "" for none
	Now   func() time.Time
}

// probeAge is how long an answer is good for: an instance may be given another type.
const probeAge = 24 * time.Hour

// answer is what EC2 said of an interface.
type answer struct {
	At      time.Time `json:"at"`
	Refused string    `json:"refused,omitempty"` // its reason; "" if it would take it
}

// ErrNotKept is that the answers are there and cannot be kept for the next time.
var ErrNotKept = errors.New("the answers of --probe cannot be kept")

// Probe returns the interfaces that cannot be mirrored, with EC2's reason, and how many it could not ask about since their
// target or filter is not there yet. An error is ErrNotKept, with which all that was found out is returned, or says why
// nothing can be found out.
func (p *Prober) Probe(ctx context.Context, plan *Plan) (refused []Skip, unasked int, err error) {
	known := p.load()
	busy := plan.busy()
	for i := range plan.Changes {
		c := &plan.Changes[i]
		if c.Op != Create || c.Kind != KindSession {
			continue
		}
		s := c.Want.Session
		a, ok := known[s.Interface]
		if !ok || p.Now().Sub(a.At) > probeAge {
			if account.IsReference(s.Target) || account.IsReference(s.Filter) {
				unasked++
				continue
			}
			lasts := false
			if a, lasts, err = p.ask(ctx, c); err != nil {
				_ = p.save(known) // what is wrong is told already
				return refused, unasked, err
			}
			switch {
			case a.Refused != "" && busy[s.Interface]:
				continue
			case lasts:
				known[s.Interface] = a
			}
		}
		if a.Refused != "" {
			refused = append(refused, Skip{s.Interface, a.Refused})
		}
	}
	return refused, unasked, p.save(known)
}

// busy are the interfaces on which the plan also deletes or modifies sessions. They are mirrored now, so if EC2 refuses a new
// session there, then for a number or a place that it is free to have once the plan is carried out.
func (p *Plan) busy() map[string]bool {
	enis := map[string]bool{}
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Kind == KindSession && c.Op != Create {
			enis[c.Have.Session.Interface] = true
		}
	}
	return enis
}

// ask asks about one session. An answer lasts if it is about the interface; a quota that is used up, or something that is not
// there, may be otherwise in a moment.
func (p *Prober) ask(ctx context.Context, c *Change) (a answer, lasts bool, err error) {
	_, err = p.API.Change(ctx, c, Call{DryRun: true, Settled: true})
	a = answer{At: p.Now()}
	var api *APIError
	switch class := ClassOf(err); {
	case class == WouldSucceed:
		return a, true, nil
	case class == Denied || class == Unreachable || class == Throttled || !errors.As(err, &api):
		return a, false, fmt.Errorf("probe %s: %w", c.Name, err)
	default:
		a.Refused = api.Code + ": " + api.Message
		return a, class == Other, nil
	}
}

// load reads the answers kept. A file that cannot be read is as good as none.
func (p *Prober) load() map[string]answer {
	known := map[string]answer{}
	if text, err := os.ReadFile(p.Cache); err == nil && json.Unmarshal(text, &known) != nil {
		clear(known)
	}
	return known
}

// save keeps the answers, but for those that are too old.
func (p *Prober) save(known map[string]answer) error {
	if p.Cache == "" {
		return nil
	}
	for id, a := range known {
		if p.Now().Sub(a.At) > probeAge {
			delete(known, id)
		}
	}
	text, err := json.Marshal(known)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.Cache), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	if err := os.WriteFile(p.Cache, text, 0o600); err != nil {
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return nil
}
