package alert

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// stored is an alert as text. Kind and state are words, since numbers may change with the version.
type stored struct {
	*Alert
	Kind  string
	State string
}

// Encode returns an alert as one line of JSON, without a newline.
func (a *Alert) Encode() []byte { return encodeJSON(stored{a, a.Kind.String(), a.State.String()}) }

// Decode returns an alert from its text.
func Decode(line []byte) (*Alert, bool) {
	s := stored{Alert: &Alert{}}
	if json.Unmarshal(line, &s) != nil || !s.restore() {
		return nil, false
	}
	return s.Alert, true
}

func encodeJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and addresses always marshal
	}
	return text
}

// restore sets what is stored as words.
func (s *stored) restore() bool {
	kind, state := false, false
	for k := range policy.NumAlertKinds {
		if k.String() == s.Kind {
			s.Alert.Kind, kind = k, true
		}
	}
	for v := range numStates {
		if v.String() == s.State {
			s.Alert.State, state = v, true
		}
	}
	s.Flows = s.Flows[:min(len(s.Flows), maxFlows)]
	return kind && state
}

// Open is an alert that is not resolved.
type Open struct {
	Alert
	Quiet    time.Duration // it is resolved after that without activity
	Reported int64         // Unix nanoseconds: when it was reported last
}

// storedOpen is an Open as text.
type storedOpen struct {
	stored
	Quiet    time.Duration
	Reported int64
	RawTo    []byte `json:",omitempty"` // the destination, if JSON cannot have it
}

// Encode returns an open alert as one line of JSON, without a newline.
func (o *Open) Encode() []byte {
	s := storedOpen{stored: stored{&o.Alert, o.Kind.String(), o.State.String()}, Quiet: o.Quiet, Reported: o.Reported}
	if !utf8.ValidString(o.To) {
		s.RawTo = []byte(o.To)
	}
	return encodeJSON(s)
}

// longestQuiet bounds how long a text may keep an alert open.
const longestQuiet = 31 * 24 * time.Hour

// DecodeOpen returns an open alert from its text.
func DecodeOpen(line []byte) (*Open, bool) {
	s := storedOpen{stored: stored{Alert: &Alert{}}}
	if json.Unmarshal(line, &s) != nil || !s.restore() || s.Rule == "" || s.First > s.Last || s.Quiet < 0 || s.Quiet > longestQuiet {
		return nil, false
	}
	if s.RawTo != nil {
		s.To = string(s.RawTo)
	}
	return &Open{*s.Alert, s.Quiet, s.Reported}, true
}
