package input

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// AWS delivers lines in other wrappings than files of S3: Firehose as {"message": LINE}, subscriptions of CloudWatch Logs as objects with
// logEvents, and exports of CloudWatch Logs with a time before each line.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html

// unwrapped returns the lines of a delivery; other files stay as they are.
func unwrapped(in *bufio.Reader) (*bufio.Reader, error) {
	start, err := peek(in)
	if err != nil {
		return nil, err
	}
	trimmed := bytes.TrimLeft(start, " \t\r\n")
	switch {
	case isDelivery(trimmed):
		return bufio.NewReaderSize(newMessages(in), maxLine), nil
	case timed(trimmed) > 0:
		return bufio.NewReaderSize(&timedLines{in: in}, maxLine), nil
	}
	return in, nil
}

// isDelivery reports whether a file begins with an object that wraps lines.
func isDelivery(start []byte) bool {
	if len(start) == 0 || start[0] != '{' || bytes.Contains(start[:min(len(start), 4096)], []byte(`"event_type"`)) {
		return false
	}
	for _, key := range []string{`"messageType"`, `"logEvents"`, `"message"`} {
		if bytes.Contains(start[:min(len(start), 4096)], []byte(key)) {
			return true
		}
	}
	return false
}

// messages reads the lines of objects that follow each other, with or without line ends between.
type messages struct {
	objects *json.Decoder
	source  *bounded
	lines   []byte // of the last object
}

func newMessages(in io.Reader) *messages {
	source := &bounded{in: in}
	return &messages{objects: json.NewDecoder(source), source: source}
}

func (m *messages) Read(to []byte) (int, error) {
	for len(m.lines) == 0 {
		var object struct {
			Message     *string
			MessageType string
			LogEvents   []struct{ Message string }
		}
		m.source.left = maxObject
		switch err := m.objects.Decode(&object); {
		case errors.Is(err, io.EOF):
			return 0, io.EOF
		case err != nil:
			return 0, fmt.Errorf("a delivery of CloudWatch Logs or Firehose: %w", err)
		}
		if object.MessageType == "CONTROL_MESSAGE" {
			continue // CloudWatch Logs asks with it whether the subscription works
		}
		if object.Message != nil {
			m.add(*object.Message)
		}
		for _, e := range object.LogEvents {
			m.add(e.Message)
		}
	}
	n := copy(to, m.lines)
	m.lines = m.lines[n:]
	return n, nil
}

func (m *messages) add(line string) {
	if line != "" {
		m.lines = append(append(m.lines, line...), '\n')
	}
}

// maxObject bounds an object. Firehose and CloudWatch Logs send at most 6 MB.
const maxObject = 32 << 20

// bounded reads no more than was allowed since the last object.
type bounded struct {
	in   io.Reader
	left int
}

func (b *bounded) Read(to []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("an object of more than %d bytes", maxObject)
	}
	n, err := b.in.Read(to[:min(len(to), b.left)])
	b.left -= n
	return n, err
}

// timed returns the length of the time before a line of an export, and of the space after it; 0 if there is none.
func timed(line []byte) int {
	word, _, ok := bytes.Cut(line[:min(len(line), 64)], []byte(" "))
	if _, err := time.Parse(time.RFC3339Nano, string(word)); !ok || err != nil {
		return 0
	}
	return len(word) + 1
}

// timedLines reads the lines of an export without their times.
type timedLines struct {
	in   *bufio.Reader
	line []byte // what is left of the last one
	err  error
}

func (t *timedLines) Read(to []byte) (int, error) {
	for len(t.line) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		var line []byte
		line, t.err = t.in.ReadSlice('\n')
		if errors.Is(t.err, bufio.ErrBufferFull) {
			t.err = nil // the rest of a long line has no time, and is refused by its reader
		}
		t.line = line[timed(line):]
	}
	n := copy(to, t.line)
	t.line = t.line[n:]
	return n, nil
}
