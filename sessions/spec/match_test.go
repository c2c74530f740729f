package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

func TestMatches(t *testing.T) {
	eni := &account.Interface{ID: "eni-1", Type: "interface", VPC: "vpc-1", Subnet: "subnet-1", Instance: "i-1", Device: 1, Tags: account.Tags{"a": "1"}}
	instance := &account.Instance{ID: "i-1", Tags: account.Tags{"b": "2", groupTag: "web"}}
	for _, c := range []struct {
		name   string
		source Source
		want   bool
	}{
		{"nothing asked", Source{}, true},
		{"tag of the interface", Source{Selector: Selector{Tags: account.Tags{"a": "1"}}}, true},
		{"tag of the instance", Source{Selector: Selector{Tags: account.Tags{"b": "2"}}}, true},
		{"tags of both", Source{Selector: Selector{Tags: account.Tags{"a": "1", "b": "2"}}}, true},
		{"another value", Source{Selector: Selector{Tags: account.Tags{"a": "2"}}}, false},
		{"one value of a list", Source{Selector: Selector{VPCs: []string{"vpc-0", "vpc-1"}}}, true},
		{"none of a list", Source{Selector: Selector{VPCs: []string{"vpc-0"}}}, false},
		{"every key must match", Source{Selector: Selector{VPCs: []string{"vpc-1"}, Subnets: []string{"subnet-2"}}}, false},
		{"group", Source{Selector: Selector{Groups: []string{"web"}}}, true},
		{"another group", Source{Selector: Selector{Groups: []string{"db"}}}, false},
		{"type", Source{Selector: Selector{Types: []string{"lambda"}}}, false},
		{"device", Source{Devices: []int{0, 1}}, true},
		{"another device", Source{Devices: []int{0}}, false},
		{"excluded", Source{Exclude: []Selector{{VPCs: []string{"vpc-2"}}, {Instances: []string{"i-1"}}}}, false},
		{"exclusion of others", Source{Exclude: []Selector{{VPCs: []string{"vpc-2"}}}}, true},
	} {
		assert.Equal(t, c.want, c.source.Matches(eni, instance), c.name)
	}
	alone := &account.Interface{ID: "eni-2"}
	assert.False(t, (&Source{Selector: Selector{Groups: []string{""}}}).Matches(alone, nil), "an interface without instance is in no group")
	assert.False(t, (&Source{Selector: Selector{Tags: account.Tags{"a": ""}}}).Matches(alone, nil))
}

// TestMatchingIsMonotonic: an exclusion only takes interfaces away, and a further value in a list only adds some.
func TestMatchingIsMonotonic(t *testing.T) {
	vpcs := rapid.SliceOfN(rapid.SampledFrom([]string{"vpc-1", "vpc-2", "vpc-3"}), 1, 3)
	rapid.Check(t, func(t *rapid.T) {
		eni := &account.Interface{ID: "eni-1", VPC: rapid.SampledFrom([]string{"", "vpc-1", "vpc-2"}).Draw(t, "vpc"), Device: rapid.IntRange(0, 2).Draw(t, "device")}
		s := Source{Selector: Selector{VPCs: vpcs.Draw(t, "vpcs")}, Devices: rapid.SliceOfN(rapid.IntRange(0, 2), 0, 2).Draw(t, "devices")}
		narrower, wider := s, s
		narrower.Exclude = []Selector{{VPCs: vpcs.Draw(t, "excluded")}}
		wider.VPCs = append([]string{"vpc-2"}, s.VPCs...)
		if narrower.Matches(eni, nil) {
			assert.True(t, s.Matches(eni, nil))
		}
		if s.Matches(eni, nil) {
			assert.True(t, wider.Matches(eni, nil))
			assert.NotEqual(t, narrower.Matches(eni, nil), narrower.Excludes(eni, nil))
		}
	})
}
