package l7

import "os"

// long reports whether the long forms of tests run: with the environment variable MIRRORSINK_LONG_TESTS.
var long = os.Getenv("MIRRORSINK_LONG_TESTS") != ""

// stride returns the distance between the lengths at which a message is cut: full in the long form of a test, and otherwise a
// larger one that is prime, so that it does not follow the layout of messages.
func stride(full int) int {
	if long {
		return full
	}
	return 31
}
