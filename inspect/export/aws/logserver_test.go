package aws_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// logEvent is an event as PutLogEvents has it.
type logEvent struct {
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// logServer implements the JSON 1.1 protocol of CloudWatch Logs, and refuses what AWS refuses. It repeats the limits, from the
// documentation of PutLogEvents.
type logServer struct {
	*faulty
	now func() time.Time

	mu      sync.Mutex // guards the following
	down    bool       // it answers 503 to everything
	groups  map[string]map[string][]logEvent
	invalid []string // reasons of refused batches
	batches int
}

func newLogServer(t testing.TB) *logServer {
	s := &logServer{groups: map[string]map[string][]logEvent{}, now: time.Now}
	s.faulty = &faulty{next: http.HandlerFunc(s.serve)}
	server := httptest.NewServer(s.faulty)
	t.Cleanup(server.Close)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", server.URL)
	return s
}

func (s *logServer) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

type logRequest struct {
	LogGroupName, LogStreamName string
	LogEvents                   []logEvent
}

func (s *logServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in logRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || s.down {
		logError(w, 503, "ServiceUnavailableException", "The service cannot complete the request.")
		return
	}
	switch action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "Logs_20140328."); action {
	case "CreateLogGroup":
		if s.groups[in.LogGroupName] != nil {
			logError(w, 400, "ResourceAlreadyExistsException", "The specified log group already exists")
			return
		}
		s.groups[in.LogGroupName] = map[string][]logEvent{}
		answerJSON(w, nil)
	case "CreateLogStream":
		s.createStream(w, in)
	case "PutLogEvents":
		s.put(w, in)
	default:
		logError(w, 400, "UnknownOperationException", action)
	}
}

func (s *logServer) createStream(w http.ResponseWriter, in logRequest) {
	group := s.groups[in.LogGroupName]
	_, there := group[in.LogStreamName]
	switch {
	case group == nil:
		logError(w, 400, "ResourceNotFoundException", "The specified log group does not exist.")
	case there:
		logError(w, 400, "ResourceAlreadyExistsException", "The specified log stream already exists")
	case in.LogStreamName == "" || len(in.LogStreamName) > 512 || strings.ContainsAny(in.LogStreamName, ":*"):
		logError(w, 400, "InvalidParameterException", "Value at 'logStreamName' failed to satisfy constraint")
	default:
		group[in.LogStreamName] = nil
		answerJSON(w, nil)
	}
}

func (s *logServer) put(w http.ResponseWriter, in logRequest) {
	group := s.groups[in.LogGroupName]
	stream, there := group[in.LogStreamName]
	if !there {
		what := "stream"
		if group == nil {
			what = "group"
		}
		logError(w, 400, "ResourceNotFoundException", "The specified log "+what+" does not exist.")
		return
	}
	s.batches++
	if why := refusal(in.LogEvents); why != "" {
		s.invalid = append(s.invalid, why)
		logError(w, 400, "InvalidParameterException", why)
		return
	}
	now := s.now()
	tooOld, tooNew := 0, len(in.LogEvents)
	for i, e := range in.LogEvents {
		at := time.UnixMilli(e.Timestamp)
		switch {
		case at.Before(now.Add(-14 * 24 * time.Hour)):
			tooOld = i + 1
		case at.After(now.Add(2 * time.Hour)):
			tooNew = min(tooNew, i)
		}
	}
	group[in.LogStreamName] = append(stream, in.LogEvents[tooOld:max(tooOld, tooNew)]...)
	info := map[string]int{}
	if tooOld > 0 {
		info["tooOldLogEventEndIndex"] = tooOld
	}
	if tooNew < len(in.LogEvents) {
		info["tooNewLogEventStartIndex"] = tooNew
	}
	answer := map[string]any{"nextSequenceToken": "1"}
	if len(info) > 0 {
		answer["rejectedLogEventsInfo"] = info
	}
	answerJSON(w, answer)
}

// refusal returns why AWS refuses a whole batch; "" if it does not.
func refusal(events []logEvent) string {
	size := 0
	for _, e := range events {
		size += len(e.Message) + 26
		if len(e.Message) == 0 {
			return "Member must have length greater than or equal to 1"
		}
	}
	switch {
	case len(events) == 0 || len(events) > 10_000:
		return fmt.Sprintf("%d events in a batch", len(events))
	case size > 1_048_576:
		return fmt.Sprintf("Upload too large: %d bytes exceeds limit of 1048576", size)
	case !slices.IsSortedFunc(events, func(a, b logEvent) int { return int(a.Timestamp - b.Timestamp) }):
		return "Log events in a single PutLogEvents request must be in chronological order."
	case events[len(events)-1].Timestamp-events[0].Timestamp > 24*60*60*1000:
		return "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
	}
	return ""
}

func answerJSON(w http.ResponseWriter, answer map[string]any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if answer != nil {
		_ = json.NewEncoder(w).Encode(answer)
	}
}

func logError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}

// stream returns the events in a stream of the group "flows", in the order of arrival.
func (s *logServer) stream(name string) []logEvent { return s.streamOf("flows", name) }

func (s *logServer) streamOf(group, name string) []logEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.groups[group][name])
}

// assertValid asserts that no batch was sent that AWS refuses as a whole.
func (s *logServer) assertValid(t require.TestingT) {
	s.mu.Lock()
	defer s.mu.Unlock()
	assert.Empty(t, s.invalid)
}
