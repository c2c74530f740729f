package command

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/controls"
)

// endpoint is a destination as policy explain takes it, and as policy simulate shows it.
type endpoint struct {
	host     string
	port     int
	protocol string
}

func (e endpoint) String() string {
	if e.protocol == "udp" {
		return fmt.Sprintf("udp/%s:%d", e.host, e.port)
	}
	return fmt.Sprintf("%s:%d", e.host, e.port)
}

// record returns the flow log line of a flow to it that was seen whole.
func (e endpoint) record(source int) string {
	protocol, addr, facts := 6, e.host, "no_lookup - none - -"
	if e.protocol == "udp" {
		protocol = 17
	}
	if strings.ContainsAny(e.host, "abcdefghijklmnopqrstuvwxyz") {
		addr, facts = "203.0.113.200", fmt.Sprintf("- %[1]s sni %[1]s %[1]s", e.host)
	}
	return fmt.Sprintf("11 eni-1 10.0.1.1 %s %d %d %d 10 5000 1796000000 1796000010 egress ACCEPT OK src syn tls %s\n", addr, 40000+source, e.port, protocol, facts)
}

var drawEndpoint = rapid.Custom(func(t *rapid.T) endpoint {
	return endpoint{
		rapid.SampledFrom([]string{"example.com", "www.example.com", "a.b.example.com", "example.org", "192.0.2.7", "192.0.2.200", "198.51.100.1", "10.1.1.1"}).Draw(t, "host"),
		rapid.SampledFrom([]int{22, 80, 443, 8443}).Draw(t, "port"),
		rapid.SampledFrom([]string{"tcp", "udp"}).Draw(t, "protocol"),
	}
})

var drawRules = rapid.Custom(func(t *rapid.T) string {
	to := rapid.SampledFrom([]string{"*.example.com", ".example.com", "www.example.com", "example.org", "192.0.2.0/24", "192.0.2.7", "198.51.100.1", "private"})
	text := "workloads: {web: {cidr: 10.0.1.0/24}, other: {cidr: 10.0.2.0/24}}\nallow:\n"
	for range rapid.IntRange(1, 4).Draw(t, "rules") {
		text += fmt.Sprintf(
			"  - {from: %s, to: [%q]%s}\n", rapid.SampledFrom([]string{"web", "other", "any"}).Draw(t, "from"), to.Draw(t, "to"),
			rapid.SampledFrom([]string{"", ", ports: [443]", ", ports: [tcp/22, 80]", ", ports: [udp/443]", ", ports: [1-9000]"}).Draw(t, "ports"),
		)
	}
	return text
})

// TestExplainAgrees: of a destination policy explain says the verdict, the rule and what each control does as policy simulate does of a record
// of a flow to it.
func TestExplainAgrees(t *testing.T) {
	dir := t.TempDir()
	file, records := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "flows.log")
	rapid.Check(t, func(rt *rapid.T) {
		to := rapid.SliceOfNDistinct(drawEndpoint, 1, 6, endpoint.String).Draw(rt, "to")
		lines := "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end flow-direction action log-status " +
			"x-initiator x-initiator-reason x-app-proto x-direct-to-address x-name x-name-source x-sni x-dns-name\n"
		for i, e := range to {
			lines += e.record(i)
		}
		require.NoError(rt, os.WriteFile(file, []byte(drawRules.Draw(rt, "rules")), 0o600))
		require.NoError(rt, os.WriteFile(records, []byte(lines), 0o600))
		simulated := runHere(t, "policy", "simulate", file, "-o", "csv", "--rows", "0", "--quiet", records)
		rows, err := csv.NewReader(strings.NewReader(simulated.stdout)).ReadAll()
		require.NoError(rt, err, simulated.stderr)
		said := map[string]string{}
		for _, row := range rows[1:] {
			verdict := row[4] + " " + row[5] // the verdict and why: the rule of one that allows
			if row[4] != policy.Allowed.String() {
				verdict = row[4]
			}
			said[endpoint{row[1], atoi(rt, row[2]), row[3]}.String()] = verdict + " " + strings.Join(row[6:6+len(controls.Controls)], " ")
		}
		for _, e := range to {
			explained := runHere(t, "policy", "explain", file, "--from", "web", "--to", e.String())
			if strings.HasPrefix(explained.stdout, policy.Exempt.String()) {
				require.NotContains(rt, said, e.String()) // simulate leaves out what is no egress
				continue
			}
			require.Equal(rt, said[e.String()], summary(explained.stdout), "%s: %s", e, explained.stdout)
		}
	})
}

func atoi(t require.TestingT, text string) (n int) {
	_, err := fmt.Sscan(text, &n)
	require.NoError(t, err)
	return n
}

// summary returns the verdict that policy explain prints, the rule of one that allows, and the word of each control.
func summary(explained string) string {
	lines := strings.Split(strings.TrimSpace(explained), "\n")
	words := []string{strings.Trim(strings.Fields(lines[0])[0], ":")}
	if rule, ok := strings.CutPrefix(lines[0], "allowed by "); ok {
		words = append(words, rule)
	}
	for _, line := range lines[len(lines)-len(controls.Controls):] {
		words = append(words, strings.Fields(line)[1])
	}
	return strings.Join(words, " ")
}
