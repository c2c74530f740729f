package eve_test

import (
	"fmt"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
)

// An event is one line.
func ExampleWriter_Append() {
	b := new(event.Batch)
	b.Events = append(b.Events, event.Event{
		Kind: event.Flow, IPProto: decap.UDP, SrcPort: 49152, DstPort: 123,
		Src: netip.MustParseAddr("10.0.1.7").As16(), Dst: netip.MustParseAddr("10.0.1.8").As16(),
	})
	var w eve.Writer
	line := w.Append(nil, b, &b.Events[0])
	fmt.Println(string(line[:175]))
	// Output: {"timestamp":"1970-01-01T00:00:00.000000+0000","flow_id":0,"event_type":"flow","src_ip":"10.0.1.7","src_port":49152,"dest_ip":"10.0.1.8","dest_port":123,"ip_v":4,"proto":"UDP"
}
