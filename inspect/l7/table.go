package l7

// Proto numbers the application protocols: the index into Table.
type Proto uint8

// Protocols, in the order in which their parsers are tried.
const (
	None Proto = iota // not yet known, or not recognized
	HTTP
	TLS
	QUIC
	DTLS
	DHCP
	WireGuard
	STUN
	DHT
	SNMP
	OpenVPN
	TFTP
	NTP
	DNS
	HTTP2
	MySQL
	MQTT
	LDAP
	KRB5
	PGSQL
	SMB
	MongoDB
	Kafka
	AMQP
	SSH
	SOCKS
	XMPP
	SIP
	RTSP
	Redis
	Memcached
	Syslog
	SMTP
	FTP
	POP3
	IMAP
	RDP
	Modbus
	BitTorrent
	TDS
	PROXY
	Protos // the number of protocols; not a protocol
)

// Parser is the table's line for a protocol.
type Parser struct {
	Name          string              // app_proto, in Suricata's spelling
	Event         string              // the event's type and object, if they differ from Name
	Stream        Parse               // over TCP; nil if the protocol does not run there
	Datagram      Parse               // over UDP; nil if the protocol does not run there
	Begins        func(b []byte) bool // reports whether a segment begins like a message, to resynchronize after a loss; nil if that is impossible
	First         func(c byte) bool   // reports whether a datagram may begin with a byte; nil if all may
	Transactional bool                // a request and its response make one event
	Extra         bool                // Suricata's schema does not have the object: all fields are printed under hint
	Lookup        bool                // a flow of the protocol looks names up, so it needs no earlier lookup
	Evidence      Evidence            // what a message proves about which side opened the flow
	Bypass        Bypass              // which part of a flow a bypass rule may drop
}

// Evidence is what a protocol's message proves about which side opened its flow: the sender of a request did, and the receiver
// of a response.
type Evidence uint8

// Kinds of evidence. Each has a name of its own in events.
const (
	AnyMessage Evidence = iota
	DNSQuery
	HTTPRequest
	TLSHello
	QUICInitial
	NumEvidence // the number of kinds; not a kind
)

// Bypass is the part of a protocol's flow from which a reader of forwarded packets learns nothing.
type Bypass uint8

// Parts of a flow.
const (
	BypassNothing Bypass = iota
	BypassRecords        // the encrypted records after both hellos: TLSRecord, IsEncryptedTLSRecord
	BypassPackets        // the encrypted packets after the client's hello: IsEncryptedQUIC, IsEncryptedPublicQUIC
	BypassBody           // what follows a message's header: Hint.Next has its length
)

// Table has the protocols that mirrorsink recognizes.
var Table = [Protos]Parser{
	None:       {Name: "failed"},
	HTTP:       {Name: "http", Stream: parseHTTP, Begins: beginsHTTP, Transactional: true, Evidence: HTTPRequest, Bypass: BypassBody},
	TLS:        {Name: "tls", Stream: parseTLS, Begins: beginsTLS, Transactional: true, Evidence: TLSHello, Bypass: BypassRecords},
	QUIC:       {Name: "quic", Datagram: parseQUIC, First: firstQUIC, Evidence: QUICInitial, Bypass: BypassPackets},
	DTLS:       {Name: "dtls", Datagram: parseDTLS, First: firstIs(tlsHandshake), Extra: true},
	DHCP:       {Name: "dhcp", Datagram: parseDHCP, First: firstBetween(bootRequest, bootReply)},
	WireGuard:  {Name: "wireguard", Datagram: parseWireGuard, First: firstBetween(wgInitiation, wgData), Extra: true},
	STUN:       {Name: "stun", Stream: parseSTUNStream, Datagram: parseSTUN, First: firstBetween(0, 0x3f), Extra: true},
	DHT:        {Name: "bittorrent-dht", Event: "bittorrent_dht", Datagram: parseDHT, First: firstIs('d')},
	SNMP:       {Name: "snmp", Datagram: parseSNMP, First: firstIs(derSequence)},
	OpenVPN:    {Name: "openvpn", Stream: parseOpenVPNStream, Datagram: parseOpenVPN, First: firstOpenVPN, Extra: true},
	TFTP:       {Name: "tftp", Datagram: parseTFTP, First: firstIs(0)},
	NTP:        {Name: "ntp", Datagram: parseNTP, First: firstNTP},
	DNS:        {Name: "dns", Stream: parseDNSStream, Datagram: parseDNS, Lookup: true, Evidence: DNSQuery},
	HTTP2:      {Name: "http2", Event: "http", Stream: parseHTTP2, Begins: beginsHTTP2, Transactional: true, Evidence: HTTPRequest},
	MySQL:      {Name: "mysql", Stream: parseMysql, Transactional: true, Extra: true},
	MQTT:       {Name: "mqtt", Stream: parseMQTT, Transactional: true},
	LDAP:       {Name: "ldap", Stream: parseLDAPStream, Datagram: parseLDAP, First: firstIs(derSequence), Transactional: true},
	KRB5:       {Name: "krb5", Stream: parseKrb5Stream, Datagram: parseKrb5, First: firstKrb5},
	PGSQL:      {Name: "pgsql", Stream: parsePgsql, Transactional: true},
	SMB:        {Name: "smb", Stream: parseSMB, Begins: beginsSMB, Transactional: true},
	MongoDB:    {Name: "mongodb", Stream: parseMongoDB, Transactional: true, Extra: true},
	Kafka:      {Name: "kafka", Stream: parseKafka, Transactional: true, Extra: true},
	AMQP:       {Name: "amqp", Stream: parseAMQP, Transactional: true, Extra: true},
	SSH:        {Name: "ssh", Stream: parseSSH, Transactional: true},
	SOCKS:      {Name: "socks", Stream: parseSOCKS, Transactional: true, Extra: true},
	XMPP:       {Name: "xmpp", Stream: parseXMPP, Transactional: true, Extra: true},
	SIP:        {Name: "sip", Stream: parseSIP, Datagram: parseSIP, First: firstSIP, Begins: beginsSIP},
	RTSP:       {Name: "rtsp", Stream: parseRTSP, Transactional: true, Extra: true},
	Redis:      {Name: "redis", Stream: parseRedis, Transactional: true, Extra: true},
	Memcached:  {Name: "memcached", Stream: parseMemcached, Datagram: parseMemcachedDatagram, Transactional: true, Extra: true},
	Syslog:     {Name: "syslog", Stream: parseSyslog, Datagram: parseSyslog, First: firstSyslog, Extra: true},
	SMTP:       {Name: "smtp", Stream: parseSMTP},
	FTP:        {Name: "ftp", Stream: parseFTP},
	POP3:       {Name: "pop3", Stream: parsePOP3},
	IMAP:       {Name: "imap", Stream: parseIMAP, Extra: true},
	RDP:        {Name: "rdp", Stream: parseRDP, Transactional: true},
	Modbus:     {Name: "modbus", Stream: parseModbus, Transactional: true},
	BitTorrent: {Name: "bittorrent", Stream: parseBitTorrent, Transactional: true, Extra: true},
	TDS:        {Name: "tds", Stream: parseTDS, Transactional: true, Extra: true},
	PROXY:      {Name: "proxy", Stream: parseProxy, Begins: beginsProxy, Extra: true},
}

// Event returns the type of the protocol's events, which is also the name of their object.
func (p Proto) Event() string {
	if e := Table[p].Event; e != "" {
		return e
	}
	return Table[p].Name
}

// String returns Suricata's spelling of the protocol.
func (p Proto) String() string { return Table[p].Name }
