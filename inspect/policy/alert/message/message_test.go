package message

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

var (
	sinkA = &Sink{Host: "sink-a", Account: "111122223333", Region: "eu-west-1"}
	sinkB = &Sink{Host: "sink-b", Account: "111122223333", Region: "eu-west-1"}
)

func example() *alert.Alert {
	return &alert.Alert{
		Key:  alert.Key{Rule: "exfiltration", Workload: "web", Source: "i-0123456789abcdef0", To: "evil.example"},
		Kind: policy.Exfiltration, Severity: policy.High, First: 1796000000e9, Last: 1796000060e9, Count: 3, Repeats: 2, Bytes: 198_000,
		Evidence: "198000 bytes within 5m0s, more than 100000", Interface: "eni-0123456789abcdef0", Account: "444455556666",
		Addr: netip.MustParseAddr("203.0.113.9"), Port: 443,
		Flows: []alert.FlowBytes{{ID: 7, Addr: netip.MustParseAddr("203.0.113.9"), Port: 443, Bytes: 99_000}},
	}
}

func TestMail(t *testing.T) {
	require.Equal(t, "mirrorsink exfiltration: web i-0123456789abcdef0 to evil.example", Subject(example()))
	require.Equal(t, `exfiltration: web i-0123456789abcdef0 to evil.example

What         198000 bytes within 5m0s, more than 100000 (opened, severity high)
Who          i-0123456789abcdef0
Workload     web
Interface    eni-0123456789abcdef0
Account      444455556666
Destination  evil.example
Address      203.0.113.9 port 443
Bytes        198.0 kB
First seen   2026-11-30T00:53:20Z
Last seen    2026-11-30T00:54:20Z, 3 times
Largest flows 99.0 kB to 203.0.113.9 port 443 (flow_id 7)

To look further, on the sink sink-a:
  mirrorsink report top --group name --group address --from -1h --where 'instance_id == "i-0123456789abcdef0"' FLOWS
`, Body(example(), sinkA))
}

// TestHostile: whatever a name is made of, each format stays within its limits and has no control characters of it.
func TestHostile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := example()
		text := rapid.OneOf(rapid.String(), rapid.StringN(200, 400, -1), rapid.SampledFrom([]string{"\x00\x1b[2J", "a\r\nBcc: x@y", "`$(id)`", "'; rm -rf /", "<!channel>", "\u202egnp.exe", "\xff\xfe"}))
		a.To, a.Source, a.Evidence = text.Draw(t, "to"), text.Draw(t, "source"), text.Draw(t, "evidence")
		if s := Subject(a); len(s) > maxSubject || strings.Trim(s, " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") != "" {
			t.Fatalf("subject %q", s)
		}
		body := Body(a, sinkA)
		if !utf8.ValidString(body) || strings.ContainsAny(body, "\x00\x1b\r\u202e") {
			t.Fatalf("body %q", body)
		}
		if _, command, ok := strings.Cut(body, "\n  mirrorsink report "); !ok || strings.Count(command, "'") != 2 || strings.ContainsAny(command, "`$;") {
			t.Fatalf("command %q", command)
		}
		for _, out := range [][]byte{JSON(a, sinkA), Slack(a, sinkA), Alertmanager([]*alert.Alert{a}, sinkA, time.Unix(1796000000, 0))} {
			if !json.Valid(out) || strings.ContainsAny(string(out), "\n\x00\x1b") {
				t.Fatalf("%q", out)
			}
		}
		if strings.Contains(string(Slack(a, sinkA)), "<!") {
			t.Fatal("a mention in Slack")
		}
		f, ok := SecurityHub(a, sinkA)
		if !ok || len(f.Title) > maxTitle || len(f.Description) > maxDescription {
			t.Fatalf("%+v", f)
		}
	})
}

// TestOneNotification: two sinks that see the same fact post the same labels, and the same finding.
func TestOneNotification(t *testing.T) {
	type posted struct {
		Labels map[string]string
		EndsAt string
	}
	labels := func(s *Sink, state alert.State) posted {
		a := example()
		a.State = state
		var list []posted
		require.NoError(t, json.Unmarshal(Alertmanager([]*alert.Alert{a}, s, time.Unix(1796009999, 0)), &list))
		return list[0]
	}
	require.Equal(t, labels(sinkA, alert.Opened), labels(sinkB, alert.Opened))
	require.Equal(t, "MirrorsinkExfiltration", labels(sinkA, alert.Opened).Labels["alertname"])
	require.Equal(t, "2026-11-30T00:54:20Z", labels(sinkA, alert.Resolved).EndsAt)
	fa, _ := SecurityHub(example(), sinkA)
	fb, _ := SecurityHub(example(), sinkB)
	require.Equal(t, fa.ID, fb.ID)
	require.Equal(t, Resource{"AwsEc2Instance", "arn:aws:ec2:eu-west-1:444455556666:instance/i-0123456789abcdef0"}, fa.Resources[0])
	_, ok := SecurityHub(example(), &Sink{})
	require.False(t, ok)
}

// TestDigest: a digest counts each alert once, shows the largest of the most severe first, and stays within the limits of mails and
// attributes, whatever the alerts are.
func TestDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d Digest
		n := rapid.IntRange(1, 200).Draw(t, "alerts")
		var worst *alert.Alert
		texts := rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "\x1b[2J", "<!channel>", "x\r\nBcc: y", strings.Repeat("é", 400)}), rapid.String())
		for range n {
			a := example()
			a.Rule, a.Workload, a.To = texts.Draw(t, "rule"), texts.Draw(t, "workload"), texts.Draw(t, "to")
			a.State = alert.State(rapid.IntRange(0, 2).Draw(t, "state"))
			a.Severity = policy.Severity(rapid.IntRange(1, 3).Draw(t, "severity"))
			a.Bytes = rapid.Uint64Range(0, 1e9).Draw(t, "bytes")
			d.Add(a)
			if worst == nil || larger(a, worst) < 0 {
				worst = a
			}
		}
		sum := d.others.Alerts
		for _, r := range d.Rules {
			sum += r.Alerts
		}
		require.Equal(t, []uint64{uint64(n), uint64(n), uint64(n)}, []uint64{sum, d.States[0] + d.States[1] + d.States[2], d.Alerts})
		require.True(t, len(d.Rules) <= maxRules && len(d.Largest) <= maxLargest)
		require.Zero(t, larger(worst, d.Largest[0]), "%v instead of %v", d.Largest[0], worst) // several may be equal
		for _, values := range d.Values() {
			require.LessOrEqual(t, len(values), maxValues)
		}
		subject, body := d.Subject(), d.Body(sinkA)
		if len(subject) > maxSubject || strings.ContainsAny(subject, "\r\n") || !utf8.ValidString(body) || strings.ContainsAny(body, "\x00\x1b\r\u202e") {
			t.Fatalf("%q %q", subject, body)
		}
		if s := d.Slack(sinkA); !json.Valid(s) || strings.Contains(string(s), "<!") || !json.Valid(d.JSON(sinkA)) {
			t.Fatalf("%q", s)
		}
	})
}

func TestDigestMail(t *testing.T) {
	var d Digest
	for i := range 3 {
		a := example()
		a.Source, a.Bytes = a.Source+string(rune('a'+i)), uint64(i)*1e6
		d.Add(a)
	}
	low := example()
	low.Rule, low.Severity, low.State, low.Bytes = "new-name", policy.Low, alert.Resolved, 9e9
	d.Add(low)
	require.Equal(t, "mirrorsink 4 alerts: 3 opened, 1 resolved", d.Subject())
	require.Equal(t, `4 alerts: 3 opened, 1 resolved

More came within a minute than a person reads, so they are in one message.

Rule                        opened   updated  resolved       bytes
exfiltration                     3         0         0      3.0 MB
new-name                         0         0         1         0 B

Sources      4
Destinations 1
First seen   2026-11-30T00:53:20Z
Last seen    2026-11-30T00:54:20Z

Largest
  high, opened: exfiltration: web i-0123456789abcdef0c to evil.example, 2.0 MB
  high, opened: exfiltration: web i-0123456789abcdef0b to evil.example, 1.0 MB
  high, opened: exfiltration: web i-0123456789abcdef0a to evil.example, 0 B
  low, resolved: new-name: web i-0123456789abcdef0 to evil.example, 9.0 GB

To look further, on the sink sink-a:
  mirrorsink report top --group instance --group name --from -1h FLOWS
`, d.Body(sinkA))
}
