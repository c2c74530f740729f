package flags

import (
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Allow are the networks and mirror sessions whose packets are accepted.
type Allow struct {
	Sources Prefixes
	VNIs    VNIs
	Exempt  Prefixes
}

// AddTo adds the flags.
func (o *Allow) AddTo(f *pflag.FlagSet) {
	g := In(f, Receiving)
	g.Var(&o.Sources, "allow-source", "CIDR", "accept only mirror sessions of interfaces in these networks (repeatable)")
	g.Var(&o.VNIs, "allow-vni", "VNI", "accept only mirror sessions with these VNIs: N or A-B (repeatable)")
	In(f, Outputs).Var(&o.Exempt, "no-lookup-needed", "CIDR", "never report connections to these networks as direct_to_address; private addresses never are (repeatable)")
}

// List returns the sessions that are accepted.
func (o *Allow) List() *decap.Allow { return decap.NewAllow(o.Sources, o.VNIs) }
