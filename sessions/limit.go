package sessions

// LimitDeletions takes all but the first deletions out of a plan, with what could not be done before them, and returns how
// many it held back. A run that does that again and again comes to the same end more slowly, and a person can step in when a
// spec or a tag went wrong.
func (p *Plan) LimitDeletions(most int) (held int) {
	deletions := 0
	waits := map[string]bool{} // interfaces on which a session stays for now
	kept := p.Changes[:0:0]
	for _, c := range p.Changes {
		switch {
		case c.Op == Delete && deletions == most:
			held++
			if c.Kind == KindSession {
				waits[c.lane] = true
				p.Sessions++
			}
			continue
		case c.Op == Delete:
			deletions++
		case c.Kind == KindSession && waits[c.lane]: // the number or the place may be taken
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
