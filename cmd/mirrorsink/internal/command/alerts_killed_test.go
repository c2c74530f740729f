package command

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/testdata/realserver"
)

// TestAlertSurvivesAKill: SNS is gone, then throttles, while a sink finds an alert. The process is killed meanwhile. The next one sends the alert
// once, and counts it.
func TestAlertSurvivesAKill(t *testing.T) {
	needsLinux(t)
	var asked, published atomic.Int64
	var up atomic.Bool
	sns := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		switch n := asked.Add(1); {
		case up.Load() && strings.Contains(form.Get("Subject"), "203.0.113.7"):
			published.Add(1)
			_, _ = io.WriteString(w, `<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
		case n == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`)
		}
	}))
	defer sns.Close()
	realserver.UseAWS(t, sns.URL)
	policy, spool := policyFile(t, "allow: []\nalert: {exfiltration: {bytes: 100kB, within: 5m}}\n"), filepath.Join(t.TempDir(), "spool")
	inventory := filepath.Join(t.TempDir(), "inventory.json")
	writeInventory(t, inventory, &sessions.Inventory{Format: sessions.InventoryFormat, Entries: []sessions.Entry{{
		Outer: netip.MustParseAddr("127.0.0.1"), VNI: 7, Session: "tms-1", Interface: "eni-7", Instance: "i-7", Addresses: []netip.Addr{sceneHost},
	}}})
	start := func() (*exec.Cmd, *running) {
		cmd := program(t, "listen", "--listen=127.0.0.1:0", "--metrics=127.0.0.1:0", "--workers=1", "--policy", policy, "--inventory", inventory, "--spool", spool,
			"--alert=sns:arn:aws:sns:eu-west-1:111122223333:egress")
		s := &running{t: t}
		cmd.Stderr = &s.stderr
		require.NoError(t, cmd.Start())
		s.udp = s.stderr.await(t, `msg=receiving address=(\S+)`)
		s.metrics = s.stderr.await(t, `what=metrics address=(\S+)`)
		return cmd, s
	}
	cmd, s := start()
	capture := newScene(t)
	capture.upload(0, sceneServer, 443, 150_000)
	s.send(capture.file(), "--speed=1", "--vni=7", "--source=127.0.0.1")
	count := func(name string) uint64 { return s.scrape().sum("mirrorsink_alerts_" + name) }
	require.Eventually(t, func() bool { return count("failed_total") >= 2 }, testTimeout, 50*time.Millisecond)
	require.EqualValues(t, 1, count("taken_total"))
	require.EqualValues(t, 1, count("waiting"))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	up.Store(true)
	cmd, s = start()
	require.Eventually(t, func() bool { return count("sent_total") == 1 }, testTimeout, 50*time.Millisecond)
	require.EqualValues(t, 1, count("taken_total"))
	require.Zero(t, count("waiting")+count("refused_total")+count("dropped_total"))
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), s.stderr.String())
	require.EqualValues(t, 1, published.Load())
}
