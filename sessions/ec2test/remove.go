package ec2test

import "maps"

// RemoveInterface deletes an interface, and with it the sessions that mirror it. Targets on it stay, and their sessions.
func (s *Server) RemoveInterface(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.removeInterface(id)
}

// RemoveInstance terminates an instance: its interfaces go with it.
func (s *Server) RemoveInstance(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for eni := range maps.Clone(s.store.attached[id]) {
		s.store.removeInterface(eni)
	}
	s.store.instances.remove(id)
}

// RemoveLoadBalancer deletes a load balancer. Targets on it stay, and their sessions.
func (s *Server) RemoveLoadBalancer(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.balancers.remove(arn)
}

// RemoveTarget deletes a mirror target behind the API's back, even if it is in use, as its fellows below do.
func (s *Server) RemoveTarget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.removeTarget(id)
}

// RemoveFilter deletes a filter with its rules.
func (s *Server) RemoveFilter(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.removeFilter(id)
}

// RemoveRule deletes a rule.
func (s *Server) RemoveRule(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.removeRule(id)
}

// RemoveSession deletes a session.
func (s *Server) RemoveSession(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.removeSession(id)
}
