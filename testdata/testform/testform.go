// Package testform chooses between the short and the long forms of heavy tests. A short form holds the same property with fewer cases or
// smaller inputs. The package is for tests alone.
package testform

import (
	"flag"
	"os"
	"strconv"
)

// Long reports whether the long forms of tests run: with the environment variable MIRRORSINK_LONG_TESTS, which make test LONG=1 sets.
var Long = os.Getenv("MIRRORSINK_LONG_TESTS") != ""

// Checks sets the number of cases of each rapid property in the short form. It is called from an init function of a file that imports
// rapid. A flag -rapid.checks on the command line precedes it.
func Checks(n int) {
	if Long {
		return
	}
	if err := flag.Set("rapid.checks", strconv.Itoa(n)); err != nil {
		panic(err) // the test imports no rapid
	}
}

// Pick returns short or long, by the form that runs.
func Pick[T any](short, long T) T {
	if Long {
		return long
	}
	return short
}

// Some returns part of the inputs in the short form: every eighth of 200 or more, all of fewer.
func Some[T any](inputs []T) (part []T) {
	if Long || len(inputs) < 200 {
		return inputs
	}
	for i := 0; i < len(inputs); i += 8 {
		part = append(part, inputs[i])
	}
	return part
}
