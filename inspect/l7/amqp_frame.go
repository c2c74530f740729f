package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// Frames and methods of AMQP 0-9-1: section 4.2.3, and class 10, connection.
const (
	amqpMethod   = 1
	amqpFrameEnd = 0xce
	maxAMQPFrame = 128 << 10

	amqpStart   = 10<<16 | 10
	amqpStartOK = 10<<16 | 11
	amqpOpen    = 10<<16 | 40
	amqpOpenOK  = 10<<16 | 41
	amqpClose   = 10<<16 | 50
)

// nextAMQP reads the frame at the front of r: its method, and the arguments of the method. There are no other frames as long as
// the connection uses channel 0 only.
func nextAMQP(r *wire.Cursor) (method uint32, arguments wire.Cursor, v Verdict) {
	n := r.Len()
	typ, channel, size := r.U8(), r.U16(), int(r.U32())
	if n >= 1 && typ != amqpMethod || n >= 3 && channel != 0 || r.OK() && (size < 4 || size > maxAMQPFrame) {
		return 0, arguments, Reject
	}
	arguments = r.Sub(size)
	end := r.U8()
	switch {
	case !r.OK():
		return 0, arguments, More
	case end != amqpFrameEnd:
		return 0, arguments, Reject
	}
	return arguments.U32(), arguments, Done
}

// parseAMQPClient reads a client's frames up to connection.open, or up to the last one that came.
func parseAMQPClient(h *Hint, c *Conn, in Input) Verdict {
	var login, open wire.Cursor
	r := wire.New(in.Data)
	for done := false; !done; {
		method, arguments, v := nextAMQP(&r)
		switch {
		case v == More && in.Final && !login.Empty():
			done = true
		case v == More:
			return moreUnless(in.Final)
		case v == Reject:
			return Reject
		case method == amqpStartOK:
			login = arguments
		case method == amqpOpen:
			open, done = arguments, true
		}
	}
	c.Mode[in.Side&1] = amqpOpens
	h.Role, h.Next = Request, Stop
	printAMQPTable(h, login.Upto(int(login.U32())), keyClientProduct, keyClientVersion)
	printText(h, keyMechanism, login.Bytes(int(login.U8())))
	printText(h, keyVhost, open.Bytes(int(open.U8())))
	return Done
}

// parseAMQPServer reads one frame of a server, up to the reply to connection.open. asked is the client's Mode.
func parseAMQPServer(h *Hint, asked uint8, in Input) Verdict {
	if len(in.Data) >= amqpHeaderSize && bytes.HasPrefix(in.Data, []byte(amqpMagic)) {
		h.Role, h.Next = Response, Stop // the version that it supports instead
		return Done
	}
	if len(in.Data) > 0 && bytes.HasPrefix([]byte(amqpMagic), in.Data[:min(len(in.Data), len(amqpMagic))]) {
		return moreUnless(in.Final)
	}
	r := wire.New(in.Data)
	method, arguments, v := nextAMQP(&r)
	if v == More {
		return moreUnless(in.Final)
	}
	if v == Reject {
		return Reject
	}
	h.Next = len(in.Data) - r.Len()
	switch {
	case method == amqpStart:
		h.Role = Response
		arguments.Skip(2) // version
		printAMQPTable(h, arguments.Upto(int(arguments.U32())), keyServerProduct, keyServerVersion)
		printText(h, keyMechanisms, arguments.Bytes(int(arguments.U32())))
	case method == amqpOpenOK && asked == amqpOpens:
		h.Role, h.Next = Response, Stop
		h.True(keyOpened)
	case method == amqpClose:
		h.Role, h.Next = Response, Stop
		h.Int(keyReplyCode, int64(arguments.U16()))
		printText(h, keyReplyText, arguments.Bytes(int(arguments.U8())))
	}
	return Done
}

// printAMQPTable prints the product and its version from a peer's properties.
func printAMQPTable(h *Hint, table wire.Cursor, productKey, versionKey Key) {
	var product, version []byte
	for !table.Empty() {
		key := table.Bytes(int(table.U8()))
		value := table.Sub(amqpValueSize(&table))
		switch string(key) {
		case "product":
			product = value.Rest()
		case "version":
			version = value.Rest()
		}
	}
	printText(h, productKey, product)
	printText(h, versionKey, version)
}

// amqpValueSize reads the type of a value in a table, and returns its size (section 4.2.1, with RabbitMQ's types).
func amqpValueSize(table *wire.Cursor) int {
	switch table.U8() {
	case 't', 'b', 'B':
		return 1
	case 's', 'u':
		return 2
	case 'I', 'i', 'f':
		return 4
	case 'D':
		return 5
	case 'l', 'L', 'd', 'T':
		return 8
	case 'V':
		return 0
	case 'S', 'F', 'A', 'x':
		return int(table.U32())
	}
	return -1
}
