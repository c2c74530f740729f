package command

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/forwarding"
	"github.com/mirrorsink/mirrorsink/decap"
)

func TestForwardUsageErrors(t *testing.T) {
	to := "--forward=pcap:" + t.TempDir()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--forward", "veth0"}, "want iface:NAME"},
		{[]string{"--forward", "iface:a", "--forward", "tap:a"}, "interface a: iface:a forwards there already"},
		{[]string{"--forward-vlan", "off"}, "--forward-vlan: nothing is forwarded without --forward"},
		{[]string{"--forward-copies", "first"}, "--forward-copies: nothing is forwarded without --forward"},
		{[]string{"--forward-bypass", "tls"}, "--forward-bypass: nothing is forwarded without --forward"},
		{[]string{to, "--forward-vlan", "7"}, "want auto, off, or VNI=VLAN"},
		{[]string{to, "--forward-vlan", "off", "--forward-vlan-file", "f"}, "nothing to keep with --forward-vlan off"},
		{[]string{to, "--forward-copies", "last"}, "want first or both"},
		{[]string{to, "--forward-cut", "keep"}, "want fix or drop"},
		{[]string{to, "--forward-checksums", "drop"}, "want keep or fix"},
		{[]string{to, "--forward-oversize", "cut"}, "want drop or segment"},
		{[]string{to, "--forward-where", "bytes > 10"}, "--forward-where: column 1"},
		{[]string{to, "--forward-where", "prot == 17"}, "did you mean port"},
		{[]string{to, "--forward-bypass", "ssh"}, "want tls, quic, http or after SIZE"},
		{[]string{to, "--forward-bypass", "tls if nam == \"a\""}, "did you mean name"},
		{[]string{"--forward", "pcap:-", "--eve", "-"}, "events are written to standard output already"},
	} {
		for _, command := range [][]string{{"replay", testdata("plain-dns.pcap")}, {"listen"}} {
			r := runHere(t, append(command, c.args...)...)
			assert.Equal(t, exitUsage, r.code, c.args)
			assert.Contains(t, r.stderr, c.says)
			oneLine(t, r.stderr)
		}
	}
}

func TestFramesAreNotForwardedToOurselves(t *testing.T) {
	for to, listen := range map[string]string{
		"127.0.0.1:4789": "0.0.0.0:4789", "10.0.0.7:4790,127.0.0.2:4789": ":4789", "127.0.0.3:4790": "127.0.0.3:4790", "[::1]:4789": "[::]:4789",
	} {
		r := runHere(t, "listen", "--listen", listen, "--metrics=off", "--eve", eveFile(t), "--forward", "vxlan:"+to)
		assert.Equal(t, exitUsage, r.code, to)
		assert.Contains(t, r.stderr, "every frame would come back")
		oneLine(t, r.stderr)
	}
	for to, listen := range map[string]string{
		"127.0.0.1:4790": "0.0.0.0:4789", "127.0.0.1:4789": "127.0.0.2:4789", "192.0.2.7:4789": "0.0.0.0:4789", "sensor:4789": "0.0.0.0:4789", "127.0.0.1:1": "off",
	} {
		var a flags.Address
		require.NoError(t, a.Set(listen))
		var list forwarding.TargetList
		require.NoError(t, list.Set("vxlan:"+to))
		assert.NoError(t, list.CheckLoop(a), to)
	}
}

func TestForwardingReplayHasOneWorker(t *testing.T) {
	r := runHere(t, "replay", "--workers=2", "--forward=pcap:"+t.TempDir(), testdata("plain-dns.pcap"))
	assert.Equal(t, exitUsage, r.code)
	assert.Contains(t, r.stderr, "--workers 2: with --forward there is one")
	r = runHere(t, "replay", "--workers=1", "--eve="+eveFile(t), "--forward=pcap:"+t.TempDir(), testdata("plain-dns.pcap"))
	assert.Equal(t, exitOK, r.code, r.stderr)
}

// forwarded replays captures into a folder, and returns the frames that came there.
func forwarded(t *testing.T, args ...string) (frames []aFrame, stderr string) {
	t.Helper()
	dir := t.TempDir()
	r := runHere(t, append([]string{"replay", "--eve", eveFile(t), "--forward", "pcap:" + dir}, args...)...)
	require.Equal(t, exitOK, r.code, r.stderr)
	return forwardedFiles(t, dir), r.stderr
}

func TestFramesAreForwardedAsTheyWere(t *testing.T) {
	for _, name := range []string{"mirror-http.pcap", "mirror-tls.pcap", "mirror-misc.pcap", "mirror-dns.pcap"} {
		got, stderr := forwarded(t, testdata(name))
		sameFrames(t, captured(t, testdata(name)), got)
		assert.Regexp(t, `(?m)^forwarded +\d+ frames`, stderr)
		assert.Regexp(t, `(?m)^to pcap:.* \d+ frames, \d+ bytes; dropped: 0 queue_full, 0 down, 0 oversize$`, stderr)
		assert.NotContains(t, tagsOf(got), uint16(0))
	}
	got, _ := forwarded(t, testdata("plain-http.pcap"), "--forward-vlan=off")
	sameFrames(t, captured(t, testdata("plain-http.pcap")), got)
	got, _ = forwarded(t, testdata("mirror-http.pcap"), "--forward-vlan=101=77", "--forward-copies=both")
	require.NotEmpty(t, got)
	assert.EqualValues(t, 77, got[0].vlan)
}

func TestNetworksThatLookAlikeGetTagsOfTheirOwn(t *testing.T) {
	got, _ := forwarded(t, testdata("mirror-overlap.pcap"))
	sameFrames(t, captured(t, testdata("mirror-overlap.pcap")), got)
	assert.Len(t, tagsOf(got), 2)
	assert.NotContains(t, tagsOf(got), uint16(0))
}

// tagsOf returns the tags of frames.
func tagsOf(frames []aFrame) map[uint16]bool {
	tags := map[uint16]bool{}
	for _, f := range frames {
		tags[f.vlan] = true
	}
	return tags
}

// segmentOf names an IPv4 packet by what no router changes.
func segmentOf(frame string) [2]any {
	ip := []byte(frame[14:])
	header := int(ip[0]&0xf) * 4
	return [2]any{binary.BigEndian.Uint16(ip[4:]), string(ip[12:20]) + string(ip[header:])}
}

func TestWhatBothEndsSawIsForwardedOnce(t *testing.T) {
	file := testdata("mirror-both-ends.pcap")
	all := map[[2]any]bool{}
	for _, f := range captured(t, file) {
		if f.data[12:14] == "\x08\x00" {
			all[segmentOf(f.data)] = true
		}
	}
	require.NotEmpty(t, all)
	for _, side := range []uint32{101, 102} {
		for seed := range uint64(10) {
			dice := rand.New(rand.NewPCG(seed, 7))
			lossy := rewrite(t, file, func(_ int, p *decap.Packet) bool { return p.VNI != side || dice.Float64() >= 0.2 })
			got, _ := forwarded(t, lossy)
			seen := map[[2]any]int{}
			tags := map[uint16]bool{}
			for _, f := range got {
				if f.data[12:14] == "\x08\x00" {
					seen[segmentOf(f.data)]++
					tags[f.vlan] = true
				}
			}
			assert.Len(t, seen, len(all), "VNI %d, seed %d", side, seed)
			for packet, n := range seen {
				assert.Equal(t, 1, n, "%x", packet)
			}
			assert.Len(t, tags, 1, "a connection is in one network")
		}
	}
}

func TestTagsStayOverRestarts(t *testing.T) {
	state := filepath.Join(t.TempDir(), "vlans.json")
	first, _ := forwarded(t, testdata("mirror-overlap.pcap"), "--forward-vlan-file", state)
	only := rewrite(t, testdata("mirror-overlap.pcap"), func(_ int, p *decap.Packet) bool { return p.VNI == 201 })
	second, _ := forwarded(t, only, "--forward-vlan-file", state)
	require.NotEmpty(t, second)
	tagOf := map[string]uint16{}
	for _, f := range first {
		tagOf[f.data] = f.vlan
	}
	for _, f := range second {
		assert.Equal(t, tagOf[f.data], f.vlan)
	}
}

func TestListenForwardsIntoFiles(t *testing.T) {
	dir, eve := t.TempDir(), eveFile(t)
	s := startListen(t, "--eve", eve, "--forward", "pcap:"+dir+",format=pcap", "--workers=2", "--stats-interval=1h")
	sent := s.send(testdata("plain-http.pcap"), "--vni=7", "--speed=0", "--rate=20000")
	last := s.awaitAll(sent)
	assert.Equal(t, sent, last["mirrorsink_forward_passed_frames_total"]+last.sum("mirrorsink_forward_excluded_frames_total"))

	status, page := get("http://" + s.metrics + "/forward/vlans")
	require.Equal(t, http.StatusOK, status)
	var table []forwarding.VLANEntry
	require.NoError(t, json.Unmarshal([]byte(page), &table), page)
	require.Len(t, table, 1)
	tag := table[0].VLAN
	assert.NotZero(t, tag)
	assert.Equal(t, forwarding.VLANEntry{VLAN: tag, VNI: 7, Source: "127.0.0.1"}, table[0])

	require.Equal(t, exitOK, s.end(), s.stderr.String())
	frames := forwardedFiles(t, dir)
	sameFrames(t, captured(t, testdata("plain-http.pcap")), frames)
	assert.Equal(t, map[uint16]bool{tag: true}, tagsOf(frames))
	for _, e := range readEvents(t, eve) {
		mirror := e["mirror"].(map[string]any)
		if e["event_type"] == "stats" {
			assert.Contains(t, mirror, "forward")
			continue
		}
		assert.EqualValues(t, tag, mirror["vlan"], e)
	}
}

func TestNoTableOfTagsWithoutForwarding(t *testing.T) {
	s := startListen(t, "--eve", eveFile(t))
	status, _ := get("http://" + s.metrics + "/forward/vlans")
	assert.Equal(t, http.StatusNotFound, status)
}

func TestAFolderThatIsMissingIsSaidAtTheStart(t *testing.T) {
	for _, command := range [][]string{{"replay", testdata("plain-dns.pcap")}, {"listen", "--listen=127.0.0.1:0", "--metrics=off"}} {
		r := runHere(t, append(command, "--eve", eveFile(t), "--forward=pcap:"+filepath.Join(t.TempDir(), "none"))...)
		assert.Equal(t, exitError, r.code)
		assert.Contains(t, r.stderr, "create it first")
		oneLine(t, r.stderr)
	}
}

func TestForwardIntoAPipe(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out.pcapng"))
	require.NoError(t, err)
	old := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = old }()
	r := runHere(t, "replay", "--forward=pcap:-", testdata("mirror-dns.pcap"))
	require.Equal(t, exitOK, r.code, r.stderr)
	assert.Empty(t, r.stdout, "events would be among the frames")
	require.NoError(t, file.Close())
	sameFrames(t, captured(t, testdata("mirror-dns.pcap")), forwardedFiles(t, filepath.Dir(file.Name())))
}
