package l7

import (
	"sync"
	"sync/atomic"
)

// Key is the name of a field, by its number. Fields hold the number, so that they are small and have no pointer for the garbage
// collector to follow. The zero Key is the empty name.
type Key uint16

// keyTable interns names. Names are added under the lock; the texts are read without it, and a published slice is only ever
// appended to.
type keyTable struct {
	mu      sync.Mutex // guards numbers, and changes of texts
	numbers map[string]Key
	texts   atomic.Pointer[[]keyText] // by number
}

// keyText is how a key is printed.
type keyText struct{ name, member string }

// keys holds the names of all fields. The parsers add theirs when the package is initialized.
var keys = keyTable{numbers: map[string]Key{"": element}}

// KeyOf returns the key of a name, which must need no escaping in JSON. It is safe for concurrent use. There can be 65,535 names,
// so a name must never come from the network.
func KeyOf(name string) Key {
	keys.mu.Lock()
	defer keys.mu.Unlock()
	if k, known := keys.numbers[name]; known {
		return k
	}
	texts := []keyText{{}}
	if published := keys.texts.Load(); published != nil {
		texts = *published
	}
	k := Key(len(texts))
	if int(k) != len(texts) {
		panic("l7: too many keys")
	}
	texts = append(texts, keyText{name, `"` + name + `":`})
	keys.numbers[name] = k
	keys.texts.Store(&texts)
	return k
}

// String returns the name, in Suricata's spelling.
func (k Key) String() string { return (*keys.texts.Load())[k].name }

// Member returns the beginning of a member of a JSON object: the name in quotes, and the colon. It is empty for the zero Key,
// which the elements of an array have.
func (k Key) Member() string { return (*keys.texts.Load())[k].member }

// element is the key of the elements of an array.
const element Key = 0

// Keys that several protocols use.
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
