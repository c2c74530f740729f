//go:build ignore

// Variants rewrites a classic little-endian Ethernet capture in formats that no installed tool writes:
//
//	variants IN OUT big-endian   the file's own fields in big-endian order
//	variants IN OUT null         BSD loopback (DLT_NULL) instead of Ethernet, IP packets only
package main

import (
	"encoding/binary"
	"io"
	"log"
	"os"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

func main() {
	in, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	r, err := pcapgo.NewReader(in)
	if err != nil {
		log.Fatal(err)
	}
	out, err := os.Create(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	switch os.Args[3] {
	case "big-endian":
		write(out, r, binary.BigEndian, layers.LinkTypeEthernet, func(frame []byte) []byte { return frame })
	case "null":
		write(out, r, binary.LittleEndian, layers.LinkTypeNull, loopback)
	}
	if err := out.Close(); err != nil {
		log.Fatal(err)
	}
}

// loopback replaces the Ethernet header by the address family (2 is AF_INET, 30 AF_INET6 of macOS). It returns nil for other frames.
func loopback(frame []byte) []byte {
	family := map[uint16]byte{0x0800: 2, 0x86dd: 30}[binary.BigEndian.Uint16(frame[12:])]
	if family == 0 {
		return nil
	}
	return append([]byte{family, 0, 0, 0}, frame[14:]...)
}

func write(w io.Writer, r *pcapgo.Reader, order binary.ByteOrder, link layers.LinkType, change func([]byte) []byte) {
	put(w, order, []uint32{0xa1b2c3d4}, []uint16{2, 4}, []uint32{0, 0, 262144, uint32(link)})
	for {
		frame, ci, err := r.ReadPacketData()
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		if data := change(frame); data != nil {
			wire := ci.Length + len(data) - len(frame)
			put(w, order, []uint32{uint32(ci.Timestamp.Unix()), uint32(ci.Timestamp.Nanosecond() / 1000), uint32(len(data)), uint32(wire)}, data)
		}
	}
}

func put(w io.Writer, order binary.ByteOrder, fields ...any) {
	for _, f := range fields {
		if err := binary.Write(w, order, f); err != nil {
			log.Fatal(err)
		}
	}
}
