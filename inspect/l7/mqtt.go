package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// MQTT 3.1, 3.1.1 and 5 (OASIS). The CONNECT and its CONNACK make one event.
//
// Conn.Mode is the version that the client asked for.

// The first byte of the two packets that are read: type and flags, which are reserved.
const (
	mqttConnect = 0x10
	mqttConnack = 0x20
)

// Flags of a CONNECT; MQTT 5 section 3.1.2.3.
const (
	mqttReserved   = 0x01
	mqttClean      = 0x02
	mqttWill       = 0x04
	mqttWillQoS    = 0x18
	mqttWillRetain = 0x20
	mqttPassword   = 0x40
	mqttUsername   = 0x80
)

const (
	mqtt5          = 5
	minMQTTConnect = 2 + 4 + 1 + 1 + 2 + 2 // protocol name, level, flags, keep-alive, an empty client ID
	maxMQTTConnack = 1 << 10
)

func parseMQTT(h *Hint, c *Conn, in Input) Verdict {
	if version := c.Mode[1^in.Side&1]; version != 0 {
		return parseMQTTConnack(h, version, in)
	}
	return parseMQTTConnect(h, c, in)
}

// mqttPacket reads the available part of a packet. ok is false if the packet is of another type.
func mqttPacket(data []byte, first uint8) (body wire.Cursor, size int, whole, ok bool) {
	r := wire.New(data)
	if typ := r.U8(); r.OK() && typ != first {
		return body, 0, false, false
	}
	size, done := mqttNumber(&r)
	if !done {
		return body, 0, false, r.Empty()
	}
	whole = r.Len() >= size
	return r.Upto(size), size, whole, true
}

// mqttNumber reads a variable byte integer (section 1.5.5). It is false if that is longer than four bytes or incomplete.
func mqttNumber(r *wire.Cursor) (n int, ok bool) {
	for shift := 0; shift < 28; shift += 7 {
		b := r.U8()
		n |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			return n, r.OK()
		}
	}
	return 0, false
}

func parseMQTTConnect(h *Hint, c *Conn, in Input) Verdict {
	body, size, whole, ok := mqttPacket(in.Data, mqttConnect)
	name := body.Bytes(int(body.U16()))
	level, flags := body.U8(), body.U8()
	switch {
	case !ok, size != 0 && size < minMQTTConnect:
		return Reject
	case body.OK() && !mqttSpeaks(name, level, flags), !mqttMayConnect(in.Data):
		return Reject
	case !body.OK() || !whole && !in.Final:
		return moreUnless(in.Final)
	}
	body.Skip(2) // keep-alive
	if level == mqtt5 {
		skipMQTTProperties(&body)
	}
	id := body.Bytes(int(body.U16()))
	if !body.OK() {
		return Reject
	}
	c.Mode[in.Side&1] = level
	h.Role, h.Next, h.Credentials = Request, Stop, flags&mqttPassword != 0
	h.Object(keyConnect)
	h.Str(keyProtocolString, name)
	h.Int(keyProtocolVersion, int64(level))
	printMQTTFlags(h, flags)
	h.Str(keyClientID, id)
	printMQTTLogin(h, flags, level, body)
	h.End()
	return Done
}

// mqttMayConnect checks the first bytes of a CONNECT whose protocol name is incomplete: after a length of one to four bytes
// there are a zero, the length of the name, and the name's first two letters.
func mqttMayConnect(data []byte) bool {
	r := wire.New(data)
	r.U8()
	if _, ok := mqttNumber(&r); !ok {
		return r.Empty()
	}
	n := r.Len()
	high, low, m, q := r.U8(), r.U8(), r.U8(), r.U8()
	return high == 0 && (n < 2 || low == 4 || low == 6) && (n < 3 || m == 'M') && (n < 4 || q == 'Q')
}

// mqttSpeaks reports whether name, level and flags are those of an existing version.
func mqttSpeaks(name []byte, level, flags uint8) bool {
	known := string(name) == "MQTT" && (level == 4 || level == mqtt5) || string(name) == "MQIsdp" && level == 3
	return known && flags&mqttReserved == 0 && (flags&mqttWill != 0 || flags&(mqttWillQoS|mqttWillRetain) == 0)
}

func skipMQTTProperties(body *wire.Cursor) {
	n, ok := mqttNumber(body)
	if !ok {
		body.Fail()
	}
	body.Skip(n)
}

func printMQTTFlags(h *Hint, flags uint8) {
	h.Object(keyFlags)
	for _, f := range [...]struct {
		bit uint8
		key Key
	}{
		{mqttUsername, keyUsername}, {mqttPassword, keyPassword}, {mqttWill, keyWill}, {mqttWillRetain, keyWillRetain},
		{mqttClean, keyCleanSession},
	} {
		if flags&f.bit != 0 {
			h.True(f.key)
		}
	}
	h.End()
}

// printMQTTLogin prints the available fields after the client ID, except the password.
func printMQTTLogin(h *Hint, flags, level uint8, body wire.Cursor) {
	if flags&mqttWill != 0 {
		if level == mqtt5 {
			skipMQTTProperties(&body)
		}
		topic := body.Bytes(int(body.U16()))
		body.Skip(int(body.U16())) // message
		if body.OK() {
			h.Object(keyWill)
			h.Str(keyTopic, topic)
			h.End()
		}
	}
	if flags&mqttUsername != 0 {
		if user := body.Bytes(int(body.U16())); body.OK() {
			h.Str(keyUsername, user)
		}
	}
}

func parseMQTTConnack(h *Hint, version uint8, in Input) Verdict {
	body, size, whole, ok := mqttPacket(in.Data, mqttConnack)
	n := body.Len()
	flags, code := body.U8(), body.U8()
	switch {
	case !ok, size > maxMQTTConnack, version < mqtt5 && whole && size != 2, n > 0 && flags > 1:
		return Reject
	case !whole:
		return moreUnless(in.Final)
	case n < 2:
		return Reject
	}
	h.Role, h.Next = Response, Stop
	h.Object(keyConnack)
	if flags == 1 {
		h.True(keySessionPresent)
	}
	h.Int(keyReturnCode, int64(code))
	h.End()
	return Done
}

// Keys of the fields.
var (
	keyCleanSession   = KeyOf("clean_session")
	keyConnack        = KeyOf("connack")
	keyConnect        = KeyOf("connect")
	keyPassword       = KeyOf("password")
	keyProtocolString = KeyOf("protocol_string")
	keyReturnCode     = KeyOf("return_code")
	keySessionPresent = KeyOf("session_present")
	keyTopic          = KeyOf("topic")
	keyWill           = KeyOf("will")
	keyWillRetain     = KeyOf("will_retain")
)
