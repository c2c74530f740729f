package send

import (
	"bytes"
	"encoding/json"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// stored is an alert in a file of the spool. Kind and state are words, since numbers may change with the version.
type stored struct {
	*alert.Alert
	Kind  string
	State string
}

// encode returns alerts as lines of JSON.
func encode(all []*alert.Alert) []byte {
	var out []byte
	for _, a := range all {
		line, err := json.Marshal(stored{a, a.Kind.String(), a.State.String()})
		if err != nil {
			panic(err) // strings, numbers and addresses always marshal
		}
		out = append(append(out, line...), '\n')
	}
	return out
}

// decode returns the alerts of a file. Lines that are no alerts are counted.
func decode(text []byte) (all []*alert.Alert, bad int) {
	for line := range bytes.Lines(text) {
		s := stored{Alert: &alert.Alert{}}
		if json.Unmarshal(line, &s) != nil || !s.restore() {
			bad++
			continue
		}
		all = append(all, s.Alert)
	}
	return all, bad
}

// restore sets what is stored as words.
func (s *stored) restore() bool {
	kind, state := false, false
	for k := range policy.NumAlertKinds {
		if k.String() == s.Kind {
			s.Alert.Kind, kind = k, true
		}
	}
	for _, v := range []alert.State{alert.Opened, alert.Updated, alert.Resolved} {
		if v.String() == s.State {
			s.Alert.State, state = v, true
		}
	}
	return kind && state
}
