// Package flags has the types of flag values (addresses, sizes, CPU lists, networks, VNI ranges, choices), the configuration file that sets
// flags, and the error for wrong usage. Every value prints as it is read. The package opens nothing but the configuration file.
package flags

import "fmt"

// UsageError is an error of the command line, as opposed to one of the command's work.
type UsageError struct{ error }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }
