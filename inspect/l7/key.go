package l7

// Key is the name of a field, by its number. Fields have the number, so that they are small and the garbage collector has no
// pointer in them to follow. The zero Key is the empty name.
type Key uint16

// keys are the names that there are, complete when the variables of all packages have their first values. Nobody writes to
// them later, so that they can be read without a lock.
var keys = struct {
	numbers map[string]Key
	names   []string
	members []string
}{map[string]Key{"": 0}, []string{""}, []string{""}}

// KeyOf returns the key of a name, which needs no escaping in JSON. A new name is only for the first values of variables.
func KeyOf(name string) Key {
	k, known := keys.numbers[name]
	if !known {
		k = Key(len(keys.names))
		keys.numbers[name] = k
		keys.names, keys.members = append(keys.names, name), append(keys.members, `"`+name+`":`)
	}
	return k
}

// String returns the name, in Suricata's spelling.
func (k Key) String() string { return keys.names[k] }

// Member returns what a member of a JSON object begins with: the name in quotes, and the colon. It is empty for the zero Key,
// which the elements of an array have.
func (k Key) Member() string { return keys.members[k] }

// element is the key of what is in an array.
const element Key = 0

// Keys of what several protocols say.
var (
	keyAddress         = KeyOf("address")
	keyClient          = KeyOf("client")
	keyClientALPNs     = KeyOf("client_alpns")
	keyClientID        = KeyOf("client_id")
	keyClientVersion   = KeyOf("client_version")
	keyCode            = KeyOf("code")
	keyCommand         = KeyOf("command")
	keyData            = KeyOf("data")
	keyDatabase        = KeyOf("database")
	keyDomain          = KeyOf("domain")
	keyError           = KeyOf("error")
	keyErrorCode       = KeyOf("error_code")
	keyFile            = KeyOf("file")
	keyFingerprint     = KeyOf("fingerprint")
	keyFlags           = KeyOf("flags")
	keyFrom            = KeyOf("from")
	keyHash            = KeyOf("hash")
	keyHost            = KeyOf("host")
	keyHostname        = KeyOf("hostname")
	keyHTTPContentType = KeyOf("http_content_type")
	keyHTTPMethod      = KeyOf("http_method")
	keyHTTPPort        = KeyOf("http_port")
	keyHTTPRefer       = KeyOf("http_refer")
	keyHTTPUserAgent   = KeyOf("http_user_agent")
	keyID              = KeyOf("id")
	keyInfoHash        = KeyOf("info_hash")
	keyLength          = KeyOf("length")
	keyMechanism       = KeyOf("mechanism")
	keyMessage         = KeyOf("message")
	keyMethod          = KeyOf("method")
	keyMode            = KeyOf("mode")
	keyName            = KeyOf("name")
	keyOpcode          = KeyOf("opcode")
	keyOperation       = KeyOf("operation")
	keyOptions         = KeyOf("options")
	keyPort            = KeyOf("port")
	keyProtocolVersion = KeyOf("protocol_version")
	keyRaw             = KeyOf("raw")
	keyRealm           = KeyOf("realm")
	keyReason          = KeyOf("reason")
	keyRedirect        = KeyOf("redirect")
	keyReply           = KeyOf("reply")
	keyRequest         = KeyOf("request")
	keyResponse        = KeyOf("response")
	keySerial          = KeyOf("serial")
	keyServer          = KeyOf("server")
	keyServerVersion   = KeyOf("server_version")
	keySessionID       = KeyOf("session_id")
	keySNI             = KeyOf("sni")
	keySoftwareVersion = KeyOf("software_version")
	keyStatus          = KeyOf("status")
	keyStatusCode      = KeyOf("status_code")
	keyString          = KeyOf("string")
	keyTo              = KeyOf("to")
	keyTransactionID   = KeyOf("transaction_id")
	keyType            = KeyOf("type")
	keyURL             = KeyOf("url")
	keyUser            = KeyOf("user")
	keyUserAgent       = KeyOf("user_agent")
	keyUsername        = KeyOf("username")
	keyVersion         = KeyOf("version")
	keyXFF             = KeyOf("xff")
)
