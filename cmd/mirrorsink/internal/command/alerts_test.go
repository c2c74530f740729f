package command

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// alertsOf returns the alert events of a replay of a capture, each as "state rule destination bytes". They are the same for any number of
// workers.
func alertsOf(t *testing.T, policy, capture string, args ...string) (all []string) {
	t.Helper()
	var first []string
	for i, workers := range []string{"1", "2", "5"} {
		eve := eveFile(t)
		r := runHere(t, append([]string{"replay", "--quiet", "--workers", workers, "--policy", policy, "--eve", eve, "--alert", "eve"}, append(args, capture)...)...)
		require.Equal(t, exitOK, r.code, r.stderr)
		all = all[:0]
		var texts []string
		for _, e := range readEvents(t, eve) {
			if e["event_type"] != "alert" {
				continue
			}
			m := e["alert"].(map[string]any)["metadata"].(map[string]any)
			text := func(key string) string { return m[key].([]any)[0].(string) }
			all = append(all, fmt.Sprintf("%s %s %s %s", text("state"), text("rule"), text("destination"), text("bytes")))
			texts = append(texts, fmt.Sprint(e))
		}
		if i == 0 {
			first = texts
		}
		require.Equal(t, first, texts, "%s workers", workers)
	}
	return all
}

const exfiltration = `
allow: [{to: ["*.s3.example.com"]}]
alert: {exfiltration: {bytes: 100kB, within: 5m, to: not-allowed}}
`

// TestExfiltration: more than the bytes of the policy in its span is one alert, however the bytes are divided among segments and connections;
// to an allowed name or service it is none.
func TestExfiltration(t *testing.T) {
	bucket := netip.MustParseAddr("198.51.100.9")
	ranges := filepath.Join(t.TempDir(), "ip-ranges.json")
	require.NoError(t, os.WriteFile(ranges, []byte(`{"syncToken": "1796000000", "createDate": "2026-11-30-00-00-00", "ipv6_prefixes": [],
		"prefixes": [{"ip_prefix": "198.51.100.0/24", "region": "eu-west-1", "service": "S3", "network_border_group": "eu-west-1"}]}`), 0o600))
	named := func(s *scene) { s.lookup(0, sceneResolver, "evil.example.net", sceneServer) }
	hundred := func(s *scene, server netip.Addr) {
		s.segmentSize = 9000
		for i := range 100 {
			s.upload(time.Duration(i+1)*time.Second, server, 443, 99_000)
		}
	}
	for name, c := range map[string]struct {
		make func(s *scene)
		want []string
	}{
		"at the bound": {func(s *scene) {
			named(s)
			s.upload(time.Second, sceneServer, 443, 50_000)
			s.upload(300*time.Second, sceneServer, 443, 50_000)
		}, nil},
		"above it": {func(s *scene) {
			named(s)
			s.upload(time.Second, sceneServer, 443, 50_000)
			s.upload(300*time.Second, sceneServer, 443, 50_001)
		}, []string{"opened exfiltration evil.example.net 100001"}},
		"later": {func(s *scene) {
			named(s)
			s.upload(time.Second, sceneServer, 443, 50_000)
			s.upload(302*time.Second, sceneServer, 443, 50_001)
		}, nil},
		"a hundred connections": {func(s *scene) {
			named(s)
			hundred(s, sceneServer)
		}, []string{"opened exfiltration evil.example.net 198000"}},
		"a hundred connections to an allowed name": {func(s *scene) {
			s.lookup(0, sceneResolver, "bucket.s3.example.com", bucket)
			hundred(s, bucket)
		}, nil},
		"a hundred connections to an allowed service": {func(s *scene) {
			s.lookup(0, sceneResolver, "evil.example.net", bucket)
			hundred(s, bucket)
		}, nil},
		"to many addresses of one name": {func(s *scene) {
			s.segmentSize = 9000
			for i := range 3 {
				server := netip.AddrFrom4([4]byte{203, 0, 113, byte(10 + i)})
				s.lookup(0, sceneResolver, "evil.example.net", server)
				s.upload(time.Duration(i+1)*time.Second, server, 443, 40_000)
			}
		}, []string{"opened exfiltration evil.example.net 120000"}},
		"a name that is known late": {func(s *scene) {
			s.later("evil.example.net")
		}, []string{"opened exfiltration evil.example.net 100330"}},
		"an allowed name that is known late": {func(s *scene) {
			s.later("bucket.s3.example.com")
			s.upload(20*time.Second, sceneServer, 443, 90_000)
		}, nil},
		"a name that is known at the end": {func(s *scene) {
			for i := range 101 {
				at := time.Duration(i/60) * 100 * time.Second // flows that are closed end after a minute
				f := s.connect(at, sceneServer, 80)
				f.say(at+10*time.Millisecond, append([]byte("GET / HTTP/1.1\r\nHost: evil.example.net\r\nCookie: "), bytes.Repeat([]byte{'x'}, 952)...))
				f.segment(at+5*time.Second, true, &layers.TCP{Seq: f.seq, Ack: f.ack, ACK: true, RST: true}, nil)
			}
		}, []string{"opened exfiltration evil.example.net 101000"}},
		"what the server sends": {func(s *scene) {
			named(s)
			f := s.connect(time.Second, sceneServer, 443)
			f.seq, f.ack = f.ack, f.seq
			for i := range 100 {
				f.segment(time.Second+time.Duration(i+3)*time.Millisecond, false, tcpData(f.seq, f.ack), make([]byte, 1400))
				f.seq += 1400
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			c.make(s)
			policy := policyFile(t, "allow: [{to: ['*.s3.example.com', aws:S3]}]\nalert: {exfiltration: {bytes: 100kB, within: 5m, to: not-allowed}}\n")
			require.Equal(t, c.want, alertsOf(t, policy, s.file(), "--aws-ip-ranges", ranges))
		})
	}
}

// later adds five connections, each of which sends 20 kB, half of it before its first request.
func (s *scene) later(name string) {
	for i := range 5 {
		at := time.Duration(3*i) * time.Second
		f := s.pickUp(sceneServer, 80)
		f.say(at, bytes.Repeat([]byte{0xfe}, 10_000))
		f.answer(at+100*time.Millisecond, []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		f.say(at+2*time.Second, []byte("POST / HTTP/1.1\r\nHost: "+name+"\r\nContent-Length: 10000\r\n\r\n"))
		f.say(at+2100*time.Millisecond, bytes.Repeat([]byte{0xfe}, 10_000))
	}
}

// TestEachByteCountsOnce: 100,000 bytes are no alert and one byte more is one, whatever copies there are of the packets: retransmissions, the
// mirrors of both ends, an interface that passes packets on, and mirrors of mirrors.
func TestEachByteCountsOnce(t *testing.T) {
	server, sink, outer := netip.MustParseAddr("10.0.1.5"), netip.MustParseAddr("10.9.9.9"), netip.MustParseAddr("10.8.8.8")
	mine := func(frame []byte) []byte { return mirrored(t, sceneHost, 7, frame) }
	other := func(frame []byte) []byte { return mirrored(t, server, 8, frame) }
	again := func(frame []byte) []byte { return mirrored(t, sink, 9, frame) }
	for name, c := range map[string]struct {
		wrap   func(frame []byte) [][]byte
		resend bool
	}{
		"plain":                    {func(frame []byte) [][]byte { return [][]byte{frame} }, false},
		"a mirror":                 {func(frame []byte) [][]byte { return [][]byte{mine(frame)} }, false},
		"retransmissions":          {func(frame []byte) [][]byte { return [][]byte{mine(frame)} }, true},
		"both ends":                {func(frame []byte) [][]byte { return [][]byte{mine(frame), other(frame)} }, false},
		"both ends, the other way": {func(frame []byte) [][]byte { return [][]byte{other(frame), mine(frame)} }, true},
		"an interface in between":  {func(frame []byte) [][]byte { return [][]byte{mine(frame), mine(frame)} }, false},
		"a mirror of the mirror":   {func(frame []byte) [][]byte { return [][]byte{mine(frame), again(mine(frame))} }, false},
		"which comes first":        {func(frame []byte) [][]byte { return [][]byte{again(mine(frame)), mine(frame)} }, true},
		"a mirror of both mirrors": {func(frame []byte) [][]byte {
			return [][]byte{mine(frame), other(frame), again(mine(frame)), again(other(frame))}
		}, false},
		"a mirror of that": {func(frame []byte) [][]byte {
			return [][]byte{mine(frame), again(mine(frame)), mirrored(t, outer, 10, again(mine(frame)))}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy := policyFile(t, "allow: []\nexempt: []\nalert: {exfiltration: {bytes: 100kB, within: 5m}}\n")
			for n, want := range map[int][]string{100_000: nil, 100_001: {"opened exfiltration 10.0.1.5 100001"}} {
				s := newScene(t)
				s.segmentSize, s.again = 8000, c.resend
				s.wrap = func(_ netip.Addr, frame []byte) [][]byte { return c.wrap(frame) }
				s.upload(time.Second, server, 8443, n)
				require.Equal(t, want, alertsOf(t, policy, s.file()), "%d bytes", n)
			}
		})
	}
}

// TestAlertKinds: each kind of alert of a policy is found in a capture, and nothing else is.
func TestAlertKinds(t *testing.T) {
	for kind, c := range map[string]struct {
		alert string
		make  func(s *scene)
		want  string
	}{
		"not-allowed": {"{}", func(s *scene) {
			s.lookup(0, sceneResolver, "evil.example.net", sceneServer)
			s.upload(time.Second, sceneServer, 443, 10)
		}, "not-allowed evil.example.net 10"},
		"direct-to-address": {"{}", func(s *scene) {
			s.lookup(0, sceneResolver, "ok.example.com", netip.MustParseAddr("203.0.113.8"))
			s.upload(time.Second, sceneServer, 443, 10)
			s.upload(time.Second, netip.MustParseAddr("203.0.113.8"), 443, 10)
		}, "direct-to-address 203.0.113.7 10"},
		"new-name": {"{learn: 1m}", func(s *scene) {
			for i, at := range []time.Duration{0, 30 * time.Second, 70 * time.Second} {
				server := netip.AddrFrom4([4]byte{203, 0, 113, byte(10 + i)})
				s.lookup(at, sceneResolver, fmt.Sprintf("n%d.example.com", i), server)
				s.upload(at+time.Second, server, 443, 10)
				s.upload(80*time.Second, server, 443, 10)
			}
		}, "new-name n2.example.com 10"},
		"beacon": {"{score: 0.8}", func(s *scene) {
			s.lookup(0, sceneResolver, "c2.example.net", sceneServer)
			for i := range 200 {
				s.upload(time.Duration(i)*5*time.Minute+time.Second, sceneServer, 443, 100)
			}
		}, "beacon c2.example.net"},
		"long-connection": {"{over: 1m}", func(s *scene) {
			f := s.connect(0, sceneServer, 443)
			for i := range 4 {
				f.say(time.Duration(i)*25*time.Second, []byte("hello"))
			}
			s.upload(0, netip.MustParseAddr("203.0.113.8"), 443, 10)
		}, "long-connection 203.0.113.7 5"},
		"dns-tunnel": {"{subdomains: 20}", func(s *scene) {
			for i := range 20 {
				s.lookup(time.Duration(i)*time.Second, sceneResolver, fmt.Sprintf("x%d.tunnel.example.net", i), netip.Addr{})
				s.lookup(time.Duration(i)*time.Second, sceneResolver, "x.other.test", netip.Addr{})
			}
		}, "dns-tunnel example.net 0"},
		"management-port": {"{}", func(s *scene) {
			s.upload(0, sceneServer, 22, 10)
			s.upload(0, sceneServer, 443, 10)
			s.upload(0, netip.MustParseAddr("10.0.0.9"), 22, 10)
		}, "management-port 203.0.113.7 10"},
		"cleartext-credentials": {"{}", func(s *scene) {
			secret := base64.StdEncoding.EncodeToString([]byte("user:password"))
			for i, header := range []string{"Authorization: Basic " + secret, "Authorization: Bearer " + secret} {
				f := s.connect(0, netip.AddrFrom4([4]byte{203, 0, 113, byte(7 + i)}), 80)
				f.say(3*time.Millisecond, []byte("GET / HTTP/1.1\r\nHost: www.example.com\r\n"+header+"\r\n\r\n"))
			}
			f := s.connect(0, sceneServer, 143)
			f.segment(2*time.Millisecond, false, tcpData(f.ack, f.seq), []byte("* OK IMAP4rev1 ready\r\n"))
			f.ack += 22
			f.say(3*time.Millisecond, []byte("a1 LOGIN user password\r\n"))
		}, "cleartext-credentials"},
		"resolver-bypass": {"{}", func(s *scene) {
			s.lookup(0, sceneResolver, "a.example.com", sceneServer)
			s.lookup(0, netip.MustParseAddr("203.0.113.53"), "a.example.com", sceneServer)
		}, "resolver-bypass 203.0.113.53"},
		"listed": {"{in: [203.0.113.0/29, '*.bad.test']}", func(s *scene) {
			s.upload(0, sceneServer, 443, 10)
			s.upload(0, netip.MustParseAddr("203.0.113.9"), 443, 10)
		}, "listed 203.0.113.7 10"},
		"any": {"{where: 'dstport == 8443 and payload_bytes > 5'}", func(s *scene) {
			s.upload(0, sceneServer, 8443, 10)
			s.upload(0, sceneServer, 443, 10)
		}, "any 203.0.113.7 10"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			policy := policyFile(t, "allow: [{to: '*.example.com'}]\nalert: {"+kind+": "+c.alert+"}\n")
			for _, mirror := range []bool{false, true} {
				s := newScene(t)
				if mirror {
					s.wrap = func(_ netip.Addr, frame []byte) [][]byte { return [][]byte{mirrored(t, sceneHost, 7, frame)} }
				}
				c.make(s)
				var opened []string
				for _, a := range alertsOf(t, policy, s.file()) {
					if rest, ok := strings.CutPrefix(a, "opened "); ok {
						opened = append(opened, rest)
					}
				}
				require.NotEmpty(t, opened)
				for _, a := range opened {
					require.True(t, strings.HasPrefix(a, c.want), "%s: %q", a, opened)
				}
			}
		})
	}
}

// TestLearntNamesSurvive: names of an earlier run are not new, and a file of something else is refused.
func TestLearntNamesSurvive(t *testing.T) {
	policy, state := policyFile(t, "allow: []\nalert: {new-name: {learn: 1m}}\n"), filepath.Join(t.TempDir(), "names")
	run := func(at time.Duration, names ...string) (result, string) {
		s, eve := newScene(t), eveFile(t)
		for i, name := range names {
			server := netip.AddrFrom4([4]byte{203, 0, 113, byte(10 + i)})
			s.lookup(at, sceneResolver, name, server)
			s.upload(at+time.Second, server, 443, 10)
		}
		r := runHere(t, "replay", "--policy", policy, "--policy-state", state, "--alert", "eve", "--quiet", "--eve", eve, s.file())
		text, err := os.ReadFile(eve)
		if r.code == exitOK {
			require.NoError(t, err)
		}
		return r, string(text)
	}
	_, first := run(0, "a.example.com")
	require.NotContains(t, first, `"alert"`)
	_, again := run(2*time.Hour, "a.example.com", "b.example.com")
	require.Equal(t, 1, strings.Count(again, `"event_type":"alert"`))
	require.Contains(t, again, `"destination":["b.example.com"]`)
	require.NoError(t, os.WriteFile(state, []byte("something else\n"), 0o600))
	refused, _ := run(0, "a.example.com")
	require.Equal(t, exitError, refused.code)
	require.Contains(t, refused.stderr, "--policy-state")
}

// TestAlertsFitSuricatasSchema: alert events are valid by Suricata's schema.
func TestAlertsFitSuricatasSchema(t *testing.T) {
	file := filepath.Join("..", "..", "..", "..", "..", "shared", "schema", "suricata-eve.schema.json")
	if _, err := os.Stat(file); err != nil {
		t.Skip("there is no schema")
	}
	schema, err := jsonschema.NewCompiler().Compile(file)
	require.NoError(t, err)
	s, eve := newScene(t), eveFile(t)
	s.upload(time.Second, sceneServer, 443, 200_000)
	runHere(t, "replay", "--policy", policyFile(t, exfiltration), "--alert", "eve", "--eve", eve, "--quiet", s.file())
	text, err := os.ReadFile(eve)
	require.NoError(t, err)
	found := 0
	for line := range strings.Lines(string(text)) {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		require.NoError(t, err)
		if v.(map[string]any)["event_type"] == "alert" {
			found++
			require.NoError(t, schema.Validate(v), line)
		}
	}
	require.Equal(t, 1, found)
}

// TestAlertsAreFoundAgain: the alerts of a replay are found in its records, by the policy and by the recorded verdicts, in each format.
func TestAlertsAreFoundAgain(t *testing.T) {
	s := newScene(t)
	s.wrap = func(_ netip.Addr, frame []byte) [][]byte { return [][]byte{mirrored(t, sceneHost, 7, frame)} }
	s.lookup(0, sceneResolver, "evil.example.net", sceneServer)
	for i := range 8 {
		s.upload(time.Duration(i)*30*time.Second+time.Second, sceneServer, 443, 20_000)
	}
	c2 := netip.MustParseAddr("203.0.113.99")
	s.lookup(0, sceneResolver, "c2.example.net", c2)
	for i := range 200 {
		s.upload(time.Duration(i)*5*time.Minute+time.Second, c2, 443, 100)
	}
	policy := policyFile(t, "allow: []\nalert: {exfiltration: {bytes: 100kB, within: 5m}, beacon: {score: 0.8}}\n")
	folder, lines, eve := t.TempDir(), filepath.Join(t.TempDir(), "flows.log"), eveFile(t)
	r := runHere(t, "replay", "--quiet", "--policy", policy, "--alert", "eve", "--eve", eve, "--parquet", folder, "--flowlog", lines, "--flowlog-format", "all", s.file())
	require.Equal(t, exitOK, r.code, r.stderr)
	text, err := os.ReadFile(eve)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(text), `"state":["opened"]`))
	require.Contains(t, string(text), `"destination":["evil.example.net"],"bytes":["120000"]`)
	for _, from := range []string{folder, lines, eve} {
		for _, with := range [][]string{nil, {"--policy", policy}} {
			r := runHere(t, append(append([]string{"report", "exfiltration", "--quiet", "-o", "csv"}, with...), from)...)
			require.Equal(t, exitFindings, r.code, r.stderr)
			require.Equal(t, 2, strings.Count(r.stdout, "\n"), "%s", r.stdout)
			require.Contains(t, r.stdout, "exfiltration,,10.0.0.1,evil.example.net,443,160000,")
			r = runHere(t, append(append([]string{"report", "beacons", "--quiet", "-o", "csv"}, with...), from)...)
			require.Equal(t, exitFindings, r.code, r.stderr)
			require.Equal(t, 2, strings.Count(r.stdout, "\n"), "%s", r.stdout)
			require.Contains(t, r.stdout, "beacon,,10.0.0.1,c2.example.net,443,")
		}
	}
	nothing := runHere(t, "report", "exfiltration", "--quiet", "-o", "csv", "--policy", policyFile(t, "allow: [{to: '*.example.net'}]\n"), folder)
	require.Equal(t, exitOK, nothing.code, nothing.stdout)
}

// TestOpenAlertsAcrossRuns: with --policy-state an alert that was open at the end of a run is updated or resolved by the next ones, with the
// same identity, and not opened again. Without it, it is.
func TestOpenAlertsAcrossRuns(t *testing.T) {
	policy := policyFile(t, "allow: []\nalert: {not-allowed: {}}\n")
	state := filepath.Join(t.TempDir(), "state")
	run := func(at time.Duration, args ...string) (reports []string) {
		s := newScene(t)
		s.lookup(at, sceneResolver, "evil.example.net", sceneServer)
		s.upload(at+time.Second, sceneServer, 443, 100)
		eve := eveFile(t)
		r := runHere(t, append([]string{"replay", "--quiet", "--policy", policy, "--eve", eve, "--alert", "eve"}, append(args, s.file())...)...)
		require.Equal(t, exitOK, r.code, r.stderr)
		for _, e := range readEvents(t, eve) {
			if e["event_type"] == "alert" {
				m := e["alert"].(map[string]any)["metadata"].(map[string]any)
				reports = append(reports, fmt.Sprint(m["state"], m["count"], m["first_seen"]))
			}
		}
		return reports
	}
	first := run(0, "--policy-state", state)
	require.Len(t, first, 1)
	since := strings.TrimPrefix(first[0], "[opened] [1] ")
	require.Equal(t, []string{"[updated] [2] " + since}, run(10*time.Minute, "--policy-state", state))
	later := run(3*time.Hour, "--policy-state", state)
	require.Len(t, later, 2)
	require.Equal(t, "[resolved] [2] "+since, later[0])
	require.Regexp(t, `^\[opened\] \[1\] `, later[1])
	require.Regexp(t, `^\[opened\] `, run(3*time.Hour + 10*time.Minute)[0])
}
