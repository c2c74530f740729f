package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// BitTorrent's distributed hash table (BEP 5, IPv6 in BEP 32). A message is a dictionary in the encoding of BEP 3, with sorted
// keys. It always has a transaction "t" and a type "y".

// bencoded reads values of the encoding. A read of a value of another type fails.
type bencoded struct{ wire.Cursor }

// maxBencodedDepth bounds the nesting of values. Messages of the hash table have dictionaries in a dictionary.
const maxBencodedDepth = 8

// digits reads a decimal number up to its end.
func (b *bencoded) digits(end byte) int {
	text := b.Rest()
	i := bytes.IndexByte(text[:min(len(text), 10)], end)
	n := 0
	for _, c := range text[:max(i, 0)] {
		if c < '0' || c > '9' {
			b.Fail()
		}
		n = 10*n + int(c-'0')
	}
	if i < 1 {
		b.Fail()
	}
	b.Skip(i + 1)
	return n
}

// text reads a string.
func (b *bencoded) text() []byte { return b.Bytes(b.digits(':')) }

// peek returns the next byte without reading it; 0 at the end.
func (b *bencoded) peek() byte {
	c := b.Cursor
	return c.U8()
}

// value skips a value and returns its bytes.
func (b *bencoded) value(depth int) bencoded {
	before := b.Rest()
	switch b.peek() {
	case 'i':
		b.integer()
	case 'l', 'd':
		if depth == 0 {
			b.Fail()
		}
		for b.Skip(1); b.OK() && b.peek() != 'e'; {
			b.value(depth - 1)
		}
		b.Skip(1)
	default:
		b.text()
	}
	r := wire.New(before)
	return bencoded{r.Sub(len(before) - b.Len())}
}

// integer reads a number, without its sign.
func (b *bencoded) integer() int {
	b.Skip(1)
	if b.peek() == '-' {
		b.Skip(1)
	}
	return b.digits('e')
}

// bencodedDict reads a dictionary's entries. Its keys are sorted (BEP 3), so that none comes twice.
type bencodedDict struct {
	bencoded
	last []byte // the previous key
}

// openDict reads a dictionary's first byte.
func (b bencoded) openDict() bencodedDict {
	if b.U8() != 'd' {
		b.Fail()
	}
	return bencodedDict{bencoded: b}
}

// next reads the next key and value. It is false at the dictionary's end, and after a failed read.
func (d *bencodedDict) next() (key []byte, value bencoded, ok bool) {
	if d.peek() == 'e' {
		d.Skip(1)
		return nil, value, false
	}
	key = d.text()
	value = d.value(maxBencodedDepth)
	if d.last != nil && bytes.Compare(key, d.last) <= 0 {
		d.Fail()
	}
	d.last = key
	return key, value, d.OK()
}

// dhtMessage has the entries of a message that are of interest.
type dhtMessage struct {
	kind                       byte // y: q, r or e
	id, method, version        []byte
	arguments, result, failure bencoded
}

const (
	dhtIDSize   = 20 // bytes of a node's ID or an info hash
	maxDHTPeers = 64 // nodes or peers that are printed
)

func parseDHT(h *Hint, _ *Conn, in Input) Verdict {
	d := bencoded{wire.New(in.Data)}.openDict()
	var m dhtMessage
	for key, value, ok := d.next(); ok; key, value, ok = d.next() {
		m.entry(key, value)
	}
	if !d.OK() || !d.Empty() || m.id == nil {
		return Reject
	}
	h.Next = len(in.Data)
	h.hexStr(keyTransactionID, m.id)
	if m.version != nil {
		h.hexStr(keyClientVersion, m.version)
	}
	if !m.print(h) {
		return Reject
	}
	return Done
}

func (m *dhtMessage) entry(key []byte, value bencoded) {
	switch string(key) {
	case "y":
		if y := value.text(); len(y) == 1 {
			m.kind = y[0]
		}
	case "t":
		m.id = value.text()
	case "q":
		m.method = value.text()
	case "v":
		m.version = value.text()
	case "a":
		m.arguments = value
	case "r":
		m.result = value
	case "e":
		m.failure = value
	}
}

// print adds the query, the response or the error. It is false if the message lacks what its type requires.
func (m *dhtMessage) print(h *Hint) bool {
	switch {
	case m.kind == 'q' && isText(m.method):
		h.Role = Request
		h.Str(keyRequestType, m.method)
		return printDHT(h, keyRequest, m.arguments)
	case m.kind == 'r':
		h.Role = Response
		return printDHT(h, keyResponse, m.result)
	case m.kind == 'e':
		h.Role = Response
		return printDHTError(h, m.failure)
	}
	return false
}

// printDHTError adds an error, which is a list of a number and a text.
func printDHTError(h *Hint, b bencoded) bool {
	if b.U8() != 'l' {
		return false
	}
	number := b.integer()
	message := b.text()
	if !b.OK() {
		return false
	}
	h.Object(keyError)
	h.Int(keyNum, int64(number))
	h.Str(keyMsg, message)
	h.End()
	return true
}

// printDHT adds the arguments of a query or the values of a response. Both have the sender's ID.
func printDHT(h *Hint, object Key, b bencoded) bool {
	d := b.openDict()
	h.Object(object)
	sound := false
	for key, value, ok := d.next(); ok; key, value, ok = d.next() {
		if string(key) == "id" {
			id := value.text()
			sound = len(id) == dhtIDSize
			h.hexStr(keyID, id)
		} else if object == keyRequest {
			printDHTArgument(h, key, value)
		} else {
			printDHTResult(h, key, value)
		}
	}
	h.End()
	return sound && d.OK()
}

func printDHTArgument(h *Hint, key []byte, value bencoded) {
	switch string(key) {
	case "target":
		h.hexStr(keyTarget, value.text())
	case "info_hash":
		h.hexStr(keyInfoHash, value.text())
	case "token":
		h.hexStr(keyToken, value.text())
	case "implied_port":
		h.Int(keyImpliedPort, int64(value.integer()))
	case "port":
		h.Int(keyPort, int64(value.integer()))
	}
}

func printDHTResult(h *Hint, key []byte, value bencoded) {
	switch string(key) {
	case "nodes":
		printDHTNodes(h, keyNodes, value.text(), 4)
	case "nodes6":
		printDHTNodes(h, keyNodes6, value.text(), 16)
	case "token":
		h.hexStr(keyToken, value.text())
	case "values":
		printDHTPeers(h, value)
	}
}

// printDHTNodes adds nodes, each an ID, an address of the given size, and a port.
func printDHTNodes(h *Hint, key Key, text []byte, size int) {
	mark := h.openList(key)
	r := wire.New(text)
	for n := 0; n < maxDHTPeers && r.Len() >= dhtIDSize+size+2; n++ {
		h.Object(element)
		h.hexStr(keyID, r.Bytes(dhtIDSize))
		printDHTPeer(h, &r, size)
		h.End()
	}
	h.closeList(mark)
}

// printDHTPeers adds a list of texts, each an address and a port.
func printDHTPeers(h *Hint, list bencoded) {
	mark := h.openList(keyValues)
	list.Skip(1)
	for n := 0; n < maxDHTPeers && list.OK() && list.peek() != 'e'; n++ {
		value := list.value(maxBencodedDepth)
		r := wire.New(value.text())
		if size := r.Len() - 2; size == 4 || size == 16 {
			h.Object(element)
			printDHTPeer(h, &r, size)
			h.End()
		}
	}
	h.closeList(mark)
}

func printDHTPeer(h *Hint, r *wire.Cursor, size int) {
	h.addrStr(keyIP, r.Bytes(size))
	h.Int(keyPort, int64(r.U16()))
}

// Keys of the fields.
var (
	keyImpliedPort = KeyOf("implied_port")
	keyIP          = KeyOf("ip")
	keyMsg         = KeyOf("msg")
	keyNodes       = KeyOf("nodes")
	keyNodes6      = KeyOf("nodes6")
	keyNum         = KeyOf("num")
	keyRequestType = KeyOf("request_type")
	keyTarget      = KeyOf("target")
	keyToken       = KeyOf("token")
	keyValues      = KeyOf("values")
)
