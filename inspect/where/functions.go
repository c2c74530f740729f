package where

import (
	"net/netip"
	"slices"
	"strings"
)

// function is a function that expressions may call, or that comparisons of addresses are rewritten to.
type function struct {
	name      string
	params    []Kind // nil: not callable from expressions
	result    Kind
	run       func(params ...any) (any, error)
	signature any
}

// ownFunctions are declared to expr. builtins are functions of expr whose time is bounded by the length of the argument.
var (
	ownFunctions = []function{
		{"cidr", []Kind{Addr, Text}, Bool, runCIDR, new(func(netip.Addr, *ranges) bool)},
		{"private", []Kind{Addr}, Bool, runPrivate, new(func(netip.Addr) bool)},
		{"domain", []Kind{Text}, Text, runDomain, new(func(string) string)},
		{equalAddresses, nil, Bool, runEqual, new(func(netip.Addr, netip.Addr) bool)},
	}
	builtins = []function{
		{name: "len", params: []Kind{Text}, result: Int},
		{name: "lower", params: []Kind{Text}, result: Text},
		{name: "upper", params: []Kind{Text}, result: Text},
	}
)

// equalAddresses is the name of the function that compares addresses. It is not an identifier, so expressions cannot call it.
const equalAddresses = "equal addresses"

// findFunction returns the function of a name; if there is none, it returns nil and the names of all functions.
func findFunction(name string) (f *function, names string) {
	var all []string
	for _, f := range slices.Concat(ownFunctions, builtins) {
		if f.params == nil {
			continue
		}
		if f.name == name {
			return &f, ""
		}
		all = append(all, f.name)
	}
	return nil, strings.Join(all, ", ")
}

func runCIDR(params ...any) (any, error) {
	addr := params[0].(netip.Addr)
	for _, p := range params[1].(*ranges).list {
		if p.Contains(addr) {
			return true, nil
		}
	}
	return false, nil
}

func runEqual(params ...any) (any, error) {
	return params[0].(netip.Addr) == params[1].(netip.Addr), nil
}

func runPrivate(params ...any) (any, error) { return Private(params[0].(netip.Addr)), nil }

func runDomain(params ...any) (any, error) { return Domain(params[0].(string)), nil }
