package send

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

func init() { testform.Checks(20) }

var sink = &message.Sink{Host: "sink-a", Version: "1.2.3"}

// example is the n-th of alerts that differ.
func example(n int, state alert.State) *alert.Alert {
	return &alert.Alert{
		Key:  alert.Key{Rule: "exfiltration", Workload: "web", Source: fmt.Sprintf("i-%017x", n), To: "evil.example"},
		Kind: policy.Exfiltration, Severity: policy.High, State: state, First: 1796000000e9, Last: 1796000060e9, Count: 3, Repeats: 2,
		Bytes: 198_000, Evidence: "198000 bytes within 5m0s, more than 100000", Interface: "eni-0123456789abcdef0", Account: "444455556666",
		Addr: netip.MustParseAddr("203.0.113.9"), Port: 443,
		Flows: []alert.FlowBytes{{ID: 7, Addr: netip.MustParseAddr("203.0.113.9"), Port: 443, Bytes: 99_000}},
	}
}

// fake is a receiver that does what it is told, and keeps the sources of what it took.
type fake struct {
	mu    sync.Mutex
	fate  func(a *alert.Alert) error // nil takes all
	took  map[string]int
	calls int
	at    []time.Time
}

func (f *fake) send(_ context.Context, alerts []*alert.Alert) []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.at = append(f.at, time.Now())
	return each(alerts, func(a *alert.Alert) error {
		if f.fate != nil {
			if err := f.fate(a); err != nil {
				return err
			}
		}
		if f.took == nil {
			f.took = map[string]int{}
		}
		f.took[a.Source]++
		return nil
	})
}

func open(t require.TestingT, r receiver, dir string, change func(*queueConfig)) *Queue {
	cfg := queueConfig{receiver: r, name: "fake", to: "fake", dir: dir, bytes: 1 << 20, memory: 1 << 20, batch: 1, log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	q, err := openQueue(cfg)
	require.NoError(t, err)
	return q
}

func sumsAgree(t require.TestingT, c Counts) {
	require.Equal(t, c.Taken, c.Sent+c.Refused+c.Dropped+c.Waiting, "%+v", c)
}

func failure(c spool.Class) error { return &spool.Failure{Class: c, Text: c.String()} }

// TestOutageOfAMinute: the receiver is gone for a minute while alerts come. Each is sent once, the first at once, and the others within the
// longest delay after the end of the outage.
func TestOutageOfAMinute(t *testing.T) {
	for _, class := range []spool.Class{spool.Unreachable, spool.Throttled, spool.Fault} {
		synctest.Test(t, func(t *testing.T) {
			var down atomic.Bool
			r := &fake{fate: func(*alert.Alert) error {
				if down.Load() {
					return failure(class)
				}
				return nil
			}}
			q := open(t, r, t.TempDir(), nil)
			begin := time.Now()
			q.Alert(example(0, alert.Opened))
			synctest.Wait()
			require.Equal(t, []time.Time{begin}, r.at, "an alert is sent at once")
			down.Store(true)
			for i := range 30 {
				q.Alert(example(1+i, alert.Opened))
				time.Sleep(2 * time.Second)
				synctest.Wait()
				sumsAgree(t, q.Counts())
			}
			c := q.Counts()
			require.EqualValues(t, 30, c.Waiting)
			require.True(t, c.Failing)
			require.Positive(t, c.Failed[class])
			require.Less(t, c.Failed[class], uint64(12), "the delays grow")
			down.Store(false)
			time.Sleep(31 * time.Second)
			synctest.Wait()
			c = q.Counts()
			require.Equal(t, Counts{Taken: 31, Sent: 31, Failed: c.Failed, Retried: c.Retried}, c)
			require.Positive(t, c.Retried)
			require.Len(t, r.took, 31)
			for source, n := range r.took {
				require.Equal(t, 1, n, source)
			}
			require.NoError(t, q.Close(t.Context()))
		})
	}
}

// TestRetryAfter: a receiver that says when to come again is left alone until then.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		r := &fake{fate: func(*alert.Alert) error {
			if first {
				first = false
				return &spool.Failure{Class: spool.Throttled, Text: "later", Wait: 40 * time.Second}
			}
			return nil
		}}
		q := open(t, r, t.TempDir(), nil)
		q.Alert(example(1, alert.Opened))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, r.at, 2)
		require.GreaterOrEqual(t, r.at[1].Sub(r.at[0]), 40*time.Second)
		require.NoError(t, q.Close(t.Context()))
	})
}

// TestPace: calls keep a distance.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fake{}
		q := open(t, r, t.TempDir(), func(cfg *queueConfig) { cfg.every = time.Second })
		for i := range 5 {
			q.Alert(example(i, alert.Opened))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Len(t, r.at, 5)
		for i := range 4 {
			require.GreaterOrEqual(t, r.at[i+1].Sub(r.at[i]), time.Second)
		}
		require.NoError(t, q.Close(t.Context()))
	})
}

// TestEachAlertOnce: whatever fails, and however often the process ends in between, each alert is taken once or refused, and the sums agree.
func TestEachAlertOnce(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		require.NoError(rt, err)
		batch := rapid.IntRange(1, 5).Draw(rt, "batch")
		strict := rapid.Bool().Draw(rt, "strict")
		refused := map[string]bool{}
		fates := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(rt, "fates"))) // drawn by the goroutine that sends
		total := 0
		synctest.Test(t, func(t *testing.T) {
			r := &fake{}
			r.fate = func(a *alert.Alert) error {
				switch fates.IntN(10) {
				case 0:
					refused[a.Source] = true
					return failure(spool.Refused)
				case 1, 2:
					return failure(spool.Fault)
				case 3:
					return failure(spool.Denied)
				}
				return nil
			}
			var done, gone uint64
			for range rapid.IntRange(1, 3).Draw(rt, "runs") {
				q := open(rt, r, dir, func(cfg *queueConfig) { cfg.batch, cfg.strict = batch, strict })
				for range rapid.IntRange(0, 8).Draw(rt, "alerts") {
					total++
					q.Alert(example(total, alert.Opened))
					if rapid.Bool().Draw(rt, "pause") {
						time.Sleep(time.Second)
						synctest.Wait()
					}
				}
				synctest.Wait() // they are in the spool
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				_ = q.Close(ctx)
				c := q.Counts()
				sumsAgree(rt, c)
				done, gone = done+c.Sent, gone+c.Refused
			}
			q := open(rt, r, dir, func(cfg *queueConfig) { cfg.batch, cfg.strict = batch, strict })
			time.Sleep(time.Hour)
			require.NoError(rt, q.Close(context.Background()))
			c := q.Counts()
			require.Zero(rt, c.Waiting)
			require.EqualValues(rt, total, done+gone+c.Sent+c.Refused)
			for i := range total {
				source := example(1+i, alert.Opened).Source
				require.True(rt, r.took[source] >= 1 || refused[source], source)
				if batch == 1 {
					require.LessOrEqual(rt, r.took[source], 1, "nothing is sent twice unless an answer is lost, or a part of a file was sent before the end of the process")
				}
			}
		})
	})
}

// TestBounds: past the bound of the spool the oldest alerts are dropped, and counted.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		r := &fake{}
		r.fate = func(*alert.Alert) error {
			if down.Load() {
				return failure(spool.Fault)
			}
			return nil
		}
		one := int64(len(encode([]*alert.Alert{example(1, alert.Opened)})))
		q := open(t, r, t.TempDir(), func(cfg *queueConfig) { cfg.bytes = 10 * one })
		for i := range 30 {
			q.Alert(example(i, alert.Opened))
			synctest.Wait()
		}
		c := q.Counts()
		require.EqualValues(t, 20, c.Dropped)
		require.EqualValues(t, 10, c.Waiting)
		down.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		c = q.Counts()
		require.EqualValues(t, 10, c.Sent)
		sumsAgree(t, c)
		require.Contains(t, r.took, example(29, alert.Opened).Source, "the newest stay")
		require.NoError(t, q.Close(t.Context()))
	})
}

// TestNoDisk: alerts that the disk does not take are sent from memory. Those that nobody takes are bounded, and counted.
func TestNoDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		r := &fake{}
		r.fate = func(*alert.Alert) error {
			if down.Load() {
				return failure(spool.Fault)
			}
			return nil
		}
		dir := filepath.Join(t.TempDir(), "spool")
		q := open(t, r, dir, func(cfg *queueConfig) { cfg.memory = 4 * sizeOf(example(1, alert.Opened)) })
		require.NoError(t, os.RemoveAll(dir))
		q.Alert(example(1, alert.Opened))
		synctest.Wait()
		require.EqualValues(t, 1, q.Counts().Sent)
		down.Store(true)
		for i := range 10 {
			q.Alert(example(2+i, alert.Opened))
			synctest.Wait()
		}
		c := q.Counts()
		require.EqualValues(t, 6, c.Dropped)
		require.EqualValues(t, 4, c.Waiting)
		down.Store(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		c = q.Counts()
		require.EqualValues(t, 5, c.Sent)
		sumsAgree(t, c)
		require.NoError(t, q.Close(t.Context()))
	})
}

// TestNeverWaits: alerts are taken while a call hangs.
func TestNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		r := &fake{fate: func(*alert.Alert) error { <-hang; return nil }}
		q := open(t, r, t.TempDir(), nil)
		begin := time.Now()
		for i := range 100 {
			q.Alert(example(i, alert.Opened))
		}
		require.Equal(t, begin, time.Now())
		synctest.Wait()
		close(hang)
		require.NoError(t, q.Close(t.Context()))
		require.Len(t, r.took, 100)
	})
}

// TestStored: an alert comes out of a file as it went in.
func TestStored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := example(1, rapid.SampledFrom([]alert.State{alert.Opened, alert.Updated, alert.Resolved}).Draw(t, "state"))
		a.Kind = rapid.SampledFrom([]policy.AlertKind{policy.Exfiltration, policy.Beacon, policy.Match}).Draw(t, "kind")
		a.To, a.Evidence = rapid.String().Draw(t, "to"), rapid.String().Draw(t, "evidence")
		if rapid.Bool().Draw(t, "no address") {
			a.Addr, a.Flows = netip.Addr{}, nil
		}
		all, bad := decode(encode([]*alert.Alert{a, a}))
		require.Zero(t, bad)
		require.Equal(t, []*alert.Alert{a, a}, all)
	})
	all, bad := decode([]byte("{\n{}\n"))
	require.Empty(t, all)
	require.Equal(t, 2, bad)
}

// childDir is the environment variable that makes a test the process to be killed: the folder in which it works. childURL is where it posts.
const (
	childDir = "MIRRORSINK_TEST_CHILD_DIR"
	childURL = "MIRRORSINK_TEST_CHILD_URL"
)

// TestKilled: a process that is killed while it sends leaves what was not confirmed to the next one. At most the alert whose answer was
// under way is sent twice, with the same key.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		_, err := Open(t.Context(), Config{Spec: "webhook:" + os.Getenv(childURL), Sink: sink, Dir: dir, Bytes: 1 << 20, Memory: 1 << 20})
		require.NoError(t, err)
		select {} // until it is killed
	}
	dir := t.TempDir()
	full := open(t, &fake{fate: func(*alert.Alert) error { return failure(spool.Fault) }}, dir, nil)
	for i := range 20 {
		full.Alert(example(i, alert.Opened))
	}
	ended, end := context.WithCancel(t.Context())
	end()
	require.Error(t, full.Close(ended))
	var mu sync.Mutex
	var cmd *exec.Cmd
	keys := map[string]int{}
	requests, until := 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		requests++
		keys[r.Header.Get("Idempotency-Key")]++
		if cmd != nil && requests >= until {
			_ = cmd.Process.Kill()
		}
	}))
	defer server.Close()
	kills := 0
	for _, n := range []int{3, 5, 4} {
		mu.Lock()
		cmd = exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), childDir+"="+dir, childURL+"="+server.URL)
		until = requests + n
		require.NoError(t, cmd.Start())
		mu.Unlock()
		if cmd.Wait() != nil {
			kills++
		}
	}
	mu.Lock()
	cmd = nil
	mu.Unlock()
	q, err := Open(t.Context(), Config{Spec: "webhook:" + server.URL, Sink: sink, Dir: dir, Bytes: 1 << 20, Memory: 1 << 20})
	require.NoError(t, err)
	require.NoError(t, q.Close(t.Context()))
	require.Equal(t, 3, kills)
	require.Len(t, keys, 20)
	require.LessOrEqual(t, requests, 20+kills)
}

// TestSpecs: an output that cannot be is refused with what is wanted, before anything is sent.
func TestSpecs(t *testing.T) {
	for spec, want := range map[string]string{
		"":              "want sns:ARN, ",
		"mail:me":       "want sns:ARN, ",
		"sns":           "want sns:ARN, ",
		"sns:":          "want sns:ARN, ",
		"securityhub:x": "want sns:ARN, ",
		"sns:alerts":    "want the ARN of a topic",
		"sns:arn:aws:sqs:eu-west-1:111122223333:alerts": "want the ARN of a topic",
		"webhook:ftp://x":        "want an address",
		"webhook:https://":       "want an address",
		"slack:hooks.slack.com":  "want an address",
		"alertmanager:host:9093": "want the address of an Alertmanager",
		"exec:/no/such/program":  "no such file",
		"eventbridge:a bus":      "want the name or the ARN",
	} {
		_, err := Open(t.Context(), Config{Spec: spec, Sink: sink, Dir: t.TempDir(), Bytes: 1 << 20, Memory: 1 << 20})
		require.ErrorContains(t, err, want, spec)
		require.NotContains(t, err.Error(), "\n")
	}
	require.True(t, Known("securityhub") && Known("sns:x") && !Known("parquet:x") && !Known("eve"))
	require.Equal(t, "sns", NameOf("sns:arn"))
}

// TestProgram: a program gets the alert on its standard input and nothing of it in its arguments. It is killed after its time, with what it
// has started, and what it prints is shown in one line.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	hostile := example(1, alert.Opened)
	hostile.To = "$(touch " + dir + "/hacked); `id`\n\x1b[2J"
	script := func(text string) string {
		path := filepath.Join(dir, "script")
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700))
		return path
	}
	run := func(spec string, limit time.Duration) error {
		r, _, err := openProgram(t.Context(), spec, sink)
		require.NoError(t, err)
		r.(*program).time = limit
		return r.send(t.Context(), []*alert.Alert{hostile})[0]
	}
	require.NoError(t, run(script(`printf '%s|' "$@" > `+out+`; cat >> `+out)+" $HOME a;b", time.Minute))
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, "$HOME|a;b|"+string(message.JSON(hostile, sink))+"\n", string(text))
	require.NoFileExists(t, filepath.Join(dir, "hacked"))

	var why *spool.Failure
	require.ErrorAs(t, run(script("echo \"broken\x1b[2J\" >&2; exit 3"), time.Minute), &why)
	require.Equal(t, spool.Fault, why.Class)
	require.Equal(t, "exit status 3: broken?[2J", why.Text)
	require.ErrorAs(t, run(script("sleep 1000 & sleep 1000"), 50*time.Millisecond), &why)
	require.Equal(t, "killed after 50ms", why.Text)
	require.NoError(t, run(script("exit 0"), time.Minute), "it need not read its input")
	require.ErrorAs(t, run(script("head -c 1000000 /dev/zero; exit 1"), time.Minute), &why)
	require.Less(t, len(why.Text), 2*maxAnswer)
}

// TestWords: arguments are quoted as in shells and units of systemd, and nothing else of a shell has a meaning.
func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"/bin/page":                               {"/bin/page"},
		"  page  a   b ":                          {"page", "a", "b"},
		`page "on call" 'it is' a\ b ""`:          {"page", "on call", "it is", "a b", ""},
		`page "say \"hi\"" 'a\b' x"y z"'w'`:       {"page", `say "hi"`, `a\b`, "xy zw"},
		"page $HOME $(id) `id` a;b | & > * ~ {x}": {"page", "$HOME", "$(id)", "`id`", "a;b", "|", "&", ">", "*", "~", "{x}"},
		"page #1 a#b # c":                         {"page", "#1", "a#b", "#", "c"},
		`"/opt/my tools/page" bücher`:             {"/opt/my tools/page", "bücher"},
	} {
		got, err := words(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "  ", `""`, `page "a`, "page 'a", `page a\`, "page \x00", "page \x01"} {
		_, err := words(text)
		require.Error(t, err, "%q", text)
	}
	quote := func(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
	rapid.Check(t, func(t *rapid.T) {
		argv := rapid.SliceOfN(rapid.StringMatching(`[ -~\t\nä€]{1,8}`), 1, 5).Draw(t, "argv")
		var text []string
		for _, word := range argv {
			text = append(text, quote(word))
		}
		got, err := words(strings.Join(text, " "))
		require.NoError(t, err)
		require.Equal(t, argv, got)
	})
}

// TestStatuses: what a person can change without the program is tried again, and what will not change is not.
func TestStatuses(t *testing.T) {
	for status, want := range map[int]spool.Class{
		429: spool.Throttled, 408: spool.Throttled, 500: spool.Fault, 503: spool.Fault, 401: spool.Denied, 403: spool.Denied, 404: spool.Missing,
		410: spool.Missing, 301: spool.Misplaced, 400: spool.Refused, 413: spool.Refused, 422: spool.Refused,
	} {
		require.Equal(t, want, classOfStatus(status), status)
	}
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "x": 0, "-5": 0, "7": 7 * time.Second, "100000": maxRetryAfter, "Mon, 30 Nov 2026 12:00:09 GMT": 9 * time.Second, "Mon, 30 Nov 2020 12:00:09 GMT": 0,
	} {
		require.Equal(t, want, retryAfter(text, now), text)
	}
}

// TestSecretsStayOut: neither the name of an output nor an error has the path of its address, which may be a secret.
func TestSecretsStayOut(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := strings.Replace(server.URL, "http://", "http://user:secret1@", 1) + "/services/secret2?token=secret3"
	r, to, err := openSlack(t.Context(), url, sink)
	require.NoError(t, err)
	answered := r.send(t.Context(), []*alert.Alert{example(1, alert.Opened)})[0]
	server.Close()
	unanswered := r.send(t.Context(), []*alert.Alert{example(1, alert.Opened)})[0]
	require.NotContains(t, to+answered.Error()+unanswered.Error(), "secret")
	var why *spool.Failure
	require.True(t, errors.As(unanswered, &why) && why.Class == spool.Unreachable)
}
