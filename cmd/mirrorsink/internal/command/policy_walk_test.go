package command

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// walk runs the commands of a section of docs/policy.md in their order, in a folder of its own. Paths of a machine are paths in the folder,
// the inventory of EC2 is a file, and SNS is a stand-in.
type walk struct {
	t        *testing.T
	dir      string
	commands []string
}

// newWalk begins a section in a folder; "" is for a new one.
func newWalk(t *testing.T, page, title, dir string) *walk {
	_, section, ok := strings.Cut(page, "\n## "+title+"\n")
	require.True(t, ok, title)
	section, _, _ = strings.Cut(section, "\n##") // or a part of it, for what is beside the way
	w := &walk{t: t, dir: dir}
	if dir == "" {
		w.dir = t.TempDir()
		writeInventory(t, w.path("inventory.json"), &sessions.Inventory{Format: sessions.InventoryFormat, Entries: []sessions.Entry{{
			Outer: netip.MustParseAddr("127.0.0.1"), VNI: 7, Session: "tms-1", Interface: "eni-7", Instance: "i-7", Addresses: []netip.Addr{sceneHost},
			Tags: account.Tags{"role": "web"},
		}}})
	}
	for line := range strings.Lines(strings.ReplaceAll(section, "\\\n", " ")) {
		if command, ours := strings.CutPrefix(line, "    mirrorsink "); ours {
			w.commands = append(w.commands, strings.TrimSpace(command))
		}
	}
	if _, text, ok := strings.Cut(section, "```yaml\n"); ok {
		text, _, _ = strings.Cut(text, "```")
		require.NoError(t, os.WriteFile(w.path("policy.yaml"), []byte(text), 0o600))
	}
	return w
}

func (w *walk) path(name string) string { return filepath.Join(w.dir, name) }

// next takes the next command of the section, which begins with some words, and returns its arguments in the folder.
func (w *walk) next(begins string) (args []string, to string) {
	w.t.Helper()
	require.NotEmpty(w.t, w.commands, begins)
	line := w.commands[0]
	w.commands = w.commands[1:]
	require.True(w.t, strings.HasPrefix(line+" ", begins+" "), "%s: want %s", line, begins)
	if m := regexp.MustCompile(` > (\S+)$`).FindStringSubmatch(line); m != nil {
		to = w.path(m[1])
	}
	args = shellWords(line)
	for i, arg := range args {
		switch {
		case strings.HasPrefix(arg, "/var/"):
			args[i] = w.path(filepath.Base(arg))
		case arg == "policy.yaml":
			args[i] = w.path(arg)
		case arg == "ec2" && args[i-1] == "--inventory":
			args[i] = w.path("inventory.json")
		}
	}
	return args, to
}

// run runs the next command.
func (w *walk) run(begins string, code int) result {
	w.t.Helper()
	args, to := w.next(begins)
	r := runHere(w.t, args...)
	require.Equal(w.t, code, r.code, "%v: %s%s", args, r.stdout, r.stderr)
	if to != "" {
		require.NoError(w.t, os.WriteFile(to, []byte(r.stdout), 0o600))
	}
	return r
}

// listen runs the next command, which receives a capture until what was awaited has come.
func (w *walk) listen(s *scene, done func(*running) bool) {
	w.t.Helper()
	args, _ := w.next("listen")
	cmd := program(w.t, append(args, "--listen=127.0.0.1:0", "--metrics=127.0.0.1:0", "--workers=2", "--spool", w.path("spool"))...)
	if !slices.Contains(args, "--alert") {
		cmd.Args = slices.DeleteFunc(cmd.Args, func(arg string) bool { return arg == "--spool" || arg == w.path("spool") })
	}
	l := &running{t: w.t}
	cmd.Stderr = &l.stderr
	require.NoError(w.t, cmd.Start())
	l.udp = l.stderr.await(w.t, `msg=receiving address=(\S+)`)
	l.metrics = l.stderr.await(w.t, `what=metrics address=(\S+)`)
	l.send(s.file(), "--speed=1", "--vni=7", "--source=127.0.0.1")
	require.Eventually(w.t, func() bool { return done(l) }, testTimeout, 20*time.Millisecond, "%s", &l.stderr)
	require.NoError(w.t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(w.t, cmd.Wait(), l.stderr.String())
}

// TestPolicyWalk takes the three jobs of docs/policy.md from nothing to done, command by command.
func TestPolicyWalk(t *testing.T) {
	needsLinux(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "policy.md"))
	require.NoError(t, err)
	page := string(text)
	sns, _ := openReceiver(t)
	s := newScene(t)
	names := map[string]int{"www.example.com": 5_000, "api.example.com": 5_000, "evil.example.net": 150_000}
	for i, name := range []string{"www.example.com", "api.example.com", "evil.example.net"} {
		server := netip.AddrFrom4([4]byte{203, 0, 113, byte(7 + i)})
		s.lookup(0, sceneResolver, name, server)
		s.upload(time.Duration(i+1)*10*time.Millisecond, server, 443, names[name])
	}
	received := func(l *running) bool { return l.scrape().sum("mirrorsink_datagrams_total") >= uint64(len(s.frames)) }

	w := newWalk(t, page, "A mail when an instance sends too much", "")
	require.Contains(t, w.run("policy check", exitOK).stdout, "2 of 2 tests hold")
	w.listen(s, func(*running) bool { return len(sns.of("sns")) > 0 })
	require.Equal(t, []string{"opened exfiltration evil.example.net"}, sns.of("sns"))
	require.FileExists(t, w.path("alerts"))
	require.Regexp(t, `exfiltration +web +i-7 +evil\.example\.net`, w.run("report exfiltration", exitFindings).stdout)
	require.Empty(t, w.commands)

	third := newWalk(t, page, "What would Network Firewall block, and what would it cost", w.dir)
	simulated := third.run("policy simulate", exitFindings).stdout
	require.Regexp(t, `evil\.example\.net.*not-allowed`, simulated)
	require.Regexp(t, `www\.example\.com.*allowed`, simulated)
	explained := third.run("policy explain", exitOK).stdout
	require.Contains(t, explained, "allowed by allow-1")
	require.Regexp(t, `network-firewall.*pass`, explained)
	third.run("policy export", exitOK)
	rules, err := os.ReadFile(third.path("rules.json"))
	require.NoError(t, err)
	require.Contains(t, string(rules), "example.com")
	require.Contains(t, third.run("policy cost", exitOK).stdout, "576.70")
	require.Contains(t, third.run("report violations", exitFindings).stdout, "evil.example.net")
	require.Empty(t, third.commands)

	second := newWalk(t, page, "From two weeks of traffic to an allow list", "")
	second.listen(s, received)
	proposal := second.run("policy propose", exitOK).stdout
	for name := range names {
		require.Contains(t, proposal, name)
	}
	second.run("policy propose", exitOK)
	learnt, err := os.ReadFile(second.path("policy.yaml"))
	require.NoError(t, err)
	require.Equal(t, proposal, string(learnt), "there was nothing to add")
	second.run("policy check", exitOK)
	require.Contains(t, second.run("policy simulate", exitOK).stdout, "\nnot-allowed: 0 destinations, 0 flows")
	require.Empty(t, second.commands)
}
