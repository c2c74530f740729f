package flags

import (
	"errors"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
)

// The values of plain flags. Their errors are for people: "want ..." without words of Go's parsers.

type boolValue bool

func (v *boolValue) Set(text string) error {
	switch text {
	case "true":
		*v = true
	case "false":
		*v = false
	default:
		return errors.New("want true or false")
	}
	return nil
}

func (v *boolValue) String() string { return strconv.FormatBool(bool(*v)) }
func (*boolValue) Type() string     { return "bool" } // cobra and pflag know flags without a value by this
func (*boolValue) IsBoolFlag() bool { return true }

type stringValue string

// Set refuses an empty text: it is that of a shell's variable that is not set, and must not count as a flag that is not given.
func (v *stringValue) Set(text string) error {
	if text == "" {
		return errors.New("the value is empty")
	}
	*v = stringValue(text)
	return nil
}

func (v *stringValue) String() string { return string(*v) }
func (*stringValue) Type() string     { return "string" }

// stringsValue replaces its default by the first value and adds the others.
type stringsValue struct {
	list    *[]string
	changed bool
}

func (v *stringsValue) Set(text string) error {
	if !v.changed {
		*v.list, v.changed = nil, true
	}
	return v.Append(text)
}

// Append adds one value.
func (v *stringsValue) Append(text string) error { *v.list = append(*v.list, text); return nil }

// Replace replaces all values.
func (v *stringsValue) Replace(texts []string) error { *v.list = texts; return nil }

func (v *stringsValue) String() string { return strings.Join(*v.list, ",") }
func (*stringsValue) Type() string     { return "strings" }

type intValue int

func (v *intValue) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return errors.New("want a whole number")
	}
	*v = intValue(n)
	return nil
}

func (v *intValue) String() string { return strconv.Itoa(int(*v)) }
func (*intValue) Type() string     { return "int" }

type floatValue float64

func (v *floatValue) Set(text string) error {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return errors.New("want a number such as 0.5")
	}
	*v = floatValue(n)
	return nil
}

func (v *floatValue) String() string { return strconv.FormatFloat(float64(*v), 'g', -1, 64) }
func (*floatValue) Type() string     { return "float" }

type durationValue time.Duration

func (v *durationValue) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("want a duration with a unit, such as 500ms, 30s, 5m or 1h")
	}
	*v = durationValue(d)
	return nil
}

// String returns the duration without the zeros that time.Duration prints: 5m, not 5m0s.
func (v *durationValue) String() string {
	text := time.Duration(*v).String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}
func (*durationValue) Type() string { return "duration" }

type levelValue slog.Level

var levels = []string{"debug", "info", "warn", "error"}

func (v *levelValue) Set(text string) error {
	var l slog.Level
	if err := l.UnmarshalText([]byte(text)); err != nil {
		return errors.New("want debug, info, warn or error")
	}
	*v = levelValue(l)
	return nil
}

func (v *levelValue) String() string { return strings.ToLower(slog.Level(*v).String()) }
func (*levelValue) Type() string     { return "level" }

// Values returns the levels.
func (*levelValue) Values() []string { return levels }

type uintValue uint64

func (v *uintValue) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return errors.New("want a whole number from 0 on")
	}
	*v = uintValue(n)
	return nil
}

func (v *uintValue) String() string { return strconv.FormatUint(uint64(*v), 10) }
func (*uintValue) Type() string     { return "uint" }
