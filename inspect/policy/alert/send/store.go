package send

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// encode returns alerts as lines.
func encode(all []*alert.Alert) []byte {
	var out []byte
	for _, a := range all {
		out = append(append(out, a.Encode()...), '\n')
	}
	return out
}

// decode returns the alerts of a file. Lines that are no alerts are counted.
func decode(text []byte) (all []*alert.Alert, bad int) {
	for line := range bytes.Lines(text) {
		if a, ok := alert.Decode(line); ok {
			all = append(all, a)
		} else {
			bad++
		}
	}
	return all, bad
}
