package report

import (
	"errors"
	"strings"
	"time"
)

// Moment is an end of the time that a report is of: a time, or how long before the last record. The zero Moment is no bound.
type Moment struct {
	set    bool
	back   bool
	unix   int64         // seconds, unless back
	before time.Duration // of the last record's end
}

// ParseMoment reads a time (RFC 3339) or a duration with a minus sign, such as -1h30m.
func ParseMoment(text string) (Moment, error) {
	if strings.HasPrefix(text, "-") {
		d, err := time.ParseDuration(text[1:])
		if err != nil || d < 0 {
			return Moment{}, errors.New("want a duration before the last record, such as -1h or -90m")
		}
		return Moment{set: true, back: true, before: d}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return Moment{}, errors.New("want a time such as 2026-11-25T08:00:00Z, or a duration before the last record such as -1h")
	}
	return Moment{set: true, unix: t.Unix()}, nil
}

// at returns the moment's Unix seconds, last being the end of the last record.
func (m Moment) at(last int64) int64 {
	if m.back {
		return last - int64(m.before/time.Second)
	}
	return m.unix
}

// span is the time that a report is of.
type span struct{ from, to Moment }

func (s span) relative() bool { return s.from.back || s.to.back }

// fix makes times of the span's durations.
func (s span) fix(last int64) span {
	for _, m := range [...]*Moment{&s.from, &s.to} {
		m.unix, m.back = m.at(last), false
	}
	return s
}

// has says whether a record has any part in the span, which is fixed: at or after from, and before to.
func (s span) has(r *row) bool {
	return (!s.from.set || r.End >= s.from.unix) && (!s.to.set || r.Start < s.to.unix)
}
