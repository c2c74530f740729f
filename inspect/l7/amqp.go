package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// AMQP 0-9-1 and 1.0. A client starts with a header that has the protocol's version. Version 0-9-1 makes two events: the header
// with the server's connection.start, and the client's login up to connection.open, which asks for a virtual host, with its
// outcome. In 1.0 the headers of client and server make one event.
//
// Conn.Mode is what a side sent last.

// Values of Conn.Mode.
const (
	amqpNothing   uint8 = iota
	amqpGreets          // the client's header, of 0-9-1
	amqpGreets1         // of 1.0, or of its SASL layer
	amqpGreetsTLS       // of 1.0's TLS layer
	amqpOpens           // connection.open
)

const (
	amqpMagic      = "AMQP"
	amqpHeaderSize = 8
)

// Versions, which follow the magic number.
const (
	amqp091   = 0x00000901 // protocol 0, version 0-9-1
	amqp1     = 0x00010000
	amqp1TLS  = 0x02010000
	amqp1SASL = 0x03010000
)

func parseAMQP(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	other := c.Mode[1^side]
	switch {
	case c.Mode[side] == amqpGreets:
		return parseAMQPClient(h, c, in)
	case other == amqpGreets || other == amqpOpens:
		return parseAMQPServer(h, other, in)
	}
	return parseAMQPHeader(h, c, in)
}

func parseAMQPHeader(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	magic := r.Upto(len(amqpMagic))
	if !bytes.HasPrefix([]byte(amqpMagic), magic.Rest()) {
		return Reject
	}
	version := r.U32()
	if !r.OK() {
		return moreUnless(in.Final)
	}
	side := in.Side & 1
	if asked := c.Mode[1^side]; asked != amqpNothing {
		return answerAMQPHeader(h, asked, version)
	}
	h.Role, h.Next = Request, amqpHeaderSize
	switch version {
	case amqp091:
		c.Mode[side] = amqpGreets
		h.Const(keyVersion, "0-9-1")
		return Done
	case amqp1:
		h.Const(keyVersion, "1.0")
		c.Mode[side] = amqpGreets1
	case amqp1SASL:
		h.Const(keyVersion, "1.0")
		h.Const(keySecurity, "sasl")
		c.Mode[side] = amqpGreets1
	case amqp1TLS:
		h.Const(keyVersion, "1.0")
		h.Const(keySecurity, "tls")
		c.Mode[side] = amqpGreetsTLS
		return Done
	default:
		return Reject
	}
	h.Next = Stop
	return Done
}

// answerAMQPHeader reads the header of a server that speaks 1.0.
func answerAMQPHeader(h *Hint, asked uint8, version uint32) Verdict {
	h.Role, h.Next = Response, Stop
	if asked == amqpGreetsTLS && version == amqp1TLS {
		h.Next, h.Switch = amqpHeaderSize, true
	}
	return Done
}

// Keys of the fields.
var (
	keyClientProduct = KeyOf("client_product")
	keyMechanisms    = KeyOf("mechanisms")
	keyOpened        = KeyOf("opened")
	keyReplyCode     = KeyOf("reply_code")
	keyReplyText     = KeyOf("reply_text")
	keySecurity      = KeyOf("security")
	keyServerProduct = KeyOf("server_product")
	keyVhost         = KeyOf("vhost")
)
