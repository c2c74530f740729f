package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// Memcached (protocol.txt and protocol-binary.txt of its sources): lines of text, or packets with a header of 24 bytes. The first
// command and its response make one event. Over UDP each datagram begins with a header of 8 bytes.
//
// Conn.Mode is what was seen of each side. The other fields of Conn are not used.

// Values of Conn.Mode.
const (
	memcachedNothing uint8 = iota
	memcachedAsked
)

const (
	memcachedMaxKey  = 250     // bytes
	memcachedMaxBody = 1 << 27 // bytes; servers accept items of 1 MiB by default
	memcachedMaxLine = 2048    // bytes; the limit of servers

	memcachedRequest  = 0x80
	memcachedResponse = 0x81
)

func parseMemcached(h *Hint, c *Conn, in Input) Verdict {
	switch {
	case len(in.Data) == 0:
		return moreUnless(in.Final)
	case in.Data[0] == memcachedRequest || in.Data[0] == memcachedResponse:
		return parseMemcachedPacket(h, c, in)
	case c.Mode[1^in.Side&1] == memcachedAsked:
		return parseMemcachedReply(h, in)
	}
	return parseMemcachedLine(h, c, in)
}

func parseMemcachedDatagram(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	r.U16() // request
	number, of, reserved := r.U16(), r.U16(), r.U16()
	if !r.OK() || reserved != 0 || number >= of {
		return Reject
	}
	in.Data = r.Rest()
	return parseMemcached(h, c, in)
}

// memcachedVerbs are the commands, in lower case as servers require, with their arguments: k is a key, n a number, and * any
// further words. Commands that change an item may end in noreply.
var memcachedVerbs = [...]struct{ verb, words string }{
	{"get", "k*"}, {"gets", "k*"}, {"gat", "nk*"}, {"gats", "nk*"},
	{"set", "knnn"}, {"add", "knnn"}, {"replace", "knnn"}, {"append", "knnn"}, {"prepend", "knnn"}, {"cas", "knnnn"},
	{"incr", "kn"}, {"decr", "kn"}, {"touch", "kn"}, {"delete", "k"},
	{"mg", "k*"}, {"ms", "kn*"}, {"md", "k*"}, {"ma", "k*"}, {"me", "k*"}, {"mn", ""},
	{"stats", "*"}, {"version", ""}, {"flush_all", "*"}, {"verbosity", "n"},
}

func parseMemcachedLine(h *Hint, c *Conn, in Input) Verdict {
	front := in.Data[:min(len(in.Data), memcachedMaxLine)]
	l := textLines{front}
	line, v := l.text()
	switch {
	case v == More && memcachedMay(front) && len(front) < memcachedMaxLine:
		return moreUnless(in.Final)
	case v != Done:
		return Reject
	}
	verb, args, _ := bytes.Cut(line, []byte(" "))
	for _, known := range memcachedVerbs {
		if string(verb) == known.verb && memcachedWords(args, known.words) {
			c.Mode[in.Side&1] = memcachedAsked
			h.Role, h.Next = Request, Stop
			h.Str(keyCommand, verb)
			if len(known.words) > 0 && known.words[0] == 'k' {
				h.Str(keyKey, firstWord(args))
			}
			return Done
		}
	}
	return Reject
}

// memcachedMay reports whether an incomplete line can become a command.
func memcachedMay(b []byte) bool {
	verb, _, whole := bytes.Cut(bytes.TrimSuffix(b, []byte("\r")), []byte(" "))
	for _, known := range memcachedVerbs {
		if string(verb) == known.verb || !whole && fits(verb, known.verb) && len(verb) < len(known.verb) {
			return true
		}
	}
	return false
}

// memcachedWords reports whether a command's arguments are of the right kinds.
func memcachedWords(args []byte, kinds string) bool {
	for _, kind := range kinds {
		if kind == '*' {
			return true
		}
		var word []byte
		word, args, _ = bytes.Cut(args, []byte(" "))
		if _, number := parseNumber(word, 10); len(word) == 0 || len(word) > memcachedMaxKey || kind == 'n' && !number {
			return false
		}
	}
	return len(args) == 0 || string(args) == "noreply"
}

// parseMemcachedReply reads the first line of a response in text.
func parseMemcachedReply(h *Hint, in Input) Verdict {
	front := in.Data[:min(len(in.Data), memcachedMaxLine)]
	l := textLines{front}
	line, v := l.text()
	switch {
	case v == More && len(front) < memcachedMaxLine:
		return moreUnless(in.Final)
	case v != Done:
		return Reject
	}
	word, rest, _ := bytes.Cut(line, []byte(" "))
	h.Role, h.Next = Response, Stop
	h.Str(keyStatus, word)
	if string(word) == "VERSION" {
		printText(h, keyVersion, rest)
	}
	return Done
}

var memcachedOpcodes = [...]string{"get", "set", "add", "replace", "delete", "increment", "decrement", "quit", "flush", "getq",
	"noop", "version", "getk", "getkq", "append", "prepend", "stat", "setq", "addq", "replaceq", "deleteq", "incrementq",
	"decrementq", "quitq", "flushq", "appendq", "prependq", "verbosity", "touch", "gat", "gatq", 0x20: "sasl_list_mechs",
	0x21: "sasl_auth", 0x22: "sasl_step"}

// memcachedExtras returns the number of bytes of a request's extras.
func memcachedExtras(opcode string) int {
	switch opcode {
	case "set", "setq", "add", "addq", "replace", "replaceq":
		return 4 + 4 // flags, expiry
	case "increment", "incrementq", "decrement", "decrementq":
		return 8 + 8 + 4 // delta, initial value, expiry
	case "touch", "gat", "gatq", "verbosity":
		return 4
	}
	return 0
}

// parseMemcachedPacket reads a request's header and the key behind it, or a response's header.
func parseMemcachedPacket(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	magic, number := r.U8(), r.U8()
	if magic == memcachedResponse {
		return parseMemcachedStatus(h, r, c.Mode[1^in.Side&1] == memcachedAsked, in.Final)
	}
	if int(number) >= len(memcachedOpcodes) || memcachedOpcodes[number] == "" {
		return Reject
	}
	opcode := memcachedOpcodes[number]
	keys, extras, dataType := r.U16(), r.U8(), r.U8()
	r.U16() // virtual bucket
	body := r.U32()
	r.Skip(4 + 8) // opaque, version of the item
	plausible := int(extras) == memcachedExtras(opcode) && keys <= memcachedMaxKey && dataType == 0 &&
		body <= memcachedMaxBody && uint32(extras)+uint32(keys) <= body
	if r.OK() && !plausible {
		return Reject
	}
	r.Skip(int(extras))
	key := r.Bytes(int(keys))
	switch {
	case !r.OK():
		return moreUnless(in.Final)
	case keys > 0 && !isText(key):
		return Reject
	}
	c.Mode[in.Side&1] = memcachedAsked
	h.Role, h.Next = Request, Stop
	h.Const(keyCommand, opcode)
	if opcode != "sasl_auth" { // its key is the mechanism
		printText(h, keyKey, key)
	}
	return Done
}

// parseMemcachedStatus reads a response's header after its first two bytes.
func parseMemcachedStatus(h *Hint, r wire.Cursor, asked, final bool) Verdict {
	r.Skip(2 + 1) // key length, extras length
	dataType, status := r.U8(), r.U16()
	switch {
	case !asked:
		return Reject
	case !r.OK():
		return moreUnless(final)
	case dataType != 0:
		return Reject
	}
	h.Role, h.Next = Response, Stop
	h.Int(keyStatusCode, int64(status))
	return Done
}

// Keys of the fields.
var (
	keyKey = KeyOf("key")
)
