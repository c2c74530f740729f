package input_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report/input"
)

// read returns the records of standard input, and the errors of its lines.
func read(t require.TestingT, text string) (all []flowlog.Record, bad []string) {
	o := input.Opener{Stdin: strings.NewReader(text), BytesRead: new(atomic.Int64)}
	r, err := o.Open(input.File{Name: "-"})
	require.NoError(t, err)
	defer r.Close()
	for {
		var record flowlog.Record
		var line *flowlog.LineError
		switch err := r.Read(&record); {
		case errors.Is(err, io.EOF):
			return all, bad
		case errors.As(err, &line):
			bad = append(bad, err.Error())
		default:
			require.NoError(t, err)
			all = append(all, record)
		}
	}
}

// object is a JSON object.
type object = map[string]any

// event returns the line of a flow event.
func event(t require.TestingT, o object) string {
	o["event_type"] = "flow"
	b, err := json.Marshal(o)
	require.NoError(t, err)
	return string(b) + "\n"
}

// TestEventMakesTwoRecords: a flow event makes a record of each direction that has packets. The second has the ends, the
// counts and the flags of the other direction.
func TestEventMakesTwoRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		client, server := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("203.0.113.9")
		packets := [2]uint64{rapid.Uint64Range(0, 2).Draw(t, "to server"), rapid.Uint64Range(0, 2).Draw(t, "to client")}
		direction := rapid.SampledFrom([]string{"", "ingress", "egress"}).Draw(t, "direction")
		start := time.Unix(1764057600+rapid.Int64Range(0, 1000).Draw(t, "start"), 123456000).UTC()
		all, bad := read(t, event(t, object{
			"src_ip": client, "dest_ip": server, "src_port": 40000, "dest_port": 443, "proto": "TCP", "app_proto": "tls", "community_id": "1:x",
			"flow": object{
				"pkts_toserver": packets[0], "pkts_toclient": packets[1], "bytes_toserver": 100 * packets[0], "bytes_toclient": 1000 * packets[1],
				"start": start.Format("2006-01-02T15:04:05.000000-0700"), "end": start.Add(time.Minute).Format("2006-01-02T15:04:05.000000-0700"),
			},
			"tcp":    object{"tcp_flags_ts": "1b", "tcp_flags_tc": "12"},
			"mirror": object{"vni": 7, "eni": "eni-1", "instance": "i-1", "vpc": "vpc-1", "subnet": "subnet-1", "account": "1", "direction": direction, "truncated": true},
			"hint":   object{"name": "www.example.com", "name_source": "sni", "initiator_reason": "syn", "direct_to_address": "no_lookup", "completeness": 0.5},
		}))
		require.Empty(t, bad)
		request := flowlog.Record{
			AccountID: "1", InterfaceID: "eni-1", SrcAddr: client, DstAddr: server, SrcPort: 40000, DstPort: 443, Protocol: 6, Packets: packets[0], Bytes: 100 * packets[0],
			Start: start.Unix(), End: start.Unix() + 60, Action: "ACCEPT", LogStatus: "OK", VPCID: "vpc-1", SubnetID: "subnet-1", InstanceID: "i-1", TCPFlags: 0x1b,
			PktSrcAddr: client, PktDstAddr: server, FlowDirection: direction, Name: "www.example.com", NameSource: "sni", SNI: "www.example.com", AppProto: "tls",
			Initiator: "src", InitiatorReason: "syn", Unanswered: packets[1] == 0, DirectToAddress: "no_lookup", Completeness: 0.5, CommunityID: "1:x",
			VNI: 7, Mirrored: true, Truncated: true,
		}
		if request.Unanswered && direction == "egress" {
			request.Action = "" // what became of it is not known
		}
		reply := request
		reply.SrcAddr, reply.DstAddr, reply.PktSrcAddr, reply.PktDstAddr, reply.SrcPort, reply.DstPort = server, client, server, client, 443, 40000
		reply.Packets, reply.Bytes, reply.TCPFlags, reply.Initiator, reply.Action = packets[1], 1000*packets[1], 0x12, "dst", "ACCEPT"
		reply.FlowDirection = map[string]string{"": "", "ingress": "egress", "egress": "ingress"}[direction]
		var want []flowlog.Record
		for _, r := range []flowlog.Record{request, reply} {
			if r.Packets > 0 {
				want = append(want, r)
			}
		}
		require.Equal(t, want, all)
	})
}

const times = `"start":"2026-11-21T12:00:00.123456+0000","end":"2026-11-21T12:00:02.023456+0000"`

// flowLine returns a flow event with one packet, and with more keys.
func flowLine(more string) string {
	return `{"event_type":"flow","src_ip":"10.0.0.1","dest_ip":"203.0.113.9","flow":{"pkts_toserver":1,"bytes_toserver":100,` + times + `}` + more + "}\n"
}

// TestSuricataEvent: an event without the keys of this program has neither interface nor name, and an unknown completeness.
func TestSuricataEvent(t *testing.T) {
	all, bad := read(t, flowLine(`,"proto":"UDP"`))
	require.Empty(t, bad)
	require.Len(t, all, 1)
	assert.True(t, math.IsNaN(all[0].Completeness))
	assert.False(t, all[0].Mirrored)
	assert.Empty(t, all[0].InterfaceID+all[0].Name+all[0].SNI+all[0].Paired)
}

func TestEventProtocols(t *testing.T) {
	for proto, want := range map[string]uint8{"TCP": 6, "UDP": 17, "ICMP": 1, "IPv6-ICMP": 58, "SCTP": 132, "GRE": 47, "ESP": 50, "099": 99, "300": 0, "nonsense": 0, "": 0} {
		all, _ := read(t, flowLine(fmt.Sprintf(`,"proto":%q`, proto)))
		assert.Equal(t, want, all[0].Protocol, proto)
	}
}

// TestEventNames: a name is SNI or DNS name by its source, and the other end is named as in flow log lines.
func TestEventNames(t *testing.T) {
	for source, want := range map[string][2]string{"sni": {"n", ""}, "dns": {"", "n"}, "http_host": {"", ""}} {
		all, _ := read(t, flowLine(fmt.Sprintf(`,"hint":{"name":"n","name_source":%q}`, source)))
		assert.Equal(t, want, [2]string{all[0].SNI, all[0].DNSName}, source)
	}
	all, _ := read(t, flowLine(`,"mirror":{"paired_session":{"vni":102,"source":"10.0.2.10"}}`))
	assert.Equal(t, "102/10.0.2.10", all[0].Paired)
}

// TestOtherEventsAreSkipped: other events are skipped, whatever their keys hold, and so are empty lines and flows without packets.
func TestOtherEventsAreSkipped(t *testing.T) {
	all, bad := read(t, `{"event_type":"dns","src_ip":7,"flow":"x"}`+"\n\r\n  \n"+`{"event_type" : "stats"}`+"\n{}\n"+
		`{"event_type":"flow","src_ip":"10.0.0.1","dest_ip":"203.0.113.9","flow":{`+times+`}}`+"\n"+
		`{ "event_type" : "flow" , "src_ip":"10.0.0.1","dest_ip":"203.0.113.9","flow":{"pkts_toserver":3,`+times+`}}`)
	assert.Empty(t, bad)
	require.Len(t, all, 1)
	assert.Equal(t, uint64(3), all[0].Packets)
}

// TestMalformedEvents: each malformed line gives one error with its number, and the lines behind it are read.
func TestMalformedEvents(t *testing.T) {
	lines := []string{
		flowLine(""), "nonsense\n", `{"event_type":"flow","src_ip":"10.0.0.300"}` + "\n", `{"event_type":"flow","flow":{"start":"noon"}}` + "\n",
		`{"event_type":"flow","flow":{"start":"2026-11-21T12:00:00.1+0000","end":""}}` + "\n", `{"event_type":"flow"` + strings.Repeat(" ", 1<<20) + "}\n", flowLine(""),
	}
	all, bad := read(t, strings.Join(lines, ""))
	assert.Len(t, all, 2)
	require.Len(t, bad, 5)
	for i, want := range []string{"line 2: no EVE event: ", "line 3: no EVE event: ", `line 4: flow.start "noon": want a time`, `line 5: flow.end "": want a time`, "line 6: longer than 1048576 bytes"} {
		assert.Contains(t, bad[i], want)
		assert.NotContains(t, bad[i], "\n")
	}
}

// FuzzEvent: any line gives records or an error of one line, and records have packets.
func FuzzEvent(f *testing.F) {
	f.Add(flowLine(""))
	f.Add(flowLine(`,"mirror":{"vni":7,"direction":"egress","paired_session":{"vni":1,"source":"10.0.0.2"}},"hint":{"completeness":1}`))
	f.Add(`{"event_type":"flow","flow":{"pkts_toclient":18446744073709551615,` + times + `}}`)
	f.Fuzz(func(t *testing.T, line string) {
		all, bad := read(t, `{"event_type":"stats"}`+"\n"+line)
		for _, r := range all {
			if strings.HasPrefix(strings.TrimSpace(line), "{") {
				require.NotZero(t, r.Packets)
			}
		}
		for _, text := range bad {
			require.NotContains(t, text, "\n")
		}
	})
}
