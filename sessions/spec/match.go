package spec

import (
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// groupTag is the tag that Auto Scaling puts on its instances.
const groupTag = "aws:autoscaling:groupName"

// Matches reports whether the source chooses an interface. The instance is nil if the interface is attached to none that the caller
// sees.
func (s *Source) Matches(eni *account.Interface, instance *account.Instance) bool {
	if !s.Selector.Matches(eni, instance) || len(s.Devices) > 0 && !slices.Contains(s.Devices, eni.Device) {
		return false
	}
	return !s.Excludes(eni, instance)
}

// Excludes reports whether one of the source's exclusions matches an interface.
func (s *Source) Excludes(eni *account.Interface, instance *account.Instance) bool {
	return slices.ContainsFunc(s.Exclude, func(e Selector) bool { return e.Matches(eni, instance) })
}

// Matches reports whether an interface has everything that the selector asks for.
func (s *Selector) Matches(eni *account.Interface, instance *account.Instance) bool {
	var tags account.Tags
	if instance != nil {
		tags = instance.Tags
	}
	for k, v := range s.Tags {
		if !eni.Tags.Has(k, v) && !tags.Has(k, v) {
			return false
		}
	}
	return allows(s.Interfaces, eni.ID) && allows(s.Instances, eni.Instance) && allows(s.Groups, tags[groupTag]) &&
		allows(s.VPCs, eni.VPC) && allows(s.Subnets, eni.Subnet) && allows(s.Types, eni.Type)
}

// allows reports whether a list is empty, which allows everything, or has the value.
func allows(list []string, value string) bool {
	return len(list) == 0 || value != "" && slices.Contains(list, value)
}
