package tx

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/mmsg"
)

// A message is a frame on its way to the kernel: a whole one, or a segment.
type message struct {
	size    int
	segment bool // it is one of several that a long frame was cut into
	more    bool // and not the last of them
}

// A queue holds what was taken and not sent yet, the way that the kernel wants it. It is allocated once.
type queue struct {
	n        int
	messages [decap.BatchSize]message
	parts    [decap.BatchSize][2]unix.Iovec // head and tail; of a frame without a head the tail and nothing
}

// push appends a frame. There must be room.
func (q *queue) push(head, tail []byte, m message) {
	m.size = len(head) + len(tail)
	q.messages[q.n] = m
	if len(head) == 0 {
		head, tail = tail, nil
	}
	p := &q.parts[q.n]
	mmsg.Point(&p[0], head)
	mmsg.Point(&p[1], tail)
	q.n++
}

// count returns how many parts of frame i are not empty.
func (q *queue) count(i int) int {
	if q.parts[i][1].Len == 0 {
		return 1
	}
	return 2
}

// join appends frame i to b.
func (q *queue) join(i int, b []byte) []byte {
	for _, part := range q.parts[i] {
		b = append(b, unsafe.Slice(part.Base, int(part.Len))...)
	}
	return b
}

// reset forgets the frames and what they point to.
func (q *queue) reset() {
	clear(q.parts[:q.n])
	q.n = 0
}
