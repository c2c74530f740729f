package command

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// TestListenAlerts: a live sink judges by the policy with the inventory's tags, sends alerts while traffic goes on, reads its policy again on
// SIGHUP, keeps the old one if the new one is bad, and saves what it has learnt.
func TestListenAlerts(t *testing.T) {
	needsLinux(t)
	eve, inventory, state := eveFile(t), filepath.Join(t.TempDir(), "inventory.json"), filepath.Join(t.TempDir(), "names")
	writeInventory(t, inventory, &sessions.Inventory{Format: sessions.InventoryFormat, Entries: []sessions.Entry{{
		Outer: netip.MustParseAddr("127.0.0.1"), VNI: 7, Session: "tms-1", Interface: "eni-7", Instance: "i-7", Addresses: []netip.Addr{sceneHost},
		Tags: account.Tags{"role": "web"},
	}}})
	const text = `
workloads: {web: {tags: {role: web}}}
allow: [{from: web, to: [ok.example.com]}]
alert: {exfiltration: {bytes: 100kB, within: 5m}, new-name: {}}
`
	policy := policyFile(t, text)
	cmd := program(t, "listen", "--listen=127.0.0.1:0", "--metrics=127.0.0.1:0", "--workers=2", "--stats-interval=20ms", "--eve", eve,
		"--inventory", inventory, "--policy", policy, "--policy-state", state, "--alert", "eve")
	s := &running{t: t}
	cmd.Stderr = &s.stderr
	require.NoError(t, cmd.Start())
	s.udp = s.stderr.await(t, `msg=receiving address=(\S+)`)
	s.metrics = s.stderr.await(t, `what=metrics address=(\S+)`)
	wrote := func(what string) func() bool {
		return func() bool {
			text, err := os.ReadFile(eve)
			return err == nil && bytes.Contains(text, []byte(what))
		}
	}
	require.Eventually(t, wrote(`"event_type":"stats"`), testTimeout, 5*time.Millisecond)

	capture := newScene(t)
	capture.lookup(0, sceneResolver, "evil.example.net", sceneServer)
	capture.upload(time.Millisecond, sceneServer, 443, 150_000)
	s.send(capture.file(), "--speed=1", "--vni=7", "--source=127.0.0.1")
	require.Eventually(t, wrote(`"destination":["evil.example.net"],"bytes":["150000"]`), testTimeout, 5*time.Millisecond)
	require.True(t, wrote(`"workload":["web"],"source":["i-7"]`)())
	require.EqualValues(t, 1, s.scrape()[`mirrorsink_alerts_total{state="opened"}`])

	require.NoError(t, os.WriteFile(policy, []byte("allow: [{to: nowhere.invalid}, {too: x}]\n"), 0o600))
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return s.scrape()[`mirrorsink_policy_reloads_total{result="failure"}`] == 1 }, testTimeout, 5*time.Millisecond)
	require.NoError(t, os.WriteFile(policy, []byte(text+"\nexempt: [203.0.113.0/24, private]\n"), 0o600))
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return s.scrape()[`mirrorsink_policy_reloads_total{result="success"}`] == 1 }, testTimeout, 5*time.Millisecond)

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), s.stderr.String())
	learnt, err := os.ReadFile(state)
	require.NoError(t, err)
	require.Contains(t, string(learnt), "evil.example.net")
	verdicts := map[any]bool{}
	for _, e := range readEvents(t, eve) {
		if hint, ok := e["hint"].(map[string]any); ok && e["event_type"] == "flow" {
			verdicts[hint["policy"].(map[string]any)["verdict"]] = true
		}
	}
	require.Equal(t, map[any]bool{"exempt": true}, verdicts, "flows that end are judged by the policy of then")
}
