// Package account is the model of an AWS account in one region, as far as traffic mirroring needs it: interfaces, mirror targets,
// filters and sessions, and the network between them. The types hold what the EC2 API describes. The package calls no API.
package account

// State is everything in one account and region that traffic mirroring needs and that the caller may see. IDs are those of the EC2
// API.
type State struct {
	Region     string      `json:"region,omitempty"`
	Interfaces []Interface `json:"interfaces,omitempty"`
	Instances  []Instance  `json:"instances,omitempty"`
	Targets    []Target    `json:"targets,omitempty"`
	Filters    []Filter    `json:"filters,omitempty"`
	Sessions   []Session   `json:"sessions,omitempty"`

	Behind     map[string][]string `json:"behind,omitempty"`     // by the ARN of a load balancer: the IDs of instances and the addresses that it sends to
	Unreadable []string            `json:"unreadable,omitempty"` // load balancers for which that is not permitted to be read
}

// AccountID returns the account of most interfaces, or "" if it is unknown. In a shared subnet some interfaces belong to other
// accounts.
func (s *State) AccountID() string {
	n := map[string]int{}
	most := ""
	for i := range s.Interfaces {
		a := s.Interfaces[i].Account
		n[a]++
		if n[a] > n[most] || n[a] == n[most] && a < most {
			most = a
		}
	}
	return most
}

// OwnedBy returns the state with only those sessions that carry the owner's tag.
func (s *State) OwnedBy(owner string) *State {
	own := *s
	own.Sessions = nil
	for _, session := range s.Sessions {
		if session.Tags[OwnerTag] == owner {
			own.Sessions = append(own.Sessions, session)
		}
	}
	return &own
}
