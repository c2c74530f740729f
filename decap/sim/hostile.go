package sim

import (
	"math/rand/v2"
	"slices"
)

// Odds are the probabilities, each from 0 to 1, of what befalls a copy on its way. The same seed and the same copies give
// the same mishaps.
type Odds struct {
	Loss      float64
	Duplicate float64
	Corrupt   float64 // one to three bytes of the payload change
	Reorder   float64 // the copy is overtaken by up to reorderWindow others
	Seed      uint64
}

// reorderWindow is how many copies may overtake one: about what the paths through a load balancer's nodes differ by.
const reorderWindow = 16

// A Path carries copies to the target, with mishaps. It is not safe for concurrent use.
type Path struct {
	odds Odds
	rng  *rand.Rand
	held []heldCopy
	out  []Copy

	// Lost, Duplicated, Corrupted and Reordered count the copies so far.
	Lost, Duplicated, Corrupted, Reordered uint64
}

// A heldCopy waits until by more copies have arrived before it.
type heldCopy struct {
	copy Copy
	by   int
}

// NewPath returns a path on which nothing has happened yet.
func NewPath(odds Odds) *Path {
	return &Path{odds: odds, rng: rand.New(rand.NewPCG(odds.Seed, odds.Seed))}
}

// Carry takes one copy and returns those that arrive now, in order: often the same one, maybe none, maybe others from
// before. It may change the copy's bytes. The result is valid until the next Carry or Flush, and as long as c is.
func (p *Path) Carry(c Copy) []Copy {
	p.out = p.out[:0]
	if p.happens(p.odds.Loss, &p.Lost) {
		return p.release()
	}
	if p.happens(p.odds.Corrupt, &p.Corrupted) {
		p.corrupt(c.Payload)
	}
	if p.happens(p.odds.Duplicate, &p.Duplicated) {
		p.out = append(p.out, c)
	}
	if p.happens(p.odds.Reorder, &p.Reordered) {
		p.held = append(p.held, heldCopy{copy: c.clone(), by: 1 + p.rng.IntN(reorderWindow)})
		return p.release()
	}
	p.out = append(p.out, c)
	return p.release()
}

// Flush returns the copies that were still on their way.
func (p *Path) Flush() []Copy {
	p.out = p.out[:0]
	for i := range p.held {
		p.out = append(p.out, p.held[i].copy)
	}
	p.held = nil
	return p.out
}

// release lets the held copies arrive that what is in out has overtaken long enough.
func (p *Path) release() []Copy {
	passed, held := len(p.out), p.held[:0]
	for _, h := range p.held {
		h.by -= passed
		if h.by > 0 {
			held = append(held, h)
		} else {
			p.out = append(p.out, h.copy)
		}
	}
	p.held = held
	return p.out
}

func (p *Path) happens(probability float64, count *uint64) bool {
	if probability <= 0 || p.rng.Float64() >= probability {
		return false
	}
	*count++
	return true
}

func (p *Path) corrupt(b []byte) {
	for range 1 + p.rng.IntN(3) {
		b[p.rng.IntN(len(b))] ^= byte(1 + p.rng.IntN(255))
	}
}

// clone copies the bytes; Payload is the end of the new Frame.
func (c Copy) clone() Copy {
	n := len(c.Payload)
	c.Frame = slices.Clone(c.Frame)
	c.Payload = c.Frame[len(c.Frame)-n:]
	return c
}
