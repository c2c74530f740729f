package aws_test

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// metricServer adds up the values of PutMetricData by name and dimension.
type metricServer struct {
	mu     sync.Mutex
	status int
	sums   map[string]float64
	times  map[string][]time.Time
}

func (s *metricServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		from, _ = gzip.NewReader(r.Body)
	}
	body, _ := io.ReadAll(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	if s.status != 0 {
		w.WriteHeader(s.status)
		return
	}
	v, err := cbor.Decode(body)
	if err != nil {
		panic(err)
	}
	in := v.(cbor.Map)
	for _, d := range in["MetricData"].(cbor.List) {
		d := d.(cbor.Map)
		key := string(in["Namespace"].(cbor.String)) + " " + string(d["MetricName"].(cbor.String)) + " " + string(d["Unit"].(cbor.String))
		if dims, ok := d["Dimensions"].(cbor.List); ok {
			for _, dim := range dims {
				key += " " + string(dim.(cbor.Map)["Name"].(cbor.String)) + "=" + string(dim.(cbor.Map)["Value"].(cbor.String))
			}
		}
		value, _ := d["Value"].(cbor.Float64)
		if f, ok := d["Value"].(cbor.Float32); ok {
			value = cbor.Float64(f)
		}
		s.sums[key] += float64(value)
		seconds, _ := cbor.AsFloat64(d["Timestamp"].(*cbor.Tag).Value)
		s.times[key] = append(s.times[key], time.Unix(int64(seconds), 0))
	}
	_, _ = w.Write(cbor.Encode(cbor.Map{}))
}

func (s *metricServer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestMetricsAddUp: of each counter CloudWatch gets what was added in each minute, with the time of the minute, though it was gone for a
// while. The sum of all data points is the counter's, so that those of several sinks add up.
func TestMetricsAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &metricServer{sums: map[string]float64{}, times: map[string][]time.Time{}}
		client := aws.OverHTTP(aws.Config{}, &http.Client{Transport: s})
		var bytes, drops atomic.Uint64
		m := client.NewMetrics(aws.MetricsConfig{Namespace: "Mirrorsink", Log: slog.New(slog.DiscardHandler), Take: func() []aws.Total {
			return []aws.Total{
				{Name: "NotAllowedBytes", Bytes: true, Sum: bytes.Load()},
				{Name: "NotAllowedBytes", Dimension: "Workload", Value: "web", Bytes: true, Sparse: true, Sum: bytes.Load()},
				{Name: "ReceiveDrops", Sum: drops.Load()},
				{Name: "SpoolBytes", Bytes: true, Gauge: true, Sum: 3},
			}
		}})
		begin := time.Now()
		for i := range 20 {
			bytes.Add(100_001)
			drops.Add(uint64(i % 2))
			s.mu.Lock()
			s.status = 0
			if i >= 5 && i < 12 {
				s.status = http.StatusServiceUnavailable
			}
			s.mu.Unlock()
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		bytes.Add(7)
		require.NoError(t, m.Close(t.Context()))
		require.Equal(t, map[string]float64{
			"Mirrorsink NotAllowedBytes Bytes": float64(bytes.Load()), "Mirrorsink NotAllowedBytes Bytes Workload=web": float64(bytes.Load()), "Mirrorsink ReceiveDrops Count": 10, "Mirrorsink SpoolBytes Bytes": 3 * 21,
		}, s.sums)
		at := s.times["Mirrorsink NotAllowedBytes Bytes"]
		for i, when := range at[:20] {
			require.Equal(t, begin.Add(time.Duration(i)*time.Minute).Unix(), when.Unix())
		}
		c := m.Counts()
		require.Equal(t, c.Taken, c.Sent)
		require.Positive(t, c.Failures[spool.Fault])
	})
}

// TestMetricsAreBounded: what waits for longer than three hours is dropped and counted.
func TestMetricsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &metricServer{status: http.StatusForbidden}
		m := aws.OverHTTP(aws.Config{}, &http.Client{Transport: s}).NewMetrics(aws.MetricsConfig{
			Namespace: "Mirrorsink", Log: slog.New(slog.DiscardHandler), Take: func() []aws.Total { return []aws.Total{{Name: "Alerts"}} },
		})
		time.Sleep(200*time.Minute + time.Second)
		c := m.Counts()
		require.EqualValues(t, 180, c.Waiting)
		require.EqualValues(t, 20, c.Dropped)
		require.Equal(t, c.Taken, c.Sent+c.Refused+c.Dropped+c.Waiting)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, m.Close(ctx))
	})
}
