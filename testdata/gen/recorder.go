//go:build ignore

package main

import (
	"encoding/hex"
	"fmt"
	"log"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// segmentSize is the payload of an Ethernet segment: one read of at most this size is one segment of the file.
const segmentSize = 1460

// A recorder forwards the messages between a client and a server, and records them.
type recorder struct {
	mu    sync.Mutex
	lines []string
	count [2]int
	limit int // segments of each side
}

// add records a segment. Side 0 is the client. A segment is printed in lines of 48 bytes.
func (r *recorder) add(side int, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count[side]++; r.count[side] > r.limit {
		return
	}
	mark := "><"[side : side+1]
	for line := range slices.Chunk(data, 48) {
		r.lines = append(r.lines, mark+" "+hex.EncodeToString(line)+"\n")
		mark = " "
	}
}

// streams forwards TCP connections to a server. It records the first one; clients of databases open several that are alike.
func (r *recorder) streams(l net.Listener, to string) {
	for ; ; r = new(recorder) { // without a limit it records nothing
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

func (r *recorder) copy(to, from net.Conn, side int) {
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

// datagrams forwards queries, and the response to each.
func (r *recorder) datagrams(c net.PacketConn, to string) {
	server, err := net.Dial("udp", to)
	must(err)
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

// write writes the file, without the section want, which the test adds.
func (r *recorder) write(file, about, section string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := fmt.Sprintf("%s\n\n-- %s --\n%s", about, section, strings.Join(r.lines, ""))
	must(os.WriteFile(file, []byte(text), 0o644))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
