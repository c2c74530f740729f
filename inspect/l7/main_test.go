package l7

import "github.com/mirrorsink/mirrorsink/testdata/testform"

// stride returns the distance between the lengths at which a message is cut: full in the long form of a test, and otherwise a
// larger one that is prime, so that it does not follow the layout of messages.
func stride(full int) int { return testform.Pick(31, full) }

func init() { testform.Checks(50) }
