package input

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// eveReader reads the flow events of EVE lines. An event makes two records, one for each direction that has packets.
type eveReader struct {
	in    *bufio.Reader
	file  io.Closer
	line  int
	reply *flowlog.Record // the second record of the last event
}

// flowEventType is in every flow event as Suricata and this program write it.
var flowEventType = []byte(`"event_type":"flow"`)

// parseEvent parses a line; ok reports whether it is a flow event. Of other events it parses the type alone, since other
// events use the same keys for values of other types.
func parseEvent(line []byte, e *flowEvent) (ok bool, err error) {
	if !bytes.Contains(line, flowEventType) {
		var other struct {
			EventType string `json:"event_type"`
		}
		if err := json.Unmarshal(line, &other); err != nil || other.EventType != "flow" {
			return false, err
		}
	}
	return true, json.Unmarshal(line, e)
}

func (r *eveReader) Read(to *flowlog.Record) error {
	if r.reply != nil {
		*to, r.reply = *r.reply, nil
		return nil
	}
	for {
		line, err := r.next()
		if err != nil {
			return err
		}
		var e flowEvent
		isFlow, err := parseEvent(line, &e)
		if err != nil {
			return &flowlog.LineError{Line: r.line, Err: fmt.Errorf("no EVE event: %w", err)}
		}
		if !isFlow {
			continue
		}
		request, reply, err := e.records()
		switch {
		case err != nil:
			return &flowlog.LineError{Line: r.line, Err: err}
		case request.Packets == 0 && reply.Packets == 0:
			continue
		case request.Packets == 0:
			*to = reply
			return nil
		case reply.Packets > 0:
			r.reply = &reply
		}
		*to = request
		return nil
	}
}

// next returns the next line that is not empty, valid until the next call.
func (r *eveReader) next() ([]byte, error) {
	for {
		line, err := r.in.ReadSlice('\n')
		if len(line) == 0 && err != nil {
			return nil, err
		}
		r.line++
		if errors.Is(err, bufio.ErrBufferFull) {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.in.ReadSlice('\n')
			}
			return nil, &flowlog.LineError{Line: r.line, Err: fmt.Errorf("longer than %d bytes", maxLine)}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

// Has implements Reader: an event has what a record of both directions needs.
func (r *eveReader) Has(string) bool { return true }

func (r *eveReader) Close() error { return r.file.Close() }
