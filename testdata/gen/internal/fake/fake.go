// Package fake has servers for exchanges: of HTTP/2, which is complete, and others that answer only the first messages of a client.
package fake

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
)

// HTTP2 answers requests of HTTP/2 without TLS.
func HTTP2(l net.Listener) {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	s := http.Server{Protocols: &protocols, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			fmt.Fprintln(w, `{"orders": []}`)
		})}
	s.Serve(l)
}

// serve answers each message of each connection. A message begins with its size in four bytes. inclusive means that the size
// includes those four bytes.
func serve(l net.Listener, order binary.ByteOrder, inclusive bool, answer func(message []byte) []byte) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for {
				head := make([]byte, 4)
				if _, err := io.ReadFull(c, head); err != nil {
					return
				}
				size := order.Uint32(head)
				if inclusive {
					size -= 4
				}
				message := make([]byte, size)
				if _, err := io.ReadFull(c, message); err != nil {
					return
				}
				c.Write(answer(message))
			}
		}()
	}
}

// Kafka answers ApiVersions of version 3 and later, with two APIs.
func Kafka(l net.Listener) {
	serve(l, binary.BigEndian, false, func(message []byte) []byte {
		body := append([]byte(nil), message[4:8]...)                             // correlation ID
		body = append(body, 0, 0, 3, 0, 18, 0, 0, 0, 4, 0, 0, 3, 0, 0, 0, 12, 0) // no error; ApiVersions, Metadata
		body = append(body, 0, 0, 0, 0, 0)                                       // not throttled
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	})
}

// MongoDB answers every command like hello.
func MongoDB(l net.Listener) {
	document := append([]byte("\x08isWritablePrimary\x00\x01\x10minWireVersion\x00\x00\x00\x00\x00\x10maxWireVersion\x00\x15\x00\x00\x00"+
		"\x02setName\x00\x04\x00\x00\x00rs0\x00\x01ok\x00"), binary.LittleEndian.AppendUint64(nil, math.Float64bits(1))...)
	document = append(binary.LittleEndian.AppendUint32(nil, uint32(4+len(document)+1)), append(document, 0)...)
	serve(l, binary.LittleEndian, true, func(message []byte) []byte {
		id, opcode := message[:4], binary.LittleEndian.Uint32(message[8:])
		var body []byte
		if opcode == 2004 { // OP_QUERY is answered with OP_REPLY
			opcode = 1
			body = append(make([]byte, 16), 1, 0, 0, 0) // flags, cursor, start; one document
		} else {
			body = make([]byte, 5) // flags, kind of section
		}
		body = append(body, document...)
		head := binary.LittleEndian.AppendUint32(nil, uint32(16+len(body)))
		head = append(append(head, 1, 0, 0, 0), id...)
		return append(binary.LittleEndian.AppendUint32(head, opcode), body...)
	})
}
