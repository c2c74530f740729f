package command

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/testdata/realserver"
)

// defaultActions are what drop_established_app_layer_to_server does, as rules: a flow is dropped once its protocol and name are known, and
// what is neither TLS nor HTTP once its other end has answered.
const defaultActions = `
drop tls:client_hello_done any any -> any any (flow:to_server; msg:"tls"; sid:1;)
drop http1:request_headers any any -> any any (flow:to_server; msg:"http"; sid:2;)
drop http2:request_complete any any -> any any (flow:to_server; msg:"http2"; sid:3;)
drop tcp any any -> any any (flow:established,to_server; dsize:>0; app-layer-protocol:!tls; app-layer-protocol:!http; msg:"tcp"; sid:4;)
drop ip any any -> any any (flow:established,to_server; ip_proto:!6; msg:"other"; sid:5;)
`

const suricataConfig = `%YAML 1.1
---
vars: {address-groups: {HOME_NET: any}}
outputs:
  - eve-log: {enabled: yes, filetype: regular, filename: eve.json, community-id: true, types: [flow, alert]}
exception-policy: ignore
stream: {midstream: true, checksum-validation: no}
app-layer:
  protocols:
    tls: {enabled: yes, detection-ports: {dp: 443}}
    http: {enabled: yes}
    http2: {enabled: yes}
    ssh: {enabled: yes}
    smtp: {enabled: yes}
    dns: {tcp: {enabled: yes, detection-ports: {dp: 53}}, udp: {enabled: yes, detection-ports: {dp: 53}}}
`

// TestSuricataVerdicts: Suricata with the exported rules and the default actions of Network Firewall drops and passes what policy simulate says, flow
// by flow. The policy allows every second destination of a capture.
func TestSuricataVerdicts(t *testing.T) {
	suricata := realserver.Program(t, "suricata")
	home, err := os.Getwd()
	require.NoError(t, err)
	sum := map[string]int{}
	for _, name := range []string{"plain-tls.pcap", "plain-http.pcap", "plain-misc.pcap", "plain-dns.pcap"} {
		t.Chdir(t.TempDir())
		capture := filepath.Join(home, testdata(name))
		require.Zero(t, runHere(t, "replay", "--quiet", "--flowlog", "flows.log", "--flowlog-format", "all", capture).code)
		require.NoError(t, os.WriteFile("none.yaml", []byte("exempt: []\nallow: []\n"), 0o644))
		require.NoError(t, os.WriteFile("policy.yaml", everySecond(simulateFlows(t, "none.yaml")), 0o644))
		export := runHere(t, "policy", "export", "policy.yaml", "--as", "network-firewall-rules", "--home-net", "10.0.0.0/8", "--quiet")
		require.Zero(t, export.code, export.stderr)
		var group struct {
			RuleGroup struct{ RulesSource struct{ RulesString string } }
		}
		require.NoError(t, json.Unmarshal([]byte(export.stdout), &group))
		decided := droppedBy(t, suricata, capture, defaultActions)
		dropped := droppedBy(t, suricata, capture, group.RuleGroup.RulesSource.RulesString+defaultActions)
		for _, flow := range simulateFlows(t, "policy.yaml") {
			id := flow["community_id"]
			if !decided[id] {
				sum["nothing to drop"]++ // no payload, or nothing after an answer
				continue
			}
			want := map[bool]string{true: "block", false: "pass"}[dropped[id]]
			assert.Equal(t, want, flow["network-firewall"], "%s: %v", name, flow)
			sum[want]++
		}
	}
	t.Log(sum)
	require.Greater(t, sum["block"], 5)
	require.Greater(t, sum["pass"], 5)
}

// simulateFlows returns the rows of policy simulate by column.
func simulateFlows(t *testing.T, policy string) (flows []map[string]string) {
	r := runHere(t, "policy", "simulate", policy, "--each-flow", "-o", "csv", "--rows", "0", "flows.log")
	rows, err := csv.NewReader(strings.NewReader(r.stdout)).ReadAll()
	require.NoError(t, err, r.stderr)
	for _, row := range rows[1:] {
		flow := map[string]string{}
		for i, column := range rows[0] {
			flow[column] = row[i]
		}
		flows = append(flows, flow)
	}
	return flows
}

// everySecond returns a policy that allows every second destination of flows.
func everySecond(flows []map[string]string) []byte {
	text := "exempt: []\nallow:\n  - {to: [192.0.2.99]}\n"
	known := map[string]bool{}
	for _, f := range flows {
		entry := fmt.Sprintf("  - {to: [%q], ports: [%s/%s]}\n", f["destination"], f["protocol"], f["port"])
		if f["port"] == "" || known[entry] {
			continue
		}
		if known[entry] = true; len(known)%2 == 0 {
			text += entry
		}
	}
	return []byte(text)
}

// droppedBy returns the community IDs of the flows of a capture of which Suricata drops packets in IPS mode.
func droppedBy(t *testing.T, suricata, capture, rules string) map[string]bool {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules"), []byte(rules), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "yaml"), []byte(suricataConfig), 0o644))
	out, err := exec.Command(suricata, "-c", filepath.Join(dir, "yaml"), "-S", filepath.Join(dir, "rules"), "-l", dir, "-k", "none", "--simulate-ips", "-r", capture).CombinedOutput()
	require.NoError(t, err, "%s", out)
	log, err := os.ReadFile(filepath.Join(dir, "eve.json"))
	require.NoError(t, err, "%s", out)
	dropped := map[string]bool{}
	for line := range strings.Lines(string(log)) {
		var e struct {
			CommunityID string `json:"community_id"`
			Alert       struct{ Action string }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		if e.Alert.Action == "blocked" {
			dropped[e.CommunityID] = true
		}
	}
	return dropped
}
