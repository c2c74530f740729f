package controls

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/testdata/realserver"
)

// TestResolver: a resolver that forwards the names of the exported list alone answers those lookups that the column dns-firewall passes. The
// answers have a chain of CNAMEs that are on no list: as with TRUST_REDIRECTION_DOMAIN the name that was asked for decides.
func TestResolver(t *testing.T) {
	dnsmasq := realserver.Program(t, "dnsmasq")
	p := parse(t, `allow: [{to: [www.example.com, .example.org, "*.example.net", a.b.c.example, "any.", xn--bcher-kva.example]}]`)
	upstream := answerAll(t)
	var config strings.Builder
	port := freePort(t)
	fmt.Fprintf(&config, "no-resolv\nno-hosts\nno-daemon\nbind-interfaces\nlisten-address=127.0.0.1\nport=%d\npid-file=\nuser=\ncache-size=0\n", port)
	domains := strings.Fields(string(export(t, "dns-firewall", p).Text))
	for _, domain := range domains {
		fmt.Fprintf(&config, "server=/%s/127.0.0.1#%d\n", domain, upstream.Port())
		if !strings.HasPrefix(domain, "*") && !slices.Contains(domains, "*."+domain) { // to dnsmasq a domain has the names below it too
			fmt.Fprintf(&config, "local=/*.%s/\n", domain)
		}
	}
	file := filepath.Join(t.TempDir(), "dnsmasq.conf")
	require.NoError(t, os.WriteFile(file, []byte(config.String()), 0o644))
	cmd := exec.CommandContext(t.Context(), dnsmasq, "--conf-file="+file)
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	cmd.Stderr = said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, _ := os.ReadFile(said.Name()); t.Failed() {
			t.Logf("dnsmasq: %s", text)
		}
	})

	passed := 0
	for _, name := range []string{
		"www.example.com", "a.www.example.com", "example.com", "wwww.example.com", "example.org", "x.example.org", "a.b.example.org", "notexample.org",
		"example.net", "x.example.net", "a.b.example.net", "a.b.c.example", "x.a.b.c.example", "c.example", "any", "x.any", "xn--bcher-kva.example", "evil.example",
	} {
		f := &policy.Flow{Protocol: policy.TCP, Port: 443, Addr: netip.MustParseAddr("203.0.113.9"), Names: policy.Names{Lookups: []string{name}}}
		want := byDNSFirewall(p, f).Passes
		assert.Equal(t, want, resolves(t, port, name), "%s\n%s", name, config.String())
		if want {
			passed++
		}
	}
	require.Equal(t, 9, passed)
}

// resolves asks a resolver for a name, and reports whether it gives an address. It asks again until the resolver listens.
func resolves(t *testing.T, port int, name string) bool {
	question := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 1, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	query, err := question.Pack()
	require.NoError(t, err)
	conn, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err)
	defer conn.Close()
	buf := make([]byte, 1500)
	n := 0
	require.Eventually(t, func() bool {
		_, _ = conn.Write(query)
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, err = conn.Read(buf)
		return err == nil
	}, time.Minute, 10*time.Millisecond, "the resolver does not answer")
	var answer dnsmessage.Message
	require.NoError(t, answer.Unpack(buf[:n]))
	return len(answer.Answers) > 0
}

// answerAll starts a server that answers every question for an address with a chain of two CNAMEs.
func answerAll(t *testing.T) netip.AddrPort {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			name := m.Questions[0].Name
			head := func(of dnsmessage.Name, kind dnsmessage.Type) dnsmessage.ResourceHeader {
				return dnsmessage.ResourceHeader{Name: of, Type: kind, Class: dnsmessage.ClassINET, TTL: 60}
			}
			edge, node := dnsmessage.MustNewName("edge.cdn.invalid."), dnsmessage.MustNewName("node.cdn.invalid.")
			m.Answers = []dnsmessage.Resource{
				{Header: head(name, dnsmessage.TypeCNAME), Body: &dnsmessage.CNAMEResource{CNAME: edge}},
				{Header: head(edge, dnsmessage.TypeCNAME), Body: &dnsmessage.CNAMEResource{CNAME: node}},
				{Header: head(node, dnsmessage.TypeA), Body: &dnsmessage.AResource{A: [4]byte{203, 0, 113, 9}}},
			}
			if answer, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func freePort(t *testing.T) int {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}
