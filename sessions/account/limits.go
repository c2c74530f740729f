package account

// Quotas of traffic mirroring. AWS adjusts none of them.
const (
	MaxSessions              = 10_000 // of an account and region
	MaxSessionsPerInterface  = 3
	MaxRulesPerFilter        = 10
	MaxSourcesPerInterface   = 100 // of an interface target of the largest types
	UsualSourcesPerInterface = 10  // of all others
	MaxSessionNumber         = 32766
	MaxRuleNumber            = 32766
	MaxVNI                   = 1<<24 - 1
	MaxPacketLength          = 8500 // to a Network Load Balancer, of which it is also the default
	MinPacketLength          = 35   // of IPv4
	MinPacketLength6         = 55   // of IPv6
)
