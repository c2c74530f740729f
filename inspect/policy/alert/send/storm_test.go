package send

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
)

// mailbox is a receiver whose messages people read.
type mailbox struct {
	fake
	digests []*message.Digest
	sent    []time.Time // when each message was sent
}

func (m *mailbox) send(ctx context.Context, alerts []*alert.Alert) []error {
	errs := m.fake.send(ctx, alerts)
	for _, err := range errs {
		if err == nil {
			m.sent = append(m.sent, time.Now())
		}
	}
	return errs
}

func (m *mailbox) sendDigest(_ context.Context, d *message.Digest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.fate != nil {
		if err := m.fate(d.Largest[0]); err != nil {
			return err
		}
	}
	m.digests = append(m.digests, d)
	m.sent = append(m.sent, time.Now())
	return nil
}

// told counts the alerts of all messages.
func (m *mailbox) told() (n uint64) {
	for _, d := range m.digests {
		n += d.Alerts
	}
	for _, times := range m.took {
		n += uint64(times)
	}
	return n
}

// perSpan returns the most messages within a span.
func (m *mailbox) perSpan(span time.Duration) (most int) {
	from := 0
	for i, at := range m.sent {
		for at.Sub(m.sent[from]) >= span {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// TestStorm: of many alerts at once people get the first ones and a message a minute, which counts all others. When it is over alerts are
// messages again.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &mailbox{}
		q := open(t, r, t.TempDir(), nil)
		const storm = 2000
		n := 0
		for range 100 { // for 100 s, after a first alert
			for range storm / 100 {
				q.Alert(example(n, alert.Opened))
				n++
			}
			synctest.Wait()
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		c := q.Counts()
		sumsAgree(t, c)
		require.EqualValues(t, storm, r.told())
		require.EqualValues(t, storm, c.Sent)
		require.LessOrEqual(t, len(r.took), perMinute)
		require.Contains(t, []int{2, 3}, len(r.digests)) // in 100 s; how many singles go before the first one depends on who runs first
		require.EqualValues(t, len(r.digests), c.Digests)
		require.EqualValues(t, storm-len(r.took), c.Digested)
		require.LessOrEqual(t, r.perSpan(digestInterval), perMinute+1)

		before := len(r.took)
		q.Alert(example(n, alert.Opened))
		synctest.Wait()
		require.Len(t, r.took, before+1, "the storm is over")
		require.NoError(t, q.Close(t.Context()))
	})
}

// TestDigestsExactlyOnce: whatever the pace of alerts, the failures and the ends of the process, each alert is in one message of its own or
// counted in one digest, or it was refused; and no minute has more messages than a person reads.
func TestDigestsExactlyOnce(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		require.NoError(rt, err)
		fates := rapid.SliceOfN(rapid.IntRange(0, 9), 64, 64).Draw(rt, "fates")
		total := 0
		synctest.Test(t, func(t *testing.T) {
			r := &mailbox{}
			r.fate = func(*alert.Alert) error {
				switch fates[r.calls%len(fates)] {
				case 0:
					return failure(spool.Refused)
				case 1, 2:
					return failure(spool.Fault)
				}
				return nil
			}
			var refused, digested, dropped uint64
			add := func(q *Queue) {
				c := q.Counts()
				sumsAgree(rt, c)
				refused, digested, dropped = refused+c.Refused, digested+c.Digested, dropped+c.Dropped
			}
			for range rapid.IntRange(1, 3).Draw(rt, "runs") {
				q := open(rt, r, dir, nil)
				for range rapid.IntRange(0, 6).Draw(rt, "bursts") {
					for range rapid.SampledFrom([]int{1, 3, 12, 300}).Draw(rt, "alerts") {
						total++
						q.Alert(example(total, alert.Opened))
					}
					synctest.Wait()
					time.Sleep(rapid.SampledFrom([]time.Duration{0, 7 * time.Second, 90 * time.Second}).Draw(rt, "pause"))
				}
				synctest.Wait()
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				_ = q.Close(ctx)
				add(q)
			}
			q := open(rt, r, dir, nil)
			time.Sleep(time.Hour)
			require.NoError(rt, q.Close(context.Background()))
			add(q)
			require.Zero(rt, q.Counts().Waiting)
			if uint64(total) != r.told()+refused+dropped {
				t.Errorf("%d alerts: %d told in %d digests, %d refused, %d dropped", total, r.told(), len(r.digests), refused, dropped)
			}
			for source, n := range r.took {
				require.Equal(rt, 1, n, source)
			}
			inDigests := uint64(0)
			for _, d := range r.digests {
				inDigests += d.Alerts
				rules := uint64(0)
				for _, r := range d.Rules {
					rules += r.Alerts
				}
				require.Equal(rt, d.Alerts, rules)
			}
			require.Equal(rt, inDigests, digested)
		})
	})
}

// TestStormDuringOutage: what gathered while the receiver was gone is one message, once.
func TestStormDuringOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		r := &mailbox{}
		r.fate = func(*alert.Alert) error {
			if down.Load() {
				return failure(spool.Unreachable)
			}
			return nil
		}
		q := open(t, r, t.TempDir(), nil)
		for i := range 100 {
			q.Alert(example(i, alert.Opened))
		}
		time.Sleep(10 * time.Minute)
		down.Store(false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.EqualValues(t, 100, r.told())
		require.Len(t, r.digests, 1)
		require.NoError(t, q.Close(t.Context()))
	})
}

// TestEndOfAStorm: at the end of the program the gathered alerts do not wait for their minute.
func TestEndOfAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r := &mailbox{}
		q := open(t, r, t.TempDir(), nil)
		for i := range 500 {
			q.Alert(example(i, alert.Opened))
		}
		require.NoError(t, q.Close(t.Context()))
		require.EqualValues(t, 500, r.told())
		require.Less(t, time.Since(begin), digestInterval)
	})
}

// TestStormFromTheSpool: what an earlier process left is gathered at once when the queue opens.
func TestStormFromTheSpool(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		ended, end := context.WithCancel(t.Context())
		end()
		q := open(t, &mailbox{fake: fake{fate: func(*alert.Alert) error { return failure(spool.Denied) }}}, dir, nil)
		for i := range 2 * perMinute {
			q.Alert(example(i, alert.Opened))
		}
		require.Error(t, q.Close(ended))
		r := &mailbox{}
		q = open(t, r, dir, nil)
		require.NoError(t, q.Close(t.Context()))
		require.EqualValues(t, 2*perMinute, r.told())
	}
}

// TestDroppedInAStorm: what the bound of the spool drops while alerts are gathered is counted, and the rest is in the digest.
func TestDroppedInAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &mailbox{}
		one := int64(len(encode([]*alert.Alert{example(1, alert.Opened)})))
		dir := t.TempDir()
		q := open(t, r, dir, func(cfg *queueConfig) { cfg.bytes = 40 * one })
		for i := range 100 {
			q.Alert(example(i, alert.Opened))
			synctest.Wait()
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.alerts"))
		require.NoError(t, err)
		require.LessOrEqual(t, len(files), 40)
		time.Sleep(2 * time.Minute)
		require.NoError(t, q.Close(t.Context()))
		c := q.Counts()
		require.Positive(t, c.Dropped)
		require.EqualValues(t, 100, r.told()+c.Dropped)
		require.Len(t, r.digests, 1)
	})
}

// TestStormWithoutDisk: alerts that the disk does not take are gathered in memory, and are one message as well.
func TestStormWithoutDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &mailbox{}
		dir := filepath.Join(t.TempDir(), "spool")
		q := open(t, r, dir, nil)
		require.NoError(t, os.RemoveAll(dir))
		for i := range 30 {
			for range 10 {
				q.Alert(example(i, alert.Opened))
			}
			synctest.Wait()
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		c := q.Counts()
		sumsAgree(t, c)
		require.EqualValues(t, 300, c.Sent)
		require.EqualValues(t, 300, r.told())
		require.LessOrEqual(t, len(r.sent), perMinute+2)
		require.NoError(t, q.Close(t.Context()))
	})
}

// TestDigestBySNS: a digest passes the filters of subscriptions that one of its alerts passes.
func TestDigestBySNS(t *testing.T) {
	var d message.Digest
	for i := range 20 {
		d.Add(example(i, alert.State(i%2)))
	}
	plain, fifo := (&topic{arn: topicARN, sink: sink}).digest(&d), (&topic{arn: topicARN, fifo: true, sink: sink}).digest(&d)
	require.Equal(t, "mirrorsink 20 alerts: 10 opened, 10 updated", *plain.Subject)
	require.Equal(t, d.Body(sink), *plain.Message)
	require.NotContains(t, plain.MessageAttributes, "alert")
	for name, want := range map[string][]string{
		"severity": {"high"}, "state": {"opened", "updated"}, "rule": {"exfiltration"}, "kind": {"exfiltration"}, "workload": {"web"},
	} {
		a := plain.MessageAttributes[name]
		require.Equal(t, "String.Array", *a.DataType)
		var got []string
		require.NoError(t, json.Unmarshal([]byte(aws.ToString(a.StringValue)), &got))
		require.Equal(t, want, got, name)
	}
	require.Nil(t, plain.MessageDeduplicationId)
	require.Regexp(t, "^[0-9a-f]{64}$", *fifo.MessageDeduplicationId)
	var text map[string]any
	require.NoError(t, json.Unmarshal([]byte(*plain.MessageAttributes["digest"].StringValue), &text))
	require.EqualValues(t, 20, text["alerts"])
}

// TestSlackDigest: a storm makes one post for Slack.
func TestSlackDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &standIn{}
		r, _, err := openSlack(t.Context(), "http://slack.example/in", sink)
		require.NoError(t, err)
		r.(*slack).client.Transport = s
		q := open(t, r, t.TempDir(), func(cfg *queueConfig) { cfg.every, cfg.memory, cfg.bytes = time.Second, 8<<20, 8<<20 })
		for i := range 5000 {
			q.Alert(example(i, alert.Opened))
		}
		time.Sleep(3 * time.Minute)
		require.NoError(t, q.Close(t.Context()))
		var counted uint64
		for _, request := range s.requests() {
			var alerts uint64
			if _, err := fmt.Sscanf(string(request.body[strings.Index(string(request.body), "```")+3:]), "%d alerts", &alerts); err != nil {
				alerts = 1
			}
			counted += alerts
		}
		require.EqualValues(t, 5000, counted)
		require.LessOrEqual(t, len(s.requests()), perMinute+2)
	})
}
