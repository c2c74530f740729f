package command

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/testdata/realserver"
)

// receiver stands in for all who receive alerts, and for CloudWatch.
type receiver struct {
	mu      sync.Mutex
	reports map[string][]string // by output: the source, the rule and the destination of each alert
	sums    map[string]float64  // of metrics
}

// openReceiver starts a receiver, which is AWS too.
func openReceiver(t *testing.T) (s *receiver, url string) {
	s = &receiver{reports: map[string][]string{}, sums: map[string]float64{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	realserver.UseAWS(t, server.URL)
	return s, server.URL
}

func (s *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		from, _ = gzip.NewReader(r.Body)
	}
	body, _ := io.ReadAll(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.HasSuffix(r.URL.Path, "/operation/PutMetricData"):
		s.metrics(body)
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		_, _ = w.Write(cbor.Encode(cbor.Map{}))
	case r.URL.Path == "/hook":
		s.report("webhook", body)
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutEvents"):
		var in struct{ Entries []struct{ Detail string } }
		_ = json.Unmarshal(body, &in)
		for _, e := range in.Entries {
			s.report("eventbridge", []byte(e.Detail))
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_ = json.NewEncoder(w).Encode(map[string]any{"FailedEntryCount": 0, "Entries": make([]struct{ EventId string }, len(in.Entries))})
	default:
		form, _ := url.ParseQuery(string(body))
		for i := 1; form.Has(fmt.Sprintf("MessageAttributes.entry.%d.Name", i)); i++ {
			if form.Get(fmt.Sprintf("MessageAttributes.entry.%d.Name", i)) == "alert" {
				s.report("sns", []byte(form.Get(fmt.Sprintf("MessageAttributes.entry.%d.Value.StringValue", i))))
			}
		}
		_, _ = io.WriteString(w, `<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
	}
}

func (s *receiver) report(output string, text []byte) {
	var a struct{ State, Rule, Destination string }
	_ = json.Unmarshal(text, &a)
	s.reports[output] = append(s.reports[output], a.State+" "+a.Rule+" "+a.Destination)
}

// of returns the reports to an output so far.
func (s *receiver) of(output string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reports[output])
}

func (s *receiver) metrics(body []byte) {
	v, err := cbor.Decode(body)
	if err != nil {
		return
	}
	for _, d := range v.(cbor.Map)["MetricData"].(cbor.List) {
		d := d.(cbor.Map)
		key := string(d["MetricName"].(cbor.String))
		if dims, ok := d["Dimensions"].(cbor.List); ok {
			key += " " + string(dims[0].(cbor.Map)["Value"].(cbor.String))
		}
		n, _ := cbor.AsFloat64(d["Value"])
		s.sums[key] += n
	}
}

// TestAlertsAreSent: each output of a replay gets the alerts that are its events, and CloudWatch the bytes of its records that are not
// allowed.
func TestAlertsAreSent(t *testing.T) {
	s, url := openReceiver(t)
	policy := policyFile(t, "allow:\n  - {to: ['*.example.com'], ports: [443]}\nalert: {not-allowed: {}}\n")
	eve, records, dir := eveFile(t), filepath.Join(t.TempDir(), "flows.log"), t.TempDir()
	r := runHere(t, "replay", "--policy", policy, "--eve", eve, "--flowlog", records, "--flowlog-format", "${x-payload-bytes} ${x-policy-verdict} ${x-initiator}",
		"--alert", "eve", "--alert", "webhook:"+url+"/hook?secret", "--alert", "sns:arn:aws:sns:eu-west-1:111122223333:alerts", "--alert", "eventbridge:default",
		"--alert", "parquet:"+filepath.Join(dir, "alerts"), "--alert", "exec:cat", "--cloudwatch-metrics", "Mirrorsink", "--spool", filepath.Join(dir, "spool"),
		testdata("mirror-http.pcap"), testdata("mirror-tls.pcap"))
	require.Equal(t, exitOK, r.code, r.stderr)
	require.NotContains(t, r.stderr, "secret")
	var want []string
	for _, e := range readEvents(t, eve) {
		if e["event_type"] == "alert" {
			m := e["alert"].(map[string]any)["metadata"].(map[string]any)
			want = append(want, fmt.Sprint(m["state"].([]any)[0], " ", m["rule"].([]any)[0], " ", m["destination"].([]any)[0]))
		}
	}
	require.NotEmpty(t, want)
	slices.Sort(want)
	for _, output := range []string{"webhook", "sns", "eventbridge"} {
		slices.Sort(s.reports[output])
		assert.Equal(t, want, s.reports[output], output)
	}
	for _, output := range []string{"webhook", "sns", "eventbridge", "parquet", "exec"} {
		assert.Regexp(t, fmt.Sprintf(`alerts to %s +%d sent, 0 refused, 0 dropped, 0 waiting`, output, len(want)), r.stderr)
	}
	opened, bytes := 0, 0
	for _, line := range want {
		if strings.HasPrefix(line, "opened") {
			opened++
		}
	}
	for _, line := range linesOf(readFile(t, records))[1:] {
		var n int
		var verdict, initiator string
		_, _ = fmt.Sscan(line, &n, &verdict, &initiator)
		if verdict == "not-allowed" && initiator == "src" {
			bytes += n
		}
	}
	assert.InDelta(t, opened, s.sums["Alerts"], 0)
	assert.InDelta(t, opened, s.sums["Alerts not-allowed"], 0)
	require.Positive(t, bytes)
	assert.InDelta(t, bytes, s.sums["NotAllowedBytes"], 0)
}

// TestSumsWithoutAlerts: the bytes are counted for a policy without alerts too.
func TestSumsWithoutAlerts(t *testing.T) {
	s, _ := openReceiver(t)
	policy := policyFile(t, "allow: []\nworkloads: {web: {cidr: 10.0.0.0/8}}\n")
	r := runHere(t, "replay", "--policy", policy, "--eve", eveFile(t), "--cloudwatch-metrics", "Mirrorsink", testdata("mirror-tls.pcap"))
	require.Equal(t, exitOK, r.code, r.stderr)
	require.Positive(t, s.sums["NotAllowedBytes"])
	require.InDelta(t, s.sums["NotAllowedBytes"], s.sums["NotAllowedBytes web"], 0)
}

// TestReceivedSums: without a policy CloudWatch gets what was received, and the same with the dimensions that were asked for.
func TestReceivedSums(t *testing.T) {
	server, _ := openReceiver(t)
	s := startListen(t, "--eve", eveFile(t), "--cloudwatch-metrics", "Mirrorsink", "--cloudwatch-dimension", "AutoScalingGroupName=sinks")
	sent := s.send(testdata("plain-dns.pcap"), "--speed=0")
	received := s.awaitAll(sent)
	require.Equal(t, exitOK, s.end(), s.stderr.String())
	server.mu.Lock()
	defer server.mu.Unlock()
	for _, with := range []string{"", " sinks"} {
		require.InDelta(t, sent, server.sums["ReceivedPackets"+with]+float64(received["mirrorsink_kernel_drops_total"]), 0)
		require.InDelta(t, received["mirrorsink_received_bytes_total"], server.sums["ReceivedBytes"+with], 0)
		require.Contains(t, server.sums, "SpoolBytes"+with)
		require.Contains(t, server.sums, "ReceiveDrops"+with)
	}
}

// TestAlertFlags: outputs that cannot be are mistakes of the command line, found before anything is read.
func TestAlertFlags(t *testing.T) {
	policy := policyFile(t, "allow: []\n")
	for want, args := range map[string][]string{
		`--alert "mail:me": want eve, sns:ARN, webhook:URL`:                {"--alert", "mail:me"},
		`--alert "parquet:": want`:                                         {"--alert", "parquet:"},
		`--alert eve is given twice`:                                       {"--alert", "eve", "--alert", "eve"},
		`--alert sns: want the ARN of a topic`:                             {"--alert", "sns:alerts"},
		`--alert webhook: want an address`:                                 {"--alert", "webhook:host"},
		`--alert parquet:"s3://B": "B" is not a name of a bucket`:          {"--alert", "parquet:s3://B"},
		`--cloudwatch-metrics "AWS/EC2": want a namespace`:                 {"--cloudwatch-metrics", "AWS/EC2"},
		`--cloudwatch-metrics "a b": want a namespace`:                     {"--cloudwatch-metrics", "a b"},
		`--cloudwatch-dimension "sinks": want NAME=VALUE`:                  {"--cloudwatch-metrics", "A", "--cloudwatch-dimension", "sinks"},
		`--cloudwatch-dimension does nothing without --cloudwatch-metrics`: {"--cloudwatch-dimension", "a=b"},
	} {
		r := runHere(t, append(append([]string{"replay", "--policy", policy, "--eve", eveFile(t)}, args...), testdata("mirror-tls.pcap"))...)
		require.Contains(t, r.stderr, want)
		require.NotEqual(t, exitOK, r.code)
		oneLine(t, r.stderr)
	}
	r := runHere(t, "replay", "--alert", "eve", testdata("mirror-tls.pcap"))
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "--alert does nothing without --policy")
}
