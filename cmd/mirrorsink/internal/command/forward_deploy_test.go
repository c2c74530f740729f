package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/forwarding"
)

// suricataFile returns a file of deploy/suricata.
func suricataFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "deploy", "suricata", name))
	require.NoError(t, err)
	return string(text)
}

// parseListen reads the flags of a command line of listen.
func parseListen(t *testing.T, args []string) *listenOptions {
	t.Helper()
	opts := defaultListenOptions()
	cmd := &cobra.Command{}
	opts.addTo(cmd.Flags())
	require.NoError(t, cmd.ParseFlags(args), args)
	opts.setWorkers(cmd.Flags().Changed("workers"))
	require.NoError(t, opts.check(cmd.Flags().Changed), args)
	return opts
}

func TestUnitAndSuricataFitTogether(t *testing.T) {
	unit := suricataFile(t, "mirrorsink-suricata.conf")
	args := startedBy(t, systemdFile(t, "mirrorsink.service"), unit)
	require.Equal(t, "listen", args[0])
	opts := parseListen(t, args[1:])

	var suricata struct {
		AFPacket []map[string]any `yaml:"af-packet"`
		PcapFile map[string]any   `yaml:"pcap-file"`
		VLAN     map[string]any
		Stream   map[string]any
		Outputs  []map[string]map[string]any
	}
	fragment := suricataFile(t, "suricata-mirrorsink.yaml")
	assert.True(t, strings.HasPrefix(fragment, "%YAML 1.1\n---\n"), "Suricata takes no include that begins otherwise")
	require.NoError(t, yaml.Unmarshal([]byte(strings.TrimPrefix(fragment, "%YAML 1.1\n")), &suricata))

	require.Len(t, opts.Forward.To, 1)
	tap := opts.Forward.To[0]
	assert.Equal(t, forwarding.TapTarget, tap.Kind)
	require.Len(t, suricata.AFPacket, 1)
	assert.Equal(t, tap.Place, suricata.AFPacket[0]["interface"])
	assert.Equal(t, []string{"CAP_NET_ADMIN"}, unitLines(unit, "AmbientCapabilities"))
	assert.Equal(t, unitLines(unit, "AmbientCapabilities"), unitLines(unit, "CapabilityBoundingSet"))
	assert.Contains(t, unitLines(unit, "DeviceAllow"), "/dev/net/tun rw")

	assert.Equal(t, "fix", opts.Forward.Checksums.Word, "with keep Suricata must not look at them")
	assert.Equal(t, "yes", suricata.AFPacket[0]["checksum-checks"])
	assert.True(t, opts.Forward.VLAN.Auto())
	assert.True(t, strings.HasPrefix(opts.Forward.VLANFile, "/var/lib/"+unitLines(systemdFile(t, "mirrorsink.service"), "StateDirectory")[0]+"/"))
	assert.Equal(t, true, suricata.VLAN["use-for-tracking"])
	eve := suricata.Outputs[0]["eve-log"]
	assert.Equal(t, true, eve["community-id"])
	assert.EqualValues(t, 0, eve["community-id-seed"])

	assert.Contains(t, unitLines(unit, "Before"), "suricata.service")
	drop := suricataFile(t, "suricata.service.d.conf")
	assert.Equal(t, []string{"mirrorsink.service"}, unitLines(drop, "After"))
	assert.Contains(t, unitLines(drop, "ExecStart")[1], "--include /etc/suricata/suricata-mirrorsink.yaml")
}

// A file of the folder that Suricata watches must be whole before Suricata takes it.
func TestDocumentedRotationIsShorterThanSuricatasDelay(t *testing.T) {
	var suricata struct {
		PcapFile struct{ Delay int } `yaml:"pcap-file"`
	}
	fragment := strings.TrimPrefix(suricataFile(t, "suricata-mirrorsink.yaml"), "%YAML 1.1\n")
	require.NoError(t, yaml.Unmarshal([]byte(fragment), &suricata))
	found := regexp.MustCompile(`pcap:[^\s,]+,rotate=[0-9a-z]+`).FindAllString(suricataFile(t, "README.md"), -1)
	require.NotEmpty(t, found)
	for _, text := range found {
		spec, err := forwarding.ParseTarget(text)
		require.NoError(t, err)
		assert.Less(t, spec.Rotate, time.Duration(suricata.PcapFile.Delay)*time.Second)
	}
}
