package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// Kafka's protocol. A client's first request, which identifies the client, makes one event together with its response.
//
// There is no magic number, so all parts of the header must be plausible: a known API in an existing version, and a client ID
// of the usual characters. Conn.Mode is whether the client sent its request, Left is the request's correlation ID, and Bits is
// whether it asked for the server's versions.

const kafkaAsked = 1

const (
	kafkaVersions     = 18 // the API key of ApiVersions, with which clients begin
	kafkaFlexible     = 3  // its first version with compact strings
	minKafkaRequest   = 2 + 2 + 4 + 2
	maxKafkaRequest   = 1 << 20 // of a first request; later ones have batches of records
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
	var q kafkaRequest
	if v := q.read(in); v != Done {
		return v
	}
	h.Int(keyAPIKey, int64(q.key))
	h.Const(keyAPI, kafkaAPIs[q.key].name)
	h.Int(keyAPIVersion, int64(q.version))
	h.Str(keyClientID, q.client)
	if q.key == kafkaVersions {
		if !printKafkaSoftware(h, q.version, q.body) {
			return Reject
		}
		c.Bits = 1
	}
	side := in.Side & 1
	c.Mode[side], c.Left[side] = kafkaAsked, q.correlation
	h.Role, h.Next = Request, Stop
	return Done
}

// kafkaRequest is a request's header, and a cursor behind it.
type kafkaRequest struct {
	key, version uint16
	correlation  uint32
	client       []byte
	body         wire.Cursor
}

func (q *kafkaRequest) read(in Input) Verdict {
	r := wire.New(in.Data)
	size := int(r.U32())
	if len(in.Data) > 0 && in.Data[0] != 0 || r.OK() && (size < minKafkaRequest || size > maxKafkaRequest) {
		return Reject
	}
	q.body = r.Upto(size)
	n := q.body.Len()
	if !q.plausible() {
		return Reject
	}
	length := int(q.body.U16())
	if q.body.OK() && (length == 0 || length > maxKafkaClientID || minKafkaRequest+length > size) {
		return Reject
	}
	q.client = q.body.Bytes(length)
	switch {
	case !q.body.OK(), q.key == kafkaVersions && n < size:
		return moreUnless(in.Final)
	case !isKafkaID(q.client):
		return Reject
	}
	return Done
}

// plausible reads the header up to the client ID, and reports whether the available part can be that of a first request.
func (q *kafkaRequest) plausible() bool {
	n := q.body.Len()
	q.key, q.version, q.correlation = q.body.U16(), q.body.U16(), q.body.U32()
	api := kafkaAPIs[q.key]
	return (n < 2 || api.name != "") && (n < 4 || q.version <= api.highest) && (n < 8 || q.correlation <= maxKafkaFirstID)
}

// isKafkaID reports whether a client ID has the usual characters only.
func isKafkaID(id []byte) bool {
	for _, b := range id {
		if !isAlphanumeric(b) && b != '.' && b != '-' && b != '_' && b != ':' && b != '/' && b != '@' && b != ' ' {
			return false
		}
	}
	return true
}

// printKafkaSoftware prints the name and version of the client's library. It is false if the request has the wrong length.
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
	h.Str(keySoftwareName, name)
	h.Str(keySoftwareVersion, release)
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
		h.Int(keyErrorCode, int64(code))
	}
	return Done
}

// Keys of the fields.
var (
	keyAPI          = KeyOf("api")
	keyAPIKey       = KeyOf("api_key")
	keyAPIVersion   = KeyOf("api_version")
	keySoftwareName = KeyOf("software_name")
)
