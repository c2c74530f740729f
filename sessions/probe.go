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

// Prober asks EC2 by DryRun which new sessions of a plan it would refuse. Which instance types can be mirrored changes, and is not
// published for programs; answers are cached.
type Prober struct {
	API   Changer
	Cache string // file name; "" for no cache
	Now   func() time.Time
}

// probeAge is how long an answer is valid. An instance may change its type.
const probeAge = 24 * time.Hour

// answer is EC2's answer about an interface.
type answer struct {
	At      time.Time `json:"at"`
	Refused string    `json:"refused,omitempty"` // the reason; "" if EC2 would accept a session
}

// ErrNotKept reports that the answers are complete but could not be cached.
var ErrNotKept = errors.New("the answers of --probe cannot be kept")

// Probe returns the interfaces that cannot be mirrored, with EC2's reason. unasked is the number of new sessions whose target or filter
// does not exist yet, so that EC2 could not be asked. With ErrNotKept all results are valid; any other error reports that EC2 gave no
// answers.
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
				_ = p.save(known) // the first error matters more
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

// busy returns the interfaces on which the plan also deletes or modifies sessions. They are mirrored now. If EC2 refuses a new session
// there, then because of a number or a place that will be free once the plan is applied.
func (p *Plan) busy() map[string]bool {
	enis := map[string]bool{}
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Kind == KindSession && c.Op != Create {
			enis[c.Have.Session.Interface] = true
		}
	}
	return enis
}

// ask asks about one session. lasts reports whether the answer is about the interface itself; a used-up quota or a missing resource may
// change in a moment.
func (p *Prober) ask(ctx context.Context, c *Change) (a answer, lasts bool, err error) {
	_, err = p.API.Change(ctx, c, Call{DryRun: true})
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

// load reads the cached answers. An unreadable file counts as empty.
func (p *Prober) load() map[string]answer {
	known := map[string]answer{}
	if text, err := os.ReadFile(p.Cache); err == nil && json.Unmarshal(text, &known) != nil {
		clear(known)
	}
	return known
}

// save caches the answers, except for old ones.
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
