// Package netif asks the kernel about network interfaces, for packet rings and for forwarding. It changes nothing.
package netif

import (
	"errors"
	"strings"
)

// MaxName is how long an interface's name may be: IFNAMSIZ without the closing zero.
const MaxName = 15

// ValidName reports whether an interface can have a name. The kernel would replace the "%d" of "tap%d" by a number.
func ValidName(name string) bool {
	return name != "" && len(name) <= MaxName && name != "." && name != ".." && !strings.ContainsAny(name, "/:% \t\n\x00")
}

// ErrDown is for an interface that exists and is not up.
var ErrDown = errors.New("the interface is down")
