package forwarding

import (
	"cmp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

func TestTargets(t *testing.T) {
	plain := targetSpec{pcapng: true}
	for text, want := range map[string]func(*targetSpec){
		"iface:veth0":         func(s *targetSpec) { s.Kind, s.Place = ifaceTarget, "veth0" },
		"tap:suricata0":       func(s *targetSpec) { s.Kind, s.Place = TapTarget, "suricata0" },
		"vxlan:10.0.0.7:4789": func(s *targetSpec) { s.Kind, s.hosts = vxlanTarget, []string{"10.0.0.7:4789"} },
		"vxlan:a:1,[2001:db8::1]:2,health=22,vni=0": func(s *targetSpec) {
			s.Kind, s.hosts, s.health, s.setVNI = vxlanTarget, []string{"a:1", "[2001:db8::1]:2"}, 22, true
		},
		"pcap:/var/spool": func(s *targetSpec) { s.Kind, s.Place = pcapTarget, "/var/spool" },
		"pcap:-":          func(s *targetSpec) { s.Kind, s.Place = pcapTarget, "-" },
		"pcap:a,b":        func(s *targetSpec) { s.Kind, s.Place = pcapTarget, "a,b" },
		"pcap:a=b/c,size=1MiB": func(s *targetSpec) {
			s.Kind, s.Place, s.size = pcapTarget, "a=b/c", flags.MiB
		},
		"pcap:d,rotate=5m,size=75MB,format=pcap": func(s *targetSpec) {
			s.Kind, s.Place, s.Rotate, s.size, s.pcapng = pcapTarget, "d", 5*time.Minute, 75e6, false
		},
	} {
		got, err := ParseTarget(text)
		require.NoError(t, err, text)
		expected := plain
		expected.text = text
		want(&expected)
		if expected.Kind == pcapTarget && expected.Place != "-" {
			expected.Rotate, expected.size = cmp.Or(expected.Rotate, time.Minute), cmp.Or(expected.size, 512*flags.MiB)
		}
		assert.Equal(t, expected, got)
	}
}

func TestWrongTargetsSayWhatIsRight(t *testing.T) {
	for text, says := range map[string]string{
		"":                          "want iface:NAME, tap:NAME, vxlan:HOST:PORT",
		"veth0":                     "want iface:NAME",
		"iface":                     "want iface:NAME",
		"iface:":                    "want iface:NAME",
		"socket:x":                  "want iface:NAME",
		"iface:sixteen-letters-":    "cannot be an interface: want a name of at most 15",
		"iface:a,b":                 "cannot be an interface",
		"tap:tap%d":                 "cannot be an interface",
		"tap:..":                    "cannot be an interface",
		"vxlan:10.0.0.7":            `"10.0.0.7": want HOST:PORT`,
		"vxlan:10.0.0.7:0":          "want HOST:PORT",
		"vxlan::4789":               "want HOST:PORT",
		"vxlan:0.0.0.0:4789":        "want HOST:PORT",
		"vxlan:2001:db8::1:4789":    "want HOST:PORT",
		"vxlan:a:1,b":               `"b": want HOST:PORT`,
		"vxlan:vni=7":               "want iface:NAME",
		"vxlan:a:1,vni=16777216":    `vni: "16777216": want a VNI from 0 to 16777215`,
		"vxlan:a:1,health=0":        `health: "0": want a port from 1 to 65535`,
		"vxlan:a:1,vni=1,vni=2":     "vni is given twice",
		"vxlan:a:1,rotate=5m":       `unknown option "rotate": want vni or health`,
		"vxlan:a:1,vni=7,b:2":       `"vni=7": want HOST:PORT`,
		"pcap:":                     "want iface:NAME",
		"pcap:rotate=5m":            "want iface:NAME",
		"pcap:d,rotate=fast":        "rotate: \"fast\": want a time of at least 1s",
		"pcap:d,rotate=1ms":         "want a time of at least 1s",
		"pcap:d,size=1kB":           `size: "1kB": want at least 64KiB`,
		"pcap:d,size=much":          "want a size such as",
		"pcap:d,format=cap":         "want pcapng or pcap",
		"pcap:d,vni=3":              `unknown option "vni": want rotate, size or format`,
		"pcap:-,rotate=60s":         "rotate and size are for folders",
		"pcap:-,format=pcap,size=0": "want at least",
	} {
		_, err := ParseTarget(text)
		assert.ErrorContains(t, err, says, text)
	}
}

func TestOnePlaceHasOneTarget(t *testing.T) {
	for _, pair := range [][2]string{
		{"iface:a", "tap:a"},
		{"pcap:d", "pcap:./d/,format=pcap"},
		{"pcap:-", "pcap:-,format=pcap"},
		{"vxlan:a:1,b:2", "vxlan:b:2,vni=3"},
	} {
		var list TargetList
		require.NoError(t, list.Set(pair[0]))
		assert.ErrorContains(t, list.Set(pair[1]), "forwards there already", pair)
		assert.Len(t, list, 1)
	}
	var list TargetList
	assert.ErrorContains(t, list.Set("vxlan:a:1,a:1"), "is given twice")
	require.NoError(t, list.Replace([]string{"iface:a", "tap:b", "pcap:a", "vxlan:a:1", "vxlan:a:2", "pcap:-"}))
	assert.True(t, list.OnStdout())
	assert.Equal(t, "iface:a,tap:b,pcap:a,vxlan:a:1,vxlan:a:2,pcap:-", list.String())
}

func TestVLANPlan(t *testing.T) {
	for _, text := range []string{"auto", "off", "7=100", "7=100,16777215=4094"} {
		var p vlanPlan
		require.NoError(t, p.Set(text))
		assert.Equal(t, text, p.String())
		assert.Equal(t, text == "auto", p.Auto())
	}
	for _, text := range []string{"", "on", "7", "7=", "7=0", "7=4095", "16777216=1", "7=1,7=2", "7=1,,8=2"} {
		assert.Error(t, new(vlanPlan).Set(text), text)
	}
}

func TestReorderWindow(t *testing.T) {
	for text, want := range map[string]string{"off": "off", "5ms": "5ms,32", "1s,1": "1s,1", "100us,1024": "100µs,1024"} {
		var r reorder
		require.NoError(t, r.Set(text))
		assert.Equal(t, want, r.String())
	}
	for _, text := range []string{"", "on", "5", "0s", "-1ms", "2s", "5ms,0", "5ms,1025", "5ms,many", "5ms,1,2"} {
		assert.Error(t, new(reorder).Set(text), text)
	}
}

// What is printed as a default or in an error must be what can be given.
func TestForwardValuesPrintWhatTheyRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := reorder{time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(t, "time")), rapid.IntRange(1, maxReorder).Draw(t, "packets")}
		var again reorder
		require.NoError(t, again.Set(r.String()))
		assert.Equal(t, r, again)

		p := vlanPlan{fixed: rapid.MapOfN(rapid.Uint32Range(0, decap.MaxVNI), rapid.Uint16Range(1, tx.MaxVLAN), 1, 9).Draw(t, "tags")}
		var same vlanPlan
		require.NoError(t, same.Set(p.String()))
		assert.Equal(t, p, same)
	})
}
