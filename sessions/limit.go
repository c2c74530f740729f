package sessions

// LimitDeletions removes all but the first deletions from a plan, and the changes that depend on the removed ones. It returns how many
// deletions it removed. Repeated runs reach the same state more slowly, so that a person can intervene when a spec or a tag is wrong.
func (p *Plan) LimitDeletions(most int) (held int) {
	deletions := 0
	blocked := map[string]bool{} // interfaces on which a session remains for now
	kept := p.Changes[:0:0]
	for _, c := range p.Changes {
		switch {
		case c.Op == Delete && deletions == most:
			held++
			if c.Kind == KindSession {
				blocked[c.lane] = true
				p.Sessions++
			}
			continue
		case c.Op == Delete:
			deletions++
		case c.Kind == KindSession && blocked[c.lane]: // the number or the place may be taken
			if c.Op == Create {
				p.Sessions--
			}
			continue
		}
		kept = append(kept, c)
	}
	p.Changes = kept
	return held
}
