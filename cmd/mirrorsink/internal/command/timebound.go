package command

import "github.com/mirrorsink/mirrorsink/inspect/report"

// timeBound is a flag for a time.
type timeBound struct {
	report.TimeBound
	text string
}

// Set parses a time, or a duration before the last record.
func (m *timeBound) Set(text string) (err error) {
	m.text = text
	m.TimeBound, err = report.ParseTimeBound(text)
	return err
}

func (m *timeBound) String() string { return m.text }

// Type implements pflag.Value.
func (*timeBound) Type() string { return "time" }
