//go:build !linux

package main

import "errors"

// thisHost fails: what receiving depends on is looked at where listen runs.
func thisHost(hostNeeds) (*host, error) {
	return nil, errors.New("only a Linux machine can be looked at, as only Linux can receive; -f SPEC looks at a set-up from anywhere")
}
