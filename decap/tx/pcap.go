// Package tx is where frames go: capture files, mirrored copies on UDP as AWS sends them, and the targets of forwarding.
package tx

import (
	"bufio"
	"io"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// snapLen is what the file's header promises, which readers use to bound their buffers: any IP packet with its link
// layer fits, jumbograms apart.
const snapLen = 262144

// A PcapWriter writes Ethernet frames to a classic pcap file with times in nanoseconds.
type PcapWriter struct {
	buf *bufio.Writer
	w   *pcapgo.Writer
}

// NewPcapWriter writes the file's header.
func NewPcapWriter(w io.Writer) (*PcapWriter, error) {
	buf := bufio.NewWriterSize(w, 1<<16)
	p := &PcapWriter{buf: buf, w: pcapgo.NewWriterNanos(buf)}
	return p, p.w.WriteFileHeader(snapLen, layers.LinkTypeEthernet)
}

// Write adds a frame. wireLen is its length before it was cut, and nanos its time since 1970.
func (p *PcapWriter) Write(nanos int64, frame []byte, wireLen int) error {
	return p.w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(0, nanos), CaptureLength: len(frame), Length: wireLen}, frame)
}

// Flush writes what is buffered. Closing the file is its owner's.
func (p *PcapWriter) Flush() error { return p.buf.Flush() }
