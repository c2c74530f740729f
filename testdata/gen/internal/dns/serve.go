package dns

import (
	"encoding/binary"
	"io"
	"log"
	"net"
)

// ServeDatagrams answers queries over UDP until the program ends.
func ServeDatagrams(addr string) {
	c, err := net.ListenPacket("udp", addr)
	if err != nil {
		log.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			log.Fatal(err)
		}
		out, err := answer(buf[:n], 512)
		if err != nil {
			log.Print(err)
			continue
		}
		c.WriteTo(out, from)
	}
}

// ServeStreams answers queries over TCP until the program ends.
func ServeStreams(addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serveStream(c)
	}
}

func serveStream(c net.Conn) {
	defer c.Close()
	for {
		var size uint16
		if binary.Read(c, binary.BigEndian, &size) != nil {
			return
		}
		query := make([]byte, size)
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		out, err := answer(query, 65535)
		if err != nil {
			return
		}
		c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
	}
}
