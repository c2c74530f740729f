package inspect

import (
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
)

// Shared is what the workers of a program have in common: the answers of DNS, which may come to another worker than the
// connections that they explain, the IDs of mirror sessions, which aggregation windows are closed, and up to which time packets
// were seen. It is safe for concurrent use.
type Shared struct {
	dns      *pdns.Cache
	sessions *mirror.IDs
	barrier  barrier
	progress progress
}

// NewShared returns a Shared whose DNS answers take at most a number of bytes.
func NewShared(bytes int) *Shared {
	return &Shared{dns: pdns.New(bytes), sessions: mirror.NewIDs()}
}

// DNS returns how full the memory for DNS answers is.
func (s *Shared) DNS() pdns.Counts { return s.dns.Counts() }

// NewSessions returns another table of mirror sessions. owners is nil without an inventory.
func (s *Shared) NewSessions(owners mirror.Owners) *mirror.Table {
	return mirror.NewTable(s.sessions, owners)
}
