package flags

import (
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Allow say which networks and mirror sessions are ours.
type Allow struct {
	Sources Prefixes
	VNIs    VNIs
	Exempt  Prefixes
}

func (o *Allow) AddTo(f *pflag.FlagSet) {
	f.Var(&o.Sources, "allow-source", "refuse mirror sessions of interfaces outside these networks (repeatable)")
	f.Var(&o.VNIs, "allow-vni", "refuse mirror sessions with other VNIs: N or A-B (repeatable)")
	f.Var(&o.Exempt, "no-lookup-needed", "connections to these networks are never direct_to_address, nor are private ones (repeatable)")
}

func (o *Allow) List() *decap.Allow { return decap.NewAllow(o.Sources, o.VNIs) }
