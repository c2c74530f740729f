package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// MongoDB's wire protocol. The first command of a connection and its reply make one event. Drivers begin with hello, which
// identifies them.
//
// Conn.Mode is whether the client sent its request, and Left is the request's number.

const mongoAsked = 1

// Opcodes that are read.
const (
	mongoReply   = 1
	mongoQuery   = 2004
	mongoMessage = 2013
)

const (
	mongoHeader    = 16
	minMongoSize   = mongoHeader + 4 + 1 + minBSON
	maxMongoSize   = 48_000_000 // the server's own bound
	mongoChecksum  = 1 << 0     // flags of a message
	mongoMoreComes = 1 << 1
	mongoExhausts  = 1 << 16
)

func parseMongoDB(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	r := wire.New(in.Data)
	size, id, to, opcode := int(r.U32LE()), r.U32LE(), r.U32LE(), r.U32LE()
	isReply := c.Mode[1^side] == mongoAsked
	switch {
	case len(in.Data) >= 4 && (size < minMongoSize || size > maxMongoSize):
		return Reject
	case !r.OK():
		return moreUnless(in.Final)
	case isReply && to != c.Left[1^side], !isReply && to != 0,
		opcode != mongoMessage && opcode != mongoQuery && (opcode != mongoReply || !isReply):
		return Reject
	}
	whole := r.Len() >= size-mongoHeader
	body := r.Upto(size - mongoHeader)
	if !whole && !in.Final {
		return More
	}
	h.Next = Stop
	if isReply {
		return mongoAnswer(h, opcode, body)
	}
	c.Mode[side], c.Left[side] = mongoAsked, id
	return mongoCommand(h, opcode, body)
}

// mongoCommand reads a command: a document whose first field has the command's name as its key and, in some commands, the
// collection as its value.
func mongoCommand(h *Hint, opcode uint32, body wire.Cursor) Verdict {
	h.Role = Request
	if opcode == mongoQuery {
		return mongoOldCommand(h, body)
	}
	command, ok := mongoDocument(&body)
	if !ok {
		return Reject
	}
	first, ok := command.next()
	if !ok || !isBSONKey(first.key) {
		return Reject
	}
	h.Str(keyCommand, first.key)
	if collection := first.text(); len(collection) > 0 {
		h.Str(keyCollection, collection)
	}
	printMongoClient(h, command)
	return Done
}

// mongoOldCommand reads OP_QUERY. Its collection is DATABASE.$cmd for a command. Drivers send their first hello in this form.
func mongoOldCommand(h *Hint, body wire.Cursor) Verdict {
	body.Skip(4) // flags
	collection := body.CString()
	body.Skip(4 + 4) // documents to skip, documents to return
	command, ok := newBSON(body)
	first, some := command.next()
	if !body.OK() || !isBSONKey(collection) || !ok || !some || !isBSONKey(first.key) {
		return Reject
	}
	h.Str(keyCollection, collection)
	h.Str(keyCommand, first.key)
	printMongoClient(h, command)
	return Done
}

// mongoDocument returns the document of the first section of an OP_MSG, which must be the command itself.
func mongoDocument(body *wire.Cursor) (bson, bool) {
	flags, kind := body.U32LE(), body.U8()
	if !body.OK() || kind != 0 || flags&^(mongoChecksum|mongoMoreComes|mongoExhausts) != 0 {
		return bson{}, false
	}
	return newBSON(*body)
}

// printMongoClient prints the fields after a command's name: the database and, in a hello, the program and its driver.
func printMongoClient(h *Hint, command bson) {
	var seen uint8
	for f, ok := command.next(); ok; f, ok = command.next() {
		switch key := string(f.key); {
		case key == "$db" && seen&1 == 0:
			seen |= 1
			h.Str(keyDatabase, f.text())
		case key == "client" && seen&2 == 0:
			seen |= 2
			if client, ok := newBSON(f.value); ok && f.typ == bsonDocument {
				h.Object(keyClient)
				printMongoNames(h, client)
				h.End()
			}
		}
	}
}

// printMongoNames prints the names and versions in a client's documents.
func printMongoNames(h *Hint, client bson) {
	for _, want := range [...]Key{keyApplication, keyDriver, keyOS} {
		part, ok := client.document(want.String())
		if !ok {
			continue
		}
		h.Object(want)
		for _, key := range [...]Key{keyName, keyVersion} {
			if text := part.find(key.String()); len(text) > 0 {
				h.Str(key, text)
			}
		}
		h.End()
	}
}

// mongoAnswer reads the reply: the outcome of the command, and a server's description of itself in the reply to hello.
func mongoAnswer(h *Hint, opcode uint32, body wire.Cursor) Verdict {
	h.Role = Response
	var reply bson
	var ok bool
	switch opcode {
	case mongoReply:
		body.Skip(4 + 8 + 4 + 4) // flags, cursor, start, number of documents
		reply, ok = newBSON(body)
	case mongoMessage:
		reply, ok = mongoDocument(&body)
	}
	if !ok {
		return Reject
	}
	for _, key := range [...]Key{keySetName, keyErrmsg, keyCodeName} {
		if text := reply.find(key.String()); len(text) > 0 {
			h.Str(key, text)
		}
	}
	if n, ok := reply.number("maxWireVersion"); ok {
		h.Int(keyMaxWireVersion, n)
	}
	return Done
}

// Keys of the fields.
var (
	keyApplication    = KeyOf("application")
	keyCodeName       = KeyOf("codeName")
	keyCollection     = KeyOf("collection")
	keyDriver         = KeyOf("driver")
	keyErrmsg         = KeyOf("errmsg")
	keyMaxWireVersion = KeyOf("maxWireVersion")
	keyOS             = KeyOf("os")
	keySetName        = KeyOf("setName")
)
