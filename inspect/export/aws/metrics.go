package aws

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/mirrorsink/mirrorsink/inspect/export/awserror"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// Total is a counter as CloudWatch gets it: for each minute what was added in it.
type Total struct {
	Name             string
	Dimension, Value string // "" for none
	Bytes            bool   // the unit; a count otherwise
	Sparse           bool   // no data point for a minute in which nothing was added
	Gauge            bool   // Sum is what is there now, and not what was added since the start
	Sum              uint64 // since the start
}

// MetricsConfig configures a Metrics.
type MetricsConfig struct {
	Namespace string
	Take      func() []Total // returns all counters. One that it leaves out stays as it is
	Log       *slog.Logger   // slog's default if nil
}

// MetricCounts has the outcome of data points. At all times Taken is the sum of Sent, Refused, Dropped and Waiting.
type MetricCounts struct {
	Taken    uint64
	Sent     uint64
	Refused  uint64 // by CloudWatch, for good
	Dropped  uint64 // of more than maxMinutes that waited
	Waiting  uint64
	Failures [spool.Classes]uint64 // failed calls; all but those that were refused are repeated
}

// Metrics sends counters to CloudWatch: each minute a data point with what was added, and one with zero for those that are not sparse, so
// that an alarm has data. Data points of all senders of a namespace add up. They wait in memory while CloudWatch is gone, for three hours.
// After an answer that is lost a minute is sent twice.
type Metrics struct {
	client *Client
	cfg    MetricsConfig
	stop   context.CancelFunc
	done   chan struct{}

	last    map[Total]uint64 // sums that were taken into account, by counter with a sum of 0; of run alone
	waiting []minute         // of run alone

	mu      sync.Mutex // guards the following
	counts  MetricCounts
	lastErr error
}

// minute is the data points of a minute.
type minute struct {
	at   time.Time
	data []types.MetricDatum
}

const (
	metricPeriod = time.Minute
	maxMinutes   = 180
	// metricBatch is how many data points a call takes: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
	metricBatch = 1000
)

// NewMetrics begins to send. Close ends it.
func (c *Client) NewMetrics(cfg MetricsConfig) *Metrics {
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	ctx, stop := context.WithCancel(context.Background())
	m := &Metrics{client: c, cfg: cfg, stop: stop, done: make(chan struct{}), last: map[Total]uint64{}}
	go m.run(ctx)
	return m
}

// run sends at the end of each minute of the clock.
func (m *Metrics) run(ctx context.Context) {
	defer close(m.done)
	for {
		now := time.Now()
		timer := time.NewTimer(now.Truncate(metricPeriod).Add(metricPeriod).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case end := <-timer.C:
			m.take(end.Add(-metricPeriod / 2).Truncate(metricPeriod))
			m.send(ctx)
		}
	}
}

// take adds the minute that has begun at a time.
func (m *Metrics) take(at time.Time) {
	var data []types.MetricDatum
	for _, t := range m.cfg.Take() {
		key := t
		key.Sum = 0
		added := t.Sum - m.last[key]
		m.last[key] = t.Sum
		switch {
		case t.Gauge:
			added = t.Sum
		case added == 0 && t.Sparse:
			continue
		}
		d := types.MetricDatum{MetricName: &t.Name, Timestamp: &at, Value: sdk.Float64(float64(added)), Unit: types.StandardUnitCount}
		if t.Bytes {
			d.Unit = types.StandardUnitBytes
		}
		if t.Dimension != "" {
			d.Dimensions = []types.Dimension{{Name: &t.Dimension, Value: &t.Value}}
		}
		data = append(data, d)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.Taken += uint64(len(data))
	m.counts.Waiting += uint64(len(data))
	m.waiting = append(m.waiting, minute{at, data})
	if len(m.waiting) > maxMinutes {
		m.counts.Dropped += uint64(len(m.waiting[0].data))
		m.counts.Waiting -= uint64(len(m.waiting[0].data))
		m.waiting = slices.Delete(m.waiting, 0, 1)
	}
}

// send sends what waits, until a call fails.
func (m *Metrics) send(ctx context.Context) {
	for len(m.waiting) > 0 {
		first := &m.waiting[0]
		for len(first.data) > 0 {
			some := first.data[:min(len(first.data), metricBatch)]
			_, err := m.client.metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: &m.cfg.Namespace, MetricData: some})
			if !m.sent(uint64(len(some)), awserror.Explain(err, m.client.region)) {
				return
			}
			first.data = first.data[len(some):]
		}
		m.waiting = m.waiting[1:]
	}
}

// sent counts the result of a call. It reports whether its data points are done with.
func (m *Metrics) sent(n uint64, err error) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	var why *spool.Failure
	switch {
	case err == nil:
		m.counts.Sent += n
		if m.lastErr != nil {
			m.cfg.Log.Info("metrics are sent again", "namespace", m.cfg.Namespace)
		}
		m.lastErr = nil
	case errors.As(err, &why):
		m.counts.Failures[why.Class]++
		if m.lastErr == nil {
			m.cfg.Log.Error("cannot send metrics to CloudWatch", "namespace", m.cfg.Namespace, "error", err)
		}
		m.lastErr = err
		if why.Class != spool.Refused {
			return false
		}
		m.counts.Refused += n
	}
	m.counts.Waiting -= n
	return true
}

// Counts returns the outcome of the data points so far.
func (m *Metrics) Counts() MetricCounts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts
}

// Close sends what was added since the last minute, until ctx ends. What CloudWatch does not take then is lost, and the error.
func (m *Metrics) Close(ctx context.Context) error {
	m.stop()
	<-m.done
	m.take(time.Now().Truncate(metricPeriod))
	m.send(ctx)
	if m.Counts().Waiting > 0 {
		return m.lastErr
	}
	return nil
}
