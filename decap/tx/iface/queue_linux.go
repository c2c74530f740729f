package iface

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/mmsg"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/outbox"
)

// A queue holds messages that were taken and not sent yet, in the kernel's form. It is allocated once.
type queue struct {
	n        int
	messages [decap.BatchSize]outbox.Message
	sizes    [decap.BatchSize]int           // of each message in bytes
	parts    [decap.BatchSize][2]unix.Iovec // head and tail; of a message without a head, the tail and nothing
}

// push appends a message. There must be room.
func (q *queue) push(head, tail []byte, m outbox.Message) {
	q.messages[q.n] = m
	q.sizes[q.n] = len(head) + len(tail)
	if len(head) == 0 {
		head, tail = tail, nil
	}
	p := &q.parts[q.n]
	mmsg.Point(&p[0], head)
	mmsg.Point(&p[1], tail)
	q.n++
}

// count returns how many parts of message i are not empty.
func (q *queue) count(i int) int {
	if q.parts[i][1].Len == 0 {
		return 1
	}
	return 2
}

// join appends message i to b.
func (q *queue) join(i int, b []byte) []byte {
	for _, part := range q.parts[i] {
		b = append(b, unsafe.Slice(part.Base, int(part.Len))...)
	}
	return b
}

// reset drops the messages and the references to what they point to.
func (q *queue) reset() {
	clear(q.parts[:q.n])
	q.n = 0
}
