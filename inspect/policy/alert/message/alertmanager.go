package message

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// Alertmanager returns alerts as POST /api/v2/alerts takes them. Labels are equal at all sinks, so that several make one notification; the
// sink is an annotation. until is when an open alert ends unless it is posted again.
func Alertmanager(alerts []*alert.Alert, s *Sink, until time.Time) []byte {
	type posted struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    string            `json:"startsAt"`
		EndsAt      string            `json:"endsAt"`
	}
	list := make([]posted, 0, len(alerts))
	for _, a := range alerts {
		p := posted{
			Labels: map[string]string{
				"alertname": "Mirrorsink" + camel(a.Rule), "rule": a.Rule, "severity": a.Severity.String(), "source": Printable(a.Source),
				"destination": Printable(a.To),
			},
			Annotations: map[string]string{
				"summary": title(a), "description": Body(a, s), "sink": s.Host, "bytes": strconv.FormatUint(a.Bytes, 10),
			},
			StartsAt: timeText(a.First), EndsAt: until.UTC().Format(time.RFC3339),
		}
		if a.Workload != "" {
			p.Labels["workload"] = a.Workload
		}
		if a.State == alert.Resolved {
			p.EndsAt = timeText(a.Last)
		}
		list = append(list, p)
	}
	out, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings always marshal
	}
	return out
}

// camel returns a name with dashes in camel case: DirectToAddress for direct-to-address.
func camel(name string) string {
	out := make([]byte, 0, len(name))
	up := true
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '-' || c == '.' || c == '_':
			up = true
			continue
		case up && c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		up = false
		out = append(out, c)
	}
	return string(out)
}
