// Package variant rewrites a classic little-endian Ethernet capture in formats that no installed tool writes.
package variant

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// The formats.
const (
	BigEndian = "big-endian" // the file's own fields in big-endian order
	Null      = "null"       // BSD loopback (DLT_NULL) instead of Ethernet, IP packets only
)

// Write rewrites the capture in as out.
func Write(in, out, format string) error {
	from, err := os.Open(in)
	if err != nil {
		return err
	}
	defer from.Close()
	r, err := pcapgo.NewReader(from)
	if err != nil {
		return err
	}
	to, err := os.Create(out)
	if err != nil {
		return err
	}
	switch format {
	case BigEndian:
		err = write(to, r, binary.BigEndian, layers.LinkTypeEthernet, func(frame []byte) []byte { return frame })
	case Null:
		err = write(to, r, binary.LittleEndian, layers.LinkTypeNull, loopback)
	default:
		err = fmt.Errorf("no format %q: want %s or %s", format, BigEndian, Null)
	}
	return errors.Join(err, to.Close())
}

// loopback replaces the Ethernet header by the address family (2 is AF_INET, 30 AF_INET6 of macOS). It returns nil for other frames.
func loopback(frame []byte) []byte {
	family := map[uint16]byte{0x0800: 2, 0x86dd: 30}[binary.BigEndian.Uint16(frame[12:])]
	if family == 0 {
		return nil
	}
	return append([]byte{family, 0, 0, 0}, frame[14:]...)
}

func write(w io.Writer, r *pcapgo.Reader, order binary.ByteOrder, link layers.LinkType, change func([]byte) []byte) error {
	if err := put(w, order, []uint32{0xa1b2c3d4}, []uint16{2, 4}, []uint32{0, 0, 262144, uint32(link)}); err != nil {
		return err
	}
	for {
		frame, ci, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		data := change(frame)
		if data == nil {
			continue
		}
		wire := ci.Length + len(data) - len(frame)
		head := []uint32{uint32(ci.Timestamp.Unix()), uint32(ci.Timestamp.Nanosecond() / 1000), uint32(len(data)), uint32(wire)}
		if err := put(w, order, head, data); err != nil {
			return err
		}
	}
}

func put(w io.Writer, order binary.ByteOrder, fields ...any) error {
	for _, f := range fields {
		if err := binary.Write(w, order, f); err != nil {
			return err
		}
	}
	return nil
}
