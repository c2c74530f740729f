//go:build !linux

package main

import "errors"

// usableCPUs fails: where live traffic cannot be received no worker needs a CPU of its own.
func usableCPUs() (cpuList, error) { return nil, errors.ErrUnsupported }

func pinThread(int) error { return errors.ErrUnsupported }
