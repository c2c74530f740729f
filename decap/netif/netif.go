// Package netif asks the kernel about network interfaces: what packet rings and forwarding have to know of theirs. It changes nothing.
package netif

import (
	"errors"
	"strings"
)

// MaxName is how long an interface's name may be: IFNAMSIZ without the closing zero.
const MaxName = 15

// ValidName reports whether an interface can have a name. The kernel would complete one with a percent sign ("tap%d").
func ValidName(name string) bool {
	return name != "" && len(name) <= MaxName && name != "." && name != ".." && !strings.ContainsAny(name, "/:% \t\n\x00")
}

// ErrDown is for an interface that is there and not up.
var ErrDown = errors.New("the interface is down")
