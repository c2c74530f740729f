package sessions

import (
	"strconv"
	"sync"
)

// protocolName is a protocol as specs and plans write it: by its first name, in the order of letters, or by its number.
func protocolName(number int) string {
	if name := protocolNames()[number]; name != "" {
		return name
	}
	return strconv.Itoa(number)
}

var protocolNames = sync.OnceValue(func() map[int]string {
	names := map[int]string{}
	for name, n := range protocols {
		if first := names[n]; first == "" || name < first {
			names[n] = name
		}
	}
	return names
})
