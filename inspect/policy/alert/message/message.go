// Package message writes alerts in the formats of those who receive them: a mail by SNS, JSON, Slack, Alertmanager, EventBridge, Security
// Hub. Names from traffic are hostile: they are shown without control characters, and cut to what a format takes.
package message

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// Sink is the program that sends, for those who receive from several.
type Sink struct {
	Host    string
	Account string // "" if it is not known
	Region  string
	Version string
}

// ReportID returns the identity of one report of an alert: when it was opened, updated or resolved. One that is sent again has the same.
func ReportID(a *alert.Alert) string {
	return fmt.Sprintf("%s-%s-%d", a.ID(), a.State, a.Count)
}

// record is the JSON of an alert.
type record struct {
	ID          string     `json:"id"`
	Rule        string     `json:"rule"`
	Kind        string     `json:"kind"`
	State       string     `json:"state"`
	Severity    string     `json:"severity"`
	Workload    string     `json:"workload,omitempty"`
	Source      string     `json:"source"`
	Interface   string     `json:"interface,omitempty"`
	Account     string     `json:"account,omitempty"`
	Destination string     `json:"destination"`
	Address     string     `json:"address,omitempty"`
	Port        uint16     `json:"port,omitempty"`
	FirstSeen   string     `json:"first_seen"`
	LastSeen    string     `json:"last_seen"`
	Count       uint64     `json:"count"`
	Repeats     uint64     `json:"repeats"`
	Bytes       uint64     `json:"bytes"`
	Evidence    string     `json:"evidence"`
	Uncertain   bool       `json:"uncertain"`
	Flows       []flowJSON `json:"flows"`
	Sink        string     `json:"sink"`
}

type flowJSON struct {
	FlowID  uint64 `json:"flow_id"`
	Address string `json:"address"`
	Port    uint16 `json:"port"`
	Bytes   uint64 `json:"bytes"`
}

func recordOf(a *alert.Alert, s *Sink) record {
	r := record{
		ID: a.ID(), Rule: a.Rule, Kind: a.Kind.String(), State: a.State.String(), Severity: a.Severity.String(), Workload: a.Workload, Source: Printable(a.Source),
		Interface: a.Interface, Account: a.Account, Destination: Printable(a.To), Port: a.Port, FirstSeen: timeText(a.First),
		LastSeen: timeText(a.Last), Count: a.Count, Repeats: a.Repeats, Bytes: a.Bytes, Evidence: Printable(a.Evidence), Uncertain: a.Uncertain,
		Flows: []flowJSON{}, Sink: s.Host,
	}
	if a.Addr.IsValid() {
		r.Address = a.Addr.String()
	}
	for _, f := range a.Flows {
		r.Flows = append(r.Flows, flowJSON{f.ID, f.Addr.String(), f.Port, f.Bytes})
	}
	return r
}

func timeText(nanos int64) string { return time.Unix(0, nanos).UTC().Format(time.RFC3339) }

// JSON returns an alert as one line of JSON, without a newline.
func JSON(a *alert.Alert, s *Sink) []byte {
	text, err := json.Marshal(recordOf(a, s))
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return text
}

// Printable replaces control characters, and what is no UTF-8, by question marks.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '?'
		}
		return r
	}, text)
}

// cut shortens a text to a number of bytes without splitting a character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const dots = "..."
	end := limit - len(dots)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + dots
}

// title is what happened in one phrase.
func title(a *alert.Alert) string { return Printable(a.Title()) }
