package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// Kafka's protocol. A client's first request says who it is, and makes one event together with its response.
//
// There is no magic number, so the header has to be plausible in all its parts: a known API in a version that there is, and
// a client ID of the characters that people use. What is kept in Conn: the client's Mode says that it spoke, Left is the
// correlation ID of its request, and Bits tells whether that asked for the server's versions.

const kafkaAsked = 1

const (
	kafkaVersions     = 18 // the API key of ApiVersions, with which clients begin
	kafkaFlexible     = 3  // its first version with compact strings
	minKafkaRequest   = 2 + 2 + 4 + 2
	maxKafkaRequest   = 1 << 20 // of a first request; later ones carry batches of records
	maxKafkaClientID  = 255
	maxKafkaFirstID   = 1 << 20 // correlation IDs count from 0 or 1
	maxKafkaResponse  = 64 << 20
	kafkaLengthPrefix = 4
)

// kafkaAPIs are the requests with which connections begin, and the highest version of each.
var kafkaAPIs = map[uint16]kafkaAPI{
	0: {"Produce", 13}, 1: {"Fetch", 18}, 2: {"ListOffsets", 11}, 3: {"Metadata", 13}, 8: {"OffsetCommit", 10},
	9: {"OffsetFetch", 10}, 10: {"FindCoordinator", 6}, 11: {"JoinGroup", 9}, 17: {"SaslHandshake", 1},
	kafkaVersions: {"ApiVersions", 4}, 19: {"CreateTopics", 7}, 22: {"InitProducerId", 6}, 32: {"DescribeConfigs", 4},
	60: {"DescribeCluster", 2},
}

type kafkaAPI struct {
	name    string
	highest uint16
}

func parseKafka(h *Hint, c *Conn, in Input) Verdict {
	if c.Mode[1^in.Side&1] == kafkaAsked {
		return parseKafkaResponse(h, c, in)
	}
	r := wire.New(in.Data)
	size := int(r.U32())
	if len(in.Data) > 0 && in.Data[0] != 0 || r.OK() && (size < minKafkaRequest || size > maxKafkaRequest) {
		return Reject
	}
	body := r.Upto(size)
	n := body.Len()
	key, version, correlation := body.U16(), body.U16(), body.U32()
	api := kafkaAPIs[key]
	switch {
	case n >= 2 && api.name == "", n >= 4 && version > api.highest, n >= 8 && correlation > maxKafkaFirstID:
		return Reject
	}
	idSize := int(body.U16())
	id := body.Bytes(idSize)
	switch {
	case n >= minKafkaRequest && (idSize == 0 || idSize > maxKafkaClientID || minKafkaRequest+idSize > size):
		return Reject
	case !body.OK() || n < size && key == kafkaVersions:
		return moreUnless(in.Final)
	case !isKafkaID(id):
		return Reject
	}
	h.Int("api_key", int64(key))
	h.Const("api", api.name)
	h.Int("api_version", int64(version))
	h.Str("client_id", id)
	if key == kafkaVersions && !printKafkaSoftware(h, version, body) {
		return Reject
	}
	side := in.Side & 1
	c.Mode[side], c.Left[side] = kafkaAsked, correlation
	if key == kafkaVersions {
		c.Bits = 1
	}
	h.Role, h.Next = Request, Stop
	return Done
}

// isKafkaID reports whether a client ID is one that programs and people give.
func isKafkaID(id []byte) bool {
	for _, b := range id {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && b != '.' && b != '-' && b != '_' && b != ':' && b != '/' && b != '@' && b != ' ' {
			return false
		}
	}
	return true
}

// printKafkaSoftware prints the name and version of the client's library. It is false if the request does not end where it
// has to.
func printKafkaSoftware(h *Hint, version uint16, body wire.Cursor) bool {
	if version < kafkaFlexible {
		return body.Empty()
	}
	body.Skip(int(body.U8())) // tagged fields of the header: none
	name := body.Bytes(int(body.U8()) - 1)
	release := body.Bytes(int(body.U8()) - 1)
	if !body.OK() {
		return false
	}
	h.Str("software_name", name)
	h.Str("software_version", release)
	return true
}

func parseKafkaResponse(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	size := int(r.U32())
	correlation := r.U32()
	switch {
	case len(in.Data) >= kafkaLengthPrefix && (size < 4 || size > maxKafkaResponse),
		r.OK() && correlation != c.Left[1^in.Side&1]:
		return Reject
	}
	knowsCode := c.Bits != 0 // other responses begin otherwise
	var code uint16
	if knowsCode {
		code = r.U16()
	}
	if !r.OK() {
		return moreUnless(in.Final)
	}
	h.Role, h.Next = Response, Stop
	if knowsCode {
		h.Int("error_code", int64(code))
	}
	return Done
}
