package pcap

import (
	"bytes"
	"fmt"
	"runtime"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// maxInterfaces bounds how many mirror sessions one section of pcapng names, and so the memory for them.
const maxInterfaces = 1 << 16

// An encoder encodes a capture into buf. In pcapng each mirror session is an interface.
type encoder struct {
	cfg        *Config
	buf        bytes.Buffer
	plain      *Writer // of the classic format
	ng         *pcapgo.NgWriter
	interfaces map[session]int
	last       session // the interface of the last frame
	lastID     int
}

// begin writes the header of a file. first is the session of its first frame.
func (e *encoder) begin(first session) (err error) {
	if e.cfg.Classic {
		if e.plain, err = NewWriter(&e.buf); err != nil {
			return err
		}
		return e.plain.Flush()
	}
	e.interfaces = map[session]int{first: 0}
	e.last, e.lastID = first, 0
	options := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Hardware: runtime.GOARCH, OS: runtime.GOOS, Application: "mirrorsink"}}
	if e.ng, err = pcapgo.NewNgWriterInterface(&e.buf, e.describe(first), options); err != nil {
		return err
	}
	return e.ng.Flush()
}

// full reports whether a session is one too many for the file.
func (e *encoder) full(s session) bool {
	if e.cfg.Classic || s == e.last || len(e.interfaces) < maxInterfaces {
		return false
	}
	_, known := e.interfaces[s]
	return !known
}

// add appends a frame.
func (e *encoder) add(r *record, frame []byte) error {
	if e.cfg.Classic {
		if err := e.plain.Write(r.nanos, frame, r.wire); err != nil {
			return err
		}
		return e.plain.Flush()
	}
	id, err := e.id(r.session)
	if err != nil {
		return err
	}
	info := gopacket.CaptureInfo{Timestamp: time.Unix(0, r.nanos), CaptureLength: len(frame), Length: r.wire, InterfaceIndex: id}
	if err := e.ng.WritePacket(info, frame); err != nil {
		return err
	}
	return e.ng.Flush()
}

// id returns the number of a session's interface, which it describes first if it is new.
func (e *encoder) id(s session) (int, error) {
	if s == e.last {
		return e.lastID, nil
	}
	id, known := e.interfaces[s]
	if !known {
		var err error
		if id, err = e.ng.AddInterface(e.describe(s)); err != nil {
			return 0, err
		}
		e.interfaces[s] = id
	}
	e.last, e.lastID = s, id
	return id, nil
}

func (e *encoder) describe(s session) pcapgo.NgInterface {
	var name, comment string
	if e.cfg.Name != nil {
		name, comment = e.cfg.Name(s.outer, s.vni)
	}
	switch {
	case name != "":
	case s.outer.IsValid():
		name = fmt.Sprintf("%v vni %d", s.outer, s.vni)
	default:
		name = "mirrorsink"
	}
	return pcapgo.NgInterface{Name: name, Comment: comment, LinkType: layers.LinkTypeEthernet}
}
