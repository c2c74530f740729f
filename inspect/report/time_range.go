package report

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// TimeBound is one end of a report's time range: a time, or a duration before the end of the last record. The zero TimeBound
// is no bound.
type TimeBound struct {
	set      bool
	relative bool
	unix     int64         // seconds, unless relative
	before   time.Duration // the last record's end
}

// ParseTimeBound parses a time (RFC 3339) or a negative duration, such as -1h30m or -14d.
func ParseTimeBound(text string) (TimeBound, error) {
	if strings.HasPrefix(text, "-") {
		d, ok := parseDuration(text[1:])
		if !ok {
			return TimeBound{}, errors.New("want a duration before the last record, such as -1h, -90m or -14d")
		}
		return TimeBound{set: true, relative: true, before: d}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return TimeBound{}, errors.New("want a time such as 2026-11-25T08:00:00Z, or a duration before the last record such as -1h")
	}
	return TimeBound{set: true, unix: t.Unix()}, nil
}

// parseDuration reads a duration as Go has it, or a number of days.
func parseDuration(text string) (d time.Duration, ok bool) {
	const day, year = 24 * time.Hour, 366
	if digits, isDays := strings.CutSuffix(text, "d"); isDays {
		n, err := strconv.ParseUint(digits, 10, 16)
		return time.Duration(n) * day, err == nil && n <= 100*year
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// resolve makes a bound absolute. last is the end of the last record, in Unix seconds.
func (b TimeBound) resolve(last int64) TimeBound {
	if b.relative {
		b.unix, b.relative = last-int64(b.before/time.Second), false
	}
	return b
}

// timeRange is the time that a report covers.
type timeRange struct{ from, to TimeBound }

func (t timeRange) isRelative() bool { return t.from.relative || t.to.relative }

func (t timeRange) resolve(last int64) timeRange {
	return timeRange{t.from.resolve(last), t.to.resolve(last)}
}

// overlaps reports whether a record overlaps the range, which must be resolved: it ends at or after from, and starts before to.
func (t timeRange) overlaps(r *row) bool {
	return (!t.from.set || r.End >= t.from.unix) && (!t.to.set || r.Start < t.to.unix)
}
