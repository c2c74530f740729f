package report

import (
	"errors"
	"fmt"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report/input"
)

// fatalError is an error of adding a record, such as a full disk. There is no answer then.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }

// openError replaces the error of a file whose first line is neither a header nor a record.
func openError(err error) error {
	var line *flowlog.LineError
	if errors.As(err, &line) {
		return fmt.Errorf("%w; for flow log lines without a header, give their --format", input.ErrNoRecords)
	}
	return err
}

// badLines collects the malformed lines of a file.
type badLines struct {
	first *flowlog.LineError
	n     int
}

func (b *badLines) add(line *flowlog.LineError) {
	if b.n++; b.n == 1 {
		b.first = line
	}
}

// join appends an error of the whole file.
func (b *badLines) join(err error) error {
	if b.n > 0 {
		return fmt.Errorf("%w; %w", b.err(), err)
	}
	return err
}

// err returns one error for all malformed lines; nil if there are none.
func (b *badLines) err() error {
	switch b.n {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%w; the other lines are counted", b.first)
	default:
		return fmt.Errorf("%w; %d lines are malformed in all; the others are counted", b.first, b.n)
	}
}
