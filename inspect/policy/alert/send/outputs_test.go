package send

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
	"github.com/mirrorsink/mirrorsink/testdata/realserver"
)

// request is what a stand-in was asked.
type request struct {
	path, target string
	header       http.Header
	body         []byte
	at           time.Time
}

// standIn keeps requests and answers each by what answer returns.
type standIn struct {
	mu     sync.Mutex
	got    []request
	answer func(w http.ResponseWriter, r *request)
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	q := request{r.URL.Path, r.Header.Get("X-Amz-Target"), r.Header, body, time.Now()}
	s.got = append(s.got, q)
	if s.answer != nil {
		s.answer(w, &q)
	}
}

// RoundTrip answers without a network, so that the clock of a test may be stopped.
func (s *standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

func (s *standIn) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.got...)
}

// deliver sends alerts to an output of its own, and returns what became of them.
func deliver(t *testing.T, spec string, alerts ...*alert.Alert) Counts {
	q, err := Open(t.Context(), Config{
		Spec: spec, Sink: sink, Dir: t.TempDir(), Bytes: 1 << 20, Memory: 1 << 20, Log: slog.New(slog.DiscardHandler),
		Backoff: spool.Backoff{First: time.Millisecond, Longest: 2 * time.Millisecond, Slow: 5 * time.Millisecond},
	})
	require.NoError(t, err)
	for _, a := range alerts {
		q.Alert(a)
	}
	require.NoError(t, q.Close(t.Context()))
	c := q.Counts()
	sumsAgree(t, c)
	require.Zero(t, c.Waiting)
	return c
}

const topicARN = "arn:aws:sns:us-east-2:111122223333:alerts"

// awsAnswer answers as the services do. It refuses the n-th entries of a batch for a moment, or for good.
func awsAnswer(t *testing.T, again, never int) func(w http.ResponseWriter, r *request) {
	return func(w http.ResponseWriter, r *request) {
		switch {
		case strings.HasSuffix(r.target, ".PutEvents"):
			var in struct{ Entries []map[string]any }
			require.NoError(t, json.Unmarshal(r.body, &in))
			type entry struct{ EventId, ErrorCode, ErrorMessage *string }
			out := struct {
				FailedEntryCount int
				Entries          []entry
			}{Entries: []entry{}}
			for i := range in.Entries {
				e := entry{EventId: aws.String(fmt.Sprint(i))}
				switch i {
				case again:
					e, again = entry{ErrorCode: aws.String("ThrottlingException"), ErrorMessage: aws.String("slowly")}, -1
				case never:
					e, never = entry{ErrorCode: aws.String("MalformedDetail"), ErrorMessage: aws.String("no JSON")}, -1
				}
				out.Entries = append(out.Entries, e)
			}
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			_ = json.NewEncoder(w).Encode(out)
		case r.path == "/findings/import":
			var in struct{ Findings []struct{ Id string } }
			require.NoError(t, json.Unmarshal(r.body, &in))
			failed := []map[string]string{}
			for i, f := range in.Findings {
				switch i {
				case again:
					failed, again = append(failed, map[string]string{"Id": f.Id, "ErrorCode": "InternalFailure", "ErrorMessage": "later"}), -1
				case never:
					failed, never = append(failed, map[string]string{"Id": f.Id, "ErrorCode": "InvalidInput", "ErrorMessage": "no"}), -1
				}
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"FailedCount": len(failed), "SuccessCount": len(in.Findings) - len(failed), "FailedFindings": failed})
		case strings.Contains(string(r.body), "Action=GetCallerIdentity"):
			_, _ = io.WriteString(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		default:
			_, _ = io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
		}
	}
}

// TestTopic: a mail by SNS has the subject, the body and the JSON, and goes to the region of the topic.
func TestTopic(t *testing.T) {
	s := &standIn{answer: awsAnswer(t, -1, -1)}
	server := httptest.NewServer(s)
	defer server.Close()
	realserver.UseAWS(t, server.URL)
	a := example(1, alert.Opened)
	require.EqualValues(t, 1, deliver(t, "sns:"+topicARN, a).Sent)
	r := s.requests()[0]
	require.Contains(t, r.header.Get("Authorization"), "/us-east-2/sns/aws4_request")
	form, err := url.ParseQuery(string(r.body))
	require.NoError(t, err)
	require.Equal(t, topicARN, form.Get("TopicArn"))
	require.Equal(t, message.Subject(a), form.Get("Subject"))
	require.Equal(t, message.Body(a, sink), form.Get("Message"))
	attributes := map[string]string{}
	for i := 1; form.Has(fmt.Sprintf("MessageAttributes.entry.%d.Name", i)); i++ {
		attributes[form.Get(fmt.Sprintf("MessageAttributes.entry.%d.Name", i))] = form.Get(fmt.Sprintf("MessageAttributes.entry.%d.Value.StringValue", i))
	}
	require.Equal(t, map[string]string{
		"alert": string(message.JSON(a, sink)), "rule": "exfiltration", "kind": "exfiltration", "severity": "high", "state": "opened", "workload": "web",
	}, attributes)
}

// TestFIFO: two sinks that see one fact give a FIFO topic the same deduplication ID, and each report of an alert has its own.
func TestFIFO(t *testing.T) {
	one, two := example(1, alert.Opened), example(1, alert.Opened)
	two.First, two.Count = two.First+3e9, 9
	topic := &topic{fifo: true, sink: sink}
	id := func(a *alert.Alert) string { return *topic.publication(a).MessageDeduplicationId }
	require.Equal(t, id(one), id(two))
	require.NotEqual(t, id(one), id(example(2, alert.Opened)))
	update, later := example(1, alert.Updated), example(1, alert.Updated)
	later.Count = 10
	require.Len(t, map[string]bool{id(one): true, id(update): true, id(later): true, id(example(1, alert.Resolved)): true}, 4)
	topic.fifo = false
	require.Nil(t, topic.publication(one).MessageDeduplicationId)
}

// TestBatches: of a batch that is taken in part only the rest is sent again, and what is refused for good is not.
func TestBatches(t *testing.T) {
	for spec, parts := range map[string]func(body []byte) []string{
		"eventbridge:arn:aws:events:us-east-2:111122223333:event-bus/alerts": func(body []byte) (names []string) {
			var in struct {
				Entries []struct{ Detail, DetailType, EventBusName, Source string }
			}
			require.NoError(t, json.Unmarshal(body, &in))
			for _, e := range in.Entries {
				require.Equal(t, "Mirrorsink Alert mirrorsink arn:aws:events:us-east-2:111122223333:event-bus/alerts", e.DetailType+" "+e.Source+" "+e.EventBusName)
				var detail struct{ Source string }
				require.NoError(t, json.Unmarshal([]byte(e.Detail), &detail))
				names = append(names, detail.Source)
			}
			return names
		},
		"securityhub": func(body []byte) (names []string) {
			var in struct{ Findings []message.Finding }
			require.NoError(t, json.Unmarshal(body, &in))
			for _, f := range in.Findings {
				require.Equal(t, "444455556666 arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default HIGH", f.AwsAccountID+" "+f.ProductArn+" "+f.Severity.Label)
				names = append(names, f.Resources[0].ID[strings.Index(f.Resources[0].ID, "/")+1:])
			}
			return names
		},
	} {
		s := &standIn{answer: awsAnswer(t, 1, 2)}
		server := httptest.NewServer(s)
		realserver.UseAWS(t, server.URL)
		var alerts []*alert.Alert
		for i := range 4 {
			alerts = append(alerts, example(i, alert.Opened))
		}
		r, to, _ := find(spec)
		got, _, err := r.open(t.Context(), to, sink)
		require.NoError(t, err)
		q := open(t, got, t.TempDir(), func(cfg *queueConfig) { cfg.batch, cfg.strict, cfg.backoff.First = r.batch, true, time.Millisecond })
		require.NoError(t, q.spool.Append(encode(alerts), len(alerts))) // in one file
		require.NoError(t, q.Close(t.Context()))
		server.Close()
		sent := map[string]int{}
		for _, r := range s.requests() {
			if r.target != "" || strings.HasPrefix(r.path, "/findings") {
				for _, name := range parts(r.body) {
					sent[name]++
				}
			}
		}
		require.Equal(t, map[string]int{alerts[0].Source: 1, alerts[1].Source: 2, alerts[2].Source: 1, alerts[3].Source: 1}, sent, spec)
		c := q.spool.Counts()
		require.EqualValues(t, 1, c.Rejected, spec)
		require.EqualValues(t, 3, c.Delivered.Records, spec)
	}
}

// TestWebhooks: JSON and Slack's messages come as they are documented.
func TestWebhooks(t *testing.T) {
	s := &standIn{}
	server := httptest.NewServer(s)
	defer server.Close()
	a := example(1, alert.Resolved)
	deliver(t, "webhook:"+server.URL+"/in?team=x", a)
	deliver(t, "slack:"+server.URL+"/services/T/B/x", a)
	got := s.requests()
	require.Equal(t, string(message.JSON(a, sink)), string(got[0].body))
	require.Equal(t, "application/json", got[0].header.Get("Content-Type"))
	require.Equal(t, "mirrorsink/1.2.3", got[0].header.Get("User-Agent"))
	require.Equal(t, message.ReportID(a), got[0].header.Get("Idempotency-Key"))
	require.Equal(t, string(message.Slack(a, sink)), string(got[1].body))
	require.Equal(t, "/services/T/B/x", got[1].path)
}

// TestRefusedByWebhook: an alert that a webhook calls invalid is counted and not sent again, and holds nothing up.
func TestRefusedByWebhook(t *testing.T) {
	s := &standIn{}
	s.answer = func(w http.ResponseWriter, r *request) {
		if strings.Contains(string(r.body), example(1, alert.Opened).Source) {
			http.Error(w, "invalid_payload", http.StatusBadRequest)
		}
	}
	server := httptest.NewServer(s)
	defer server.Close()
	c := deliver(t, "webhook:"+server.URL, example(1, alert.Opened), example(2, alert.Opened))
	require.EqualValues(t, 1, c.Refused)
	require.EqualValues(t, 1, c.Sent)
	require.EqualValues(t, 1, c.Failed[spool.Refused])
	require.Len(t, s.requests(), 2)
}

// TestSNSOutage: from an alert to the call of SNS no time passes. SNS is gone for a minute and throttles for another one; every alert is in one mail.
func TestSNSOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := &standIn{}
		ok := awsAnswer(t, -1, -1)
		published := map[string]int{}
		s.answer = func(w http.ResponseWriter, r *request) {
			switch since := time.Since(begin); {
			case since > 10*time.Second && since < 70*time.Second:
				http.Error(w, "", http.StatusServiceUnavailable)
			case since > 70*time.Second && since < 130*time.Second:
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`)
			default:
				form, _ := url.ParseQuery(string(r.body))
				published[form.Get("Subject")]++
				ok(w, r)
			}
		}
		cfg := aws.Config{
			Region: "eu-west-1", HTTPClient: &http.Client{Transport: s}, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
			}),
		}
		q := open(t, &topic{client: sns.NewFromConfig(cfg), arn: topicARN, region: "eu-west-1", sink: sink}, t.TempDir(), nil)
		for i := range 60 {
			q.Alert(example(i, alert.Opened))
			if i == 0 {
				synctest.Wait()
				require.Len(t, published, 1)
				require.Equal(t, begin, s.requests()[0].at)
			}
			time.Sleep(2 * time.Second)
		}
		time.Sleep(2 * time.Minute)
		require.NoError(t, q.Close(t.Context()))
		c := q.Counts()
		require.EqualValues(t, 60, c.Sent)
		require.Positive(t, c.Failed[spool.Fault])
		require.Positive(t, c.Failed[spool.Throttled])
		told := 0
		for subject, n := range published {
			require.Equal(t, 1, n, subject)
			alerts := 1
			_, _ = fmt.Sscanf(subject, "mirrorsink %d alerts:", &alerts) // a digest of those that had to wait
			told += alerts
		}
		require.Equal(t, 60, told)
	})
}

// TestAlertmanagerKeepsFiring: an open alert is posted each minute with an end in the future, until it is resolved.
func TestAlertmanagerKeepsFiring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &standIn{}
		r, _, err := openManager(t.Context(), "http://am.example/prefix/", sink)
		require.NoError(t, err)
		r.(*manager).client.Transport = s
		q := open(t, r, t.TempDir(), func(cfg *queueConfig) { cfg.batch, cfg.strict = managerBatch, true })
		q.Alert(example(1, alert.Opened))
		q.Alert(example(2, alert.Opened))
		time.Sleep(3*time.Minute + time.Second)
		q.Alert(example(1, alert.Resolved))
		time.Sleep(2 * time.Minute)
		require.NoError(t, q.Close(t.Context()))
		type posted struct {
			Labels map[string]string
			EndsAt time.Time
		}
		var one, two int
		for _, r := range s.requests() {
			require.Equal(t, "/prefix/api/v2/alerts", r.path)
			var all []posted
			require.NoError(t, json.Unmarshal(r.body, &all))
			for _, p := range all {
				switch {
				case p.Labels["source"] == example(2, alert.Opened).Source:
					two++
					require.GreaterOrEqual(t, p.EndsAt.Sub(r.at), alertEnds-time.Second)
				case p.EndsAt.Equal(time.Unix(0, example(1, alert.Resolved).Last)):
					require.EqualValues(t, 4, one, "opened, and posted again three times")
					one = -1
				default:
					require.GreaterOrEqual(t, one, 0, "it is not posted after it was resolved")
					one++
				}
			}
		}
		require.EqualValues(t, -1, one)
		require.EqualValues(t, 6, two)
	})
}

// TestAlertmanagerAfterARestart: an alert that was open before is posted again within a minute, and its end when it is resolved.
func TestAlertmanagerAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &standIn{}
		r, _, err := openManager(t.Context(), "http://am.example/", sink)
		require.NoError(t, err)
		r.(*manager).client.Transport = s
		q := open(t, r, t.TempDir(), func(cfg *queueConfig) { cfg.batch, cfg.strict = managerBatch, true })
		q.Restore(example(1, alert.Opened))
		synctest.Wait()
		require.Empty(t, s.requests(), "it is no news")
		time.Sleep(repostInterval + time.Second)
		require.Len(t, s.requests(), 1)
		require.Zero(t, q.Counts().Taken)
		resolved := example(1, alert.Resolved)
		q.Alert(resolved)
		time.Sleep(2 * repostInterval)
		require.NoError(t, q.Close(t.Context()))
		require.Len(t, s.requests(), 2)
		require.Equal(t, string(message.Alertmanager([]*alert.Alert{resolved}, sink, time.Time{})), string(s.requests()[1].body))
	})
}

// TestAlertmanagerForgets: an alert of which nothing is heard any more is not kept firing forever, and open alerts are bounded.
func TestAlertmanagerForgets(t *testing.T) {
	m := &manager{open: map[alert.Key]*openAlert{}}
	for i := range maxReposted + 5 {
		m.observe(example(i, alert.Opened))
	}
	require.Len(t, m.firing(time.Now()), maxReposted)
	require.Empty(t, m.firing(time.Now().Add(staleAfter+time.Hour)))
	require.Empty(t, m.open)
}

// TestHostileNames: whatever names are made of, each output takes them, and what it sends is valid.
func TestHostileNames(t *testing.T) {
	s := &standIn{answer: awsAnswer(t, -1, -1)}
	server := httptest.NewServer(s)
	defer server.Close()
	realserver.UseAWS(t, server.URL)
	rapid.Check(t, func(rt *rapid.T) {
		a := example(1, alert.Opened)
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x00\x1b[2J", "a\r\nBcc: x@y", "`$(id)`", "<!channel>", "\u202egnp.exe", "\xff\xfe", strings.Repeat("x", 300)}))
		a.To, a.Source, a.Evidence = text.Draw(rt, "to"), text.Draw(rt, "source"), text.Draw(rt, "evidence")
		for _, spec := range []string{"sns:" + topicARN, "webhook:" + server.URL, "slack:" + server.URL, "alertmanager:" + server.URL, "eventbridge:default", "securityhub", "exec:cat"} {
			require.EqualValues(rt, 1, deliver(t, spec, a).Sent, spec)
		}
	})
	for _, r := range s.requests() {
		for _, c := range []string{"\x1b", "%1B", "\\u001b", "\\u0000", "%00", "\\u202e", "\u202e"} {
			require.NotContains(t, string(r.body), c)
		}
		for _, values := range r.header {
			require.NotContains(t, strings.Join(values, ""), "\n")
		}
	}
}
