package aws_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// fault is the fault of one request.
type fault int

const (
	none      fault = iota
	slowDown        // 503, as S3 asks for fewer calls
	internal        // 500
	cut             // the connection is closed when half of the request has been read
	replyLost       // the request has its effect, and the connection is closed before the answer
	hang            // there is no answer
	denied
	misplaced
	faults
)

// faulty is a handler with faults: first the queued ones, then the standing one.
type faulty struct {
	next http.Handler

	mu       sync.Mutex // guards the following
	queue    []fault
	standing fault
	requests int
	active   int
	onEvery  func(n int) // called with the number of each request before it is handled; may be nil
}

func (f *faulty) take() fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	if f.onEvery != nil {
		f.onEvery(f.requests)
	}
	if len(f.queue) == 0 {
		return f.standing
	}
	first := f.queue[0]
	f.queue = f.queue[1:]
	return first
}

func (f *faulty) set(standing fault, queue ...fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.standing, f.queue = standing, queue
}

// idle waits until no request is handled any more: that of a client that has gone may still have its effect.
func (f *faulty) idle(t require.TestingT) {
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.active == 0
	}, 2*time.Minute, 100*time.Microsecond)
}

func (f *faulty) add(active int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active += active
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.add(1)
	defer f.add(-1)
	switch f.take() {
	case slowDown:
		s3Error(w, 503, "SlowDown", "Please reduce your request rate.")
	case internal:
		s3Error(w, 500, "InternalError", "We encountered an internal error. Please try again.")
	case denied:
		s3Error(w, 403, "AccessDenied", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: s3:PutObject")
	case misplaced:
		w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
		s3Error(w, 301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.")
	case cut:
		_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		closeConn(w)
	case replyLost:
		f.next.ServeHTTP(httptest.NewRecorder(), r)
		closeConn(w)
	case hang:
		if _, err := io.Copy(io.Discard, r.Body); err == nil { // without it the server does not notice that the client has gone
			<-r.Context().Done()
		}
	default:
		f.next.ServeHTTP(w, r)
	}
}

func s3Error(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>"+message+"</Message></Error>")
}

func closeConn(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

// s3Server is S3 with one bucket, named "records".
type s3Server struct {
	*faulty
	backend *s3mem.Backend
	url     string
}

func newS3(t testing.TB) *s3Server {
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("records"))
	f := &faulty{next: gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog()), gofakes3.WithTimeSkewLimit(0)).Server()}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	return &s3Server{f, backend, server.URL}
}

// objects are all objects of the bucket by their keys.
func (s *s3Server) objects(t require.TestingT) map[string]string { return s.objectsUnder(t, "") }

func (s *s3Server) objectsUnder(t require.TestingT, prefix string) map[string]string {
	list, err := s.backend.ListBucket("records", &gofakes3.Prefix{HasPrefix: true, Prefix: prefix}, gofakes3.ListBucketPage{})
	require.NoError(t, err)
	found := map[string]string{}
	for _, item := range list.Contents {
		object, err := s.backend.GetObject("records", item.Key, nil)
		require.NoError(t, err)
		text, err := io.ReadAll(object.Contents)
		require.NoError(t, err)
		require.NotContains(t, found, item.Key)
		found[item.Key] = string(text)
	}
	return found
}

// unfinished returns the number of multipart uploads that were neither completed nor aborted.
func (s *s3Server) unfinished(t require.TestingT) int {
	w := httptest.NewRecorder()
	s.next.ServeHTTP(w, httptest.NewRequest("GET", "/records?uploads", nil))
	require.Equal(t, 200, w.Code, w.Body.String())
	return strings.Count(w.Body.String(), "<UploadId>")
}

// quick has a backoff for tests. The timeout is the default: tests with hanging servers set a shorter one.
var quick = aws.Config{
	Backoff: spool.Backoff{First: time.Millisecond, Longest: 2 * time.Millisecond, Slow: 5 * time.Millisecond},
}

const part = 1000

func open(t testing.TB, cfg aws.Config) *aws.Client {
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	client, err := aws.Open(t.Context(), cfg)
	require.NoError(t, err)
	return client
}
