package ec2test

import "maps"

// change changes the state behind the API's back: at once, without checks, and without a logged call.
func (s *Server) change(f func(*store)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.store)
}

// RemoveInterface deletes an interface and the sessions that mirror it. Targets on it stay, and their sessions.
func (s *Server) RemoveInterface(id string) {
	s.change(func(d *store) { d.removeInterface(id) })
}

// RemoveInstance terminates an instance and deletes its interfaces.
func (s *Server) RemoveInstance(id string) {
	s.change(func(d *store) {
		for eni := range maps.Clone(d.attached[id]) {
			d.removeInterface(eni)
		}
		d.instances.remove(id)
	})
}

// RemoveLoadBalancer deletes a load balancer. Targets on it stay, and their sessions.
func (s *Server) RemoveLoadBalancer(arn string) {
	s.change(func(d *store) { d.balancers.remove(arn) })
}

// RemoveTarget deletes a mirror target even if it is in use.
func (s *Server) RemoveTarget(id string) {
	s.change(func(d *store) { d.targets.remove(id) })
}

// RemoveFilter deletes a filter with its rules even if it is in use.
func (s *Server) RemoveFilter(id string) {
	s.change(func(d *store) { d.removeFilter(id) })
}

// RemoveRule deletes a rule.
func (s *Server) RemoveRule(id string) {
	s.change(func(d *store) { d.rules.remove(id) })
}

// RemoveSession deletes a session.
func (s *Server) RemoveSession(id string) {
	s.change(func(d *store) { d.sessions.remove(id) })
}
