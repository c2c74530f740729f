// Package pcap writes captures: Writer writes one classic pcap file, and Open is the target that writes forwarded frames to a folder of
// pcap or pcapng files, or to a pipe.
package pcap

import (
	"bufio"
	"io"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// snapLen is the snap length in the file's header, by which readers bound their buffers. Any IP packet with its link layer fits,
// except jumbograms.
const snapLen = 262144

// A Writer writes Ethernet frames to a classic pcap file with times in nanoseconds.
type Writer struct {
	buf *bufio.Writer
	w   *pcapgo.Writer
}

// NewWriter writes the file's header.
func NewWriter(w io.Writer) (*Writer, error) {
	buf := bufio.NewWriterSize(w, 1<<16)
	p := &Writer{buf: buf, w: pcapgo.NewWriterNanos(buf)}
	return p, p.w.WriteFileHeader(snapLen, layers.LinkTypeEthernet)
}

// Write adds a frame. wireLen is its length before it was truncated, and nanos its time of arrival since 1970.
func (p *Writer) Write(nanos int64, frame []byte, wireLen int) error {
	return p.w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(0, nanos), CaptureLength: len(frame), Length: wireLen}, frame)
}

// Flush writes what is buffered. The caller closes the file.
func (p *Writer) Flush() error { return p.buf.Flush() }
