package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// eveReader reads the flow events of EVE lines. An event makes two records, one of each direction that has packets.
type eveReader struct {
	in    *bufio.Reader
	file  io.Closer
	line  int
	reply *row // the second record of the last event
}

// eveFlow is what is read of a flow event.
type eveFlow struct {
	SrcIP     netip.Addr `json:"src_ip"`
	DestIP    netip.Addr `json:"dest_ip"`
	SrcPort   uint16     `json:"src_port"`
	DestPort  uint16     `json:"dest_port"`
	Proto     string     `json:"proto"`
	AppProto  string     `json:"app_proto"`
	Community string     `json:"community_id"`
	Flow      struct {
		PktsToServer  uint64 `json:"pkts_toserver"`
		PktsToClient  uint64 `json:"pkts_toclient"`
		BytesToServer uint64 `json:"bytes_toserver"`
		BytesToClient uint64 `json:"bytes_toclient"`
		Start         string `json:"start"`
		End           string `json:"end"`
	} `json:"flow"`
	TCP struct {
		ToServer string `json:"tcp_flags_ts"`
		ToClient string `json:"tcp_flags_tc"`
	} `json:"tcp"`
	Mirror struct {
		VNI       *uint32 `json:"vni"`
		ENI       string  `json:"eni"`
		Instance  string  `json:"instance"`
		VPC       string  `json:"vpc"`
		Subnet    string  `json:"subnet"`
		Account   string  `json:"account"`
		Direction string  `json:"direction"`
		Paired    *eveTap `json:"paired_tap"`
		Truncated bool    `json:"truncated"`
	} `json:"mirror"`
	Hint struct {
		Name            string   `json:"name"`
		NameSource      string   `json:"name_source"`
		InitiatorReason string   `json:"initiator_reason"`
		Direct          string   `json:"direct_to_address"`
		Completeness    *float64 `json:"completeness"`
	} `json:"hint"`
}

// eveTap is a mirror session.
type eveTap struct {
	VNI    uint32     `json:"vni"`
	Source netip.Addr `json:"source"`
}

// flowEvent is in every flow event as Suricata and we write it. Of other lines the type alone is parsed, since what the same
// keys hold in other events differs.
var flowEvent = []byte(`"event_type":"flow"`)

// parse reads a line; ok says whether it is a flow event.
func (f *eveFlow) parse(line []byte) (ok bool, err error) {
	if !bytes.Contains(line, flowEvent) {
		var other struct {
			EventType string `json:"event_type"`
		}
		if err := json.Unmarshal(line, &other); err != nil || other.EventType != "flow" {
			return false, err
		}
	}
	return true, json.Unmarshal(line, f)
}

func (e *eveReader) read(r *row) error {
	if e.reply != nil {
		*r, e.reply = *e.reply, nil
		return nil
	}
	for {
		line, err := e.next()
		if err != nil {
			return err
		}
		var f eveFlow
		isFlow, err := f.parse(line)
		if err != nil {
			return &flowlog.LineError{Line: e.line, Err: fmt.Errorf("no EVE event: %w", err)}
		}
		if !isFlow {
			continue
		}
		there, back, err := f.rows()
		switch {
		case err != nil:
			return &flowlog.LineError{Line: e.line, Err: err}
		case there.Packets == 0 && back.Packets == 0:
			continue
		case there.Packets == 0:
			*r = back
			return nil
		case back.Packets > 0:
			e.reply = &back
		}
		*r = there
		return nil
	}
}

// next returns the next line that is not empty, valid until the one after.
func (e *eveReader) next() ([]byte, error) {
	for {
		line, err := e.in.ReadSlice('\n')
		if len(line) == 0 && err != nil {
			return nil, err
		}
		e.line++
		if errors.Is(err, bufio.ErrBufferFull) {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = e.in.ReadSlice('\n')
			}
			return nil, &flowlog.LineError{Line: e.line, Err: fmt.Errorf("longer than %d bytes", lineBuffer)}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

func (e *eveReader) close() error { return e.file.Close() }

// eveTime is Suricata's format of times.
const eveTime = "2006-01-02T15:04:05.999999-0700"

// rows returns the records of both directions.
func (f *eveFlow) rows() (there, back row, err error) {
	start, err := time.Parse(eveTime, f.Flow.Start)
	if err != nil {
		return there, back, fmt.Errorf("flow.start %.40q: want a time", f.Flow.Start)
	}
	end, err := time.Parse(eveTime, f.Flow.End)
	if err != nil {
		return there, back, fmt.Errorf("flow.end %.40q: want a time", f.Flow.End)
	}
	there = f.request()
	there.Start, there.End = start.Unix(), end.Unix()
	return there, f.reply(there), nil
}

// request returns the record of the client's packets, without its times.
func (f *eveFlow) request() (r row) {
	r.Record = flowlog.Record{
		AccountID: f.Mirror.Account, InterfaceID: f.Mirror.ENI, VPCID: f.Mirror.VPC, SubnetID: f.Mirror.Subnet, InstanceID: f.Mirror.Instance,
		SrcAddr: f.SrcIP, DstAddr: f.DestIP, PktSrcAddr: f.SrcIP, PktDstAddr: f.DestIP, SrcPort: f.SrcPort, DstPort: f.DestPort,
		Protocol: protocolNumber(f.Proto), Packets: f.Flow.PktsToServer, Bytes: f.Flow.BytesToServer,
		Action: flowlog.Accept, LogStatus: flowlog.OK, TCPFlags: tcpFlags(f.TCP.ToServer),
		FlowDirection: f.Mirror.Direction, Name: f.Hint.Name, NameSource: f.Hint.NameSource, AppProto: f.AppProto,
		Initiator: atSrc, InitiatorReason: f.Hint.InitiatorReason, Unanswered: f.Flow.PktsToClient == 0,
		DirectToAddress: f.Hint.Direct, Completeness: math.NaN(), CommunityID: f.Community, Truncated: f.Mirror.Truncated,
	}
	switch f.Hint.NameSource {
	case "sni":
		r.SNI = f.Hint.Name
	case "dns":
		r.DNSName = f.Hint.Name
	}
	if f.Mirror.VNI != nil {
		r.VNI, r.Mirrored = *f.Mirror.VNI, true
	}
	if f.Hint.Completeness != nil {
		r.Completeness = *f.Hint.Completeness
	}
	if r.Unanswered && r.FlowDirection == egress {
		r.Action = ""
	}
	if p := f.Mirror.Paired; p != nil {
		r.Paired = string(flowlog.AppendUnnamed(nil, p.VNI, p.Source))
	}
	return r
}

// reply returns the record of the server's packets.
func (f *eveFlow) reply(there row) row {
	r := there
	r.SrcAddr, r.DstAddr = r.DstAddr, r.SrcAddr
	r.PktSrcAddr, r.PktDstAddr = r.PktDstAddr, r.PktSrcAddr
	r.SrcPort, r.DstPort = r.DstPort, r.SrcPort
	r.Packets, r.Bytes, r.TCPFlags = f.Flow.PktsToClient, f.Flow.BytesToClient, tcpFlags(f.TCP.ToClient)
	r.Initiator, r.Action = atDst, flowlog.Accept
	switch r.FlowDirection {
	case egress:
		r.FlowDirection = ingress
	case ingress:
		r.FlowDirection = egress
	}
	return r
}

func tcpFlags(hex string) uint8 {
	n, _ := strconv.ParseUint(hex, 16, 8) // none of a flow that is not TCP
	return uint8(n)
}

// protocolNumber is the number behind Suricata's name of a protocol; 0 of one that has no name here.
func protocolNumber(name string) uint8 {
	if name == "IPv6-ICMP" {
		name = protocolNames[58]
	}
	for n, known := range protocolNames {
		if strings.EqualFold(known, name) {
			return n
		}
	}
	n, _ := strconv.ParseUint(name, 10, 8)
	return uint8(n)
}
