//go:build !linux

package host

import "errors"

// This fails: only the Linux machine on which listen runs can be checked.
func This(Needs) (*Machine, error) {
	return nil, errors.New("only a Linux machine can be looked at, as only Linux can receive; -f SPEC looks at a set-up from anywhere")
}
