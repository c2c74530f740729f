package record

import (
	"net"
	"time"
)

// Datagrams forwards queries, and the response to each.
func (r *Recorder) Datagrams(c net.PacketConn, to string) {
	server, err := net.Dial("udp", to)
	Must(err)
	defer server.Close()
	buf := make([]byte, 4096)
	for {
		n, client, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		r.add(0, buf[:n])
		server.Write(buf[:n])
		server.SetReadDeadline(time.Now().Add(time.Second))
		if n, err = server.Read(buf); err == nil { // some queries have no response
			r.add(1, buf[:n])
			c.WriteTo(buf[:n], client)
		}
	}
}

// Flow forwards the datagrams of one client and of the server, until the client has sent none for a second.
func (r *Recorder) Flow(c net.PacketConn, to string) {
	server, err := net.Dial("udp", to)
	Must(err)
	defer server.Close()
	buf := make([]byte, 4096)
	for first := true; ; first = false {
		if !first {
			c.SetReadDeadline(time.Now().Add(time.Second))
		}
		n, client, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		r.add(0, buf[:n])
		server.Write(buf[:n])
		if first {
			go r.answers(server, c, client)
		}
	}
}

func (r *Recorder) answers(server net.Conn, c net.PacketConn, client net.Addr) {
	buf := make([]byte, 4096)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		r.add(1, buf[:n])
		c.WriteTo(buf[:n], client)
	}
}
