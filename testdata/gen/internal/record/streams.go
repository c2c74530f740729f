package record

import (
	"log"
	"net"
)

// Streams forwards TCP connections to a server. It records the first one; clients of databases open several that are alike.
func (r *Recorder) Streams(l net.Listener, to string) {
	for ; ; r = new(Recorder) { // without a limit it records nothing
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", to)
		if err != nil {
			log.Print(err)
			client.Close()
			continue
		}
		go r.copy(server, client, 0)
		go r.copy(client, server, 1)
	}
}

func (r *Recorder) copy(to, from net.Conn, side int) {
	defer to.Close()
	buf := make([]byte, segmentSize)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			r.add(side, buf[:n])
			to.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}
