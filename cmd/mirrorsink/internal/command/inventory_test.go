package command

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/inventory"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/lifecycle/lifecycletest"
	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// writeInventory writes an inventory to a file, in one step as one should.
func writeInventory(t *testing.T, path string, inv *sessions.Inventory) {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, inv.Write(&text))
	require.NoError(t, os.WriteFile(path+".new", text.Bytes(), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// accountOfCaptures serves the EC2 API of an account whose interface eni-app is mirrored, as in the mirror captures of testdata. It returns its URL.
func accountOfCaptures(t *testing.T) string {
	withoutAWS(t)
	ec2 := ec2test.New(ec2test.Account{
		Subnets:   []ec2test.Subnet{{ID: "subnet-1", VPC: "vpc-1", Zone: "eu-west-1a"}},
		Instances: []ec2test.Instance{{ID: "i-app", Tags: map[string]string{"Name": "app"}}},
		Interfaces: []ec2test.Interface{
			{ID: "eni-app", MAC: "02:00:00:00:01:10", Addresses: []netip.Addr{netip.MustParseAddr("10.0.1.10")}, Subnet: "subnet-1", Instance: "i-app"},
			{ID: "eni-sink", Addresses: []netip.Addr{netip.MustParseAddr("10.0.9.9")}, Subnet: "subnet-1"},
		},
		Targets:  []ec2test.Target{{ID: "tmt-1", Interface: "eni-sink"}},
		Filters:  []ec2test.Filter{{ID: "tmf-1"}},
		Sessions: []ec2test.Session{{ID: "tms-1", Interface: "eni-app", Target: "tmt-1", Filter: "tmf-1", Number: 1, VNI: 101}},
	})
	t.Cleanup(ec2.Close)
	t.Setenv("AWS_ENDPOINT_URL_EC2", ec2.URL)
	return ec2.URL
}

// TestOnAnInstanceWithARole: the README's command starts where there are no settings of AWS but an instance's metadata service, and records
// have the region, the account and the instance.
func TestOnAnInstanceWithARole(t *testing.T) {
	ec2 := accountOfCaptures(t)
	lifecycletest.New(t, lifecycletest.Settings{})
	t.Setenv("AWS_ENDPOINT_URL_EC2", ec2)
	s := startListen(t, "--inventory", "ec2", "--eve", eveFile(t), "--flowlog", filepath.Join(t.TempDir(), "flows.log"))
	require.Equal(t, exitOK, s.end(), s.stderr.String())
	flows := filepath.Join(t.TempDir(), "flows.log")
	r := runHere(t, "replay", "--inventory", "ec2", "--flowlog", flows, "--flowlog-format", "${region} ${account-id} ${instance-id}", testdata("mirror-both-ends.pcap"))
	require.Equal(t, exitOK, r.code, r.stderr)
	lines, err := os.ReadFile(flows)
	require.NoError(t, err)
	require.Contains(t, string(lines), "\neu-west-1 111122223333 i-app\n")
}

// TestReplayAsksEC2: through the SDK's client, whose endpoint and credentials are those of the environment.
func TestReplayAsksEC2(t *testing.T) {
	accountOfCaptures(t)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	eve := eveFile(t)
	r := runHere(t, "replay", "--inventory", "ec2", "--eve", eve, testdata("mirror-both-ends.pcap"))
	require.Equal(t, exitOK, r.code, r.stderr)
	ours := 0
	for _, e := range readEvents(t, eve) {
		m := e["mirror"].(map[string]any)
		if m["vni"] != float64(101) {
			assert.NotContains(t, m, "eni")
			continue
		}
		ours++
		for key, want := range map[string]string{"eni": "eni-app", "instance": "i-app", "vpc": "vpc-1", "subnet": "subnet-1", "account": "111122223333"} {
			assert.Equal(t, want, m[key])
		}
	}
	assert.NotZero(t, ours)
}

// withoutAWS takes away what the machine may know of AWS.
func withoutAWS(t *testing.T) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// ofCaptures is the inventory of the mirror captures of testdata: see make-captures.sh.
func ofCaptures() *sessions.Inventory {
	inv := &sessions.Inventory{Format: sessions.InventoryFormat, Region: "eu-west-1"}
	add := func(vni uint32, outer, mac, id string, secondary ...string) {
		e := sessions.Entry{
			Outer: netip.MustParseAddr(outer), VNI: vni, Session: "tms-" + id, Interface: "eni-" + id, Instance: "i-" + id, MAC: mac,
			VPC: "vpc-" + id, Subnet: "subnet-" + id, Account: "111122223333", Addresses: []netip.Addr{netip.MustParseAddr(outer)},
		}
		for _, a := range secondary {
			e.Addresses = append(e.Addresses, netip.MustParseAddr(a))
		}
		inv.Entries = append(inv.Entries, e)
	}
	add(101, "10.0.1.10", "02:00:00:00:01:10", "app", "2001:db8:a1::10")
	add(102, "10.0.2.10", "02:00:00:00:02:10", "web", "2001:db8:a2::10")
	add(201, "10.8.1.10", "02:00:00:00:01:10", "twin")
	return inv
}

// TestReplayWithInventory: each event says whose it is, and its direction is that of the client, by MAC address as by addresses.
func TestReplayWithInventory(t *testing.T) {
	captures, err := filepath.Glob(testdata("mirror-*.pcap"))
	require.NoError(t, err)
	require.NotEmpty(t, captures)
	own := map[string]string{}
	withoutMAC := ofCaptures()
	for i := range withoutMAC.Entries {
		e := &withoutMAC.Entries[i]
		e.MAC = ""
		for _, a := range e.Addresses {
			own[a.String()+" of "+e.Interface] = e.Interface
		}
	}
	for name, inv := range map[string]*sessions.Inventory{"by MAC": ofCaptures(), "by address": withoutMAC} {
		path, eve := filepath.Join(t.TempDir(), "inventory.json"), eveFile(t)
		writeInventory(t, path, inv)
		r := runHere(t, append([]string{"replay", "--inventory", path, "--eve", eve}, captures...)...)
		require.Equal(t, exitOK, r.code, r.stderr)
		assert.NotContains(t, r.stderr, "unattributed")
		ways := map[any]int{}
		for _, e := range readEvents(t, eve) {
			m := e["mirror"].(map[string]any)
			id := map[float64]string{101: "app", 102: "web", 201: "twin"}[m["vni"].(float64)]
			for _, key := range []string{"eni", "vpc", "subnet"} {
				require.Equal(t, key+"-"+id, m[key], "%s: %v", name, e)
			}
			require.Equal(t, "i-"+id, m["instance"])
			require.Equal(t, "111122223333", m["account"])
			ways[m["direction"]]++
			if own[e["src_ip"].(string)+" of eni-"+id] != "" {
				require.Equal(t, "egress", m["direction"], "%s: %v", name, e)
			}
			if own[e["dest_ip"].(string)+" of eni-"+id] != "" {
				require.Equal(t, "ingress", m["direction"], "%s: %v", name, e)
			}
		}
		assert.NotZero(t, ways["egress"], name)
		assert.NotZero(t, ways["ingress"], name)
	}
}

// TestRecordsOfBothEnds: of a connection that is mirrored at both ends the records of each name the other, by what the inventory
// knows.
func TestRecordsOfBothEnds(t *testing.T) {
	path, all, one := filepath.Join(t.TempDir(), "inventory.json"), ofCaptures(), ofCaptures()
	one.Entries = one.Entries[:1]
	for _, c := range []struct {
		inventory *sessions.Inventory
		want      map[string]string // by the interface and VNI of the record
	}{
		{all, map[string]string{"eni-app 101": "eni-web", "eni-web 102": "eni-app"}},
		{one, map[string]string{"eni-app 101": "102/10.0.2.10", "- 102": "eni-app"}},
		{&sessions.Inventory{Format: sessions.InventoryFormat}, map[string]string{"- 101": "102/10.0.2.10", "- 102": "101/10.0.1.10"}},
	} {
		writeInventory(t, path, c.inventory)
		lines := filepath.Join(t.TempDir(), "flow.log")
		r := runHere(t, "replay", "--quiet", "--inventory", path, "--flowlog", lines, "--flowlog-format",
			"log-status flow-direction interface-id x-vni x-paired", testdata("mirror-both-ends.pcap"))
		require.Equal(t, exitOK, r.code, r.stderr)
		text, err := os.ReadFile(lines)
		require.NoError(t, err)
		ways := map[string]int{}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if f[0] != "OK" {
				continue
			}
			ways[f[1]]++
			assert.Equal(t, c.want[f[2]+" "+f[3]], f[4], line)
		}
		assert.Equal(t, map[string]int{"egress": 2, "ingress": 2}, ways)
	}
}

func TestReplayCountsWhatTheInventoryDoesNotKnow(t *testing.T) {
	path, eve := filepath.Join(t.TempDir(), "inventory.json"), eveFile(t)
	inv := ofCaptures()
	inv.Entries = inv.Entries[:1]
	writeInventory(t, path, inv)
	r := runHere(t, "replay", "--inventory", path, "--eve", eve, testdata("mirror-both-ends.pcap"), testdata("plain-dns.pcap"))
	require.Equal(t, exitOK, r.code, r.stderr)
	assert.Regexp(t, `(?m)^unattributed +\d+ packets of mirror sessions that are not in the inventory$`, r.stderr)
	seen := map[bool]int{}
	for _, e := range readEvents(t, eve) {
		if m, mirrored := e["mirror"].(map[string]any); mirrored {
			_, known := m["eni"]
			assert.Equal(t, m["vni"] == float64(101), known)
			seen[known]++
		}
	}
	assert.NotZero(t, seen[true])
	assert.NotZero(t, seen[false])
}

// A wrong inventory is an error at the start, when nothing is lost yet.
func TestInventoryThatCannotBeHad(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	require.NoError(t, os.WriteFile(bad, []byte(`{"format":1,"sessions":[{"outer":"10.0.0.1","vni":16777216,"session":"tms-1","interface":"eni-1"}]}`), 0o600))
	withoutAWS(t)
	for from, says := range map[string]string{
		"/nonexistent/inventory.json": "inventory: open /nonexistent/inventory.json: no such file",
		bad:                           "inventory " + bad + `: sessions[0] "tms-1": vni 16777216: want 0 to 16777215`,
		t.TempDir():                   "is a directory",
		inventory.FromEC2:             "inventory from EC2: ",
	} {
		for _, args := range [][]string{
			{"listen", "--listen=127.0.0.1:0", "--metrics=off", "--eve", os.DevNull}, {"replay", "--eve", os.DevNull, testdata("plain-dns.pcap")},
		} {
			r := runHere(t, append(args, "--inventory", from)...)
			assert.Equal(t, exitError, r.code, from)
			assert.Contains(t, r.stderr, says)
			oneLine(t, r.stderr)
		}
	}
}

// On SIGHUP a changed inventory counts at once: packets of unknown sessions are attributed from then on.
func TestListenReadsItsInventoryAgain(t *testing.T) {
	needsLinux(t)
	eve, path := eveFile(t), filepath.Join(t.TempDir(), "inventory.json")
	known := func(vnis ...uint32) {
		inv := &sessions.Inventory{Format: sessions.InventoryFormat}
		for _, vni := range vnis {
			inv.Entries = append(inv.Entries, sessions.Entry{Outer: netip.MustParseAddr("127.0.0.1"), VNI: vni, Session: "tms-1", Interface: "eni-" + strconv.Itoa(int(vni))})
		}
		writeInventory(t, path, inv)
	}
	known(7)
	cmd := program(t, "listen", "--listen=127.0.0.1:0", "--metrics=127.0.0.1:0", "--workers=1", "--stats-interval=20ms", "--eve", eve,
		"--inventory", path, "--inventory-refresh=0")
	s := &running{t: t}
	cmd.Stderr = &s.stderr
	require.NoError(t, cmd.Start())
	s.udp = s.stderr.await(t, `msg=receiving address=(\S+)`)
	s.metrics = s.stderr.await(t, `what=metrics address=(\S+)`)
	require.Eventually(t, func() bool { // it is at work, and so are its handlers
		text, err := os.ReadFile(eve)
		return err == nil && bytes.Contains(text, []byte(`"event_type":"stats"`))
	}, testTimeout, 5*time.Millisecond)
	first := s.send(testdata("plain-http.pcap"), "--speed=0", "--vni=8", "--source=127.0.0.1")
	before := s.awaitAll(first)
	assert.NotZero(t, before["mirrorsink_unattributed_packets_total"])
	assert.EqualValues(t, 1, before["mirrorsink_inventory_sessions"])

	known(7, 8)
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return s.scrape()["mirrorsink_inventory_sessions"] == 2 }, testTimeout, 5*time.Millisecond)
	second := s.send(testdata("plain-dns.pcap"), "--speed=0", "--vni=8", "--source=127.0.0.1")
	after := s.awaitAll(first + second)
	assert.Equal(t, before["mirrorsink_unattributed_packets_total"], after["mirrorsink_unattributed_packets_total"])
	assert.NotZero(t, after["mirrorsink_inventory_loaded_timestamp_seconds"])

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), s.stderr.String())
	ended := 0
	for _, e := range readEvents(t, eve) {
		if e["event_type"] == "flow" {
			ended++
			assert.Equal(t, "eni-8", e["mirror"].(map[string]any)["eni"], "flows that began before it too: %v", e)
		}
	}
	assert.NotZero(t, ended)
}
