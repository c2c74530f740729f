package l7

// MayBeginDatagram returns the protocols over UDP of which a message may begin with a byte: bit i is protocol i. A parser rejects what
// begins otherwise, so it need not be called.
func MayBeginDatagram(first byte) uint64 { return datagramFirst[first] }

var datagramFirst = func() (protos [256]uint64) {
	for i := range protos {
		for proto, parser := range Table {
			if parser.Datagram != nil && (parser.First == nil || parser.First(byte(i))) {
				protos[i] |= 1 << proto
			}
		}
	}
	return protos
}()

// firstBetween returns a test for bytes from low to high.
func firstBetween(low, high byte) func(byte) bool {
	return func(c byte) bool { return c >= low && c <= high }
}

func firstIs(want byte) func(byte) bool { return firstBetween(want, want) }

// firstQUIC is that of a long header, or of a header of Google's with a version.
func firstQUIC(c byte) bool { return c&quicLongHeader != 0 || beginsPublicQUIC(c) }

func firstOpenVPN(c byte) bool {
	return c == ovpnClientReset || c == ovpnServerReset || c == ovpnClientResetV3
}

func firstNTP(c byte) bool {
	version := c >> 3 & 7
	return version >= 1 && version <= ntpMaxVersion
}

// firstKrb5 is the tag of an application.
func firstKrb5(c byte) bool { return c&0xe0 == krb5Application }

// firstSIP is that of a method or of a version, or of an empty line.
func firstSIP(c byte) bool { return isAlphanumeric(c) || c == '\r' || c == '\n' }

// firstSyslog is that of a priority or of a length.
func firstSyslog(c byte) bool { return c == '<' || c >= '0' && c <= '9' }
