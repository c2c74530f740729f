package l7

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// unhex reads hexadecimal digits with space between them.
func unhex(t require.TestingT, text string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	require.NoError(t, err)
	return b
}

// readPacket gives a datagram to a protocol's parser and returns what it prints; empty if it is rejected.
func readPacket(t require.TestingT, p Proto, data []byte) string {
	var h Hint
	m := message{parse: Table[p].Datagram}
	return m.try(t, &h, Input{Data: data, Final: true}).text
}

const noise16 = "9c5be1017d32a8f4c6530e7b91d8462f"

// TestPackets has messages that the recordings do not: of programs that are hard to come by, or of the past.
func TestPackets(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("00", n) }
	for name, c := range map[string]struct {
		proto Proto
		data  string
		want  []string // none: it is rejected
	}{
		"SNTP with zeros alone": {NTP, "1b" + zeros(47), []string{"> request", "version 3", "mode 3", "stratum 0"}},
		"NTP from GPS": {NTP, "24 01 06 e9 00000000 00000010 47505300 e8000000 00000000 e8000010 11111111" +
			"e8000010 22222222 e8000010 33333333", []string{"> response stop", "stratum 1", `+reference "GPS"`}},
		"NTP's kiss of death": {NTP, "e4 00 06 e9 00000000 00000000 52415445 00000000 00000000 e8000010 11111111" +
			"e8000010 22222222 e8000010 22222222", []string{`+reference "RATE"`}},
		"NTP with receipt long before": {NTP, "24 01 06 e9 00000000 00000010 47505300 e8000000 00000000 e8000010 11111111" +
			"d8000010 22222222 e8000010 33333333", nil},
		"ntpq asks for variables": {NTP, "16 02 0001 0000 0000 0000 0000", []string{"> request", "mode 6", `+operation "read_variables"`}},
		"ntpd reads its variables": {NTP, "16 82 0001 0615 0000 0000 0009" + hex.EncodeToString([]byte("version=4")) + zeros(3),
			[]string{"> response stop", "mode 6"}},
		"a DNS response like ntpd's": {NTP, "16 85 8180 0001 0001 0000 0001 03323330 03313434 0331313300", nil},
		"ntpdc asks who was there":   {NTP, "17 00 03 2a 0000 0000", []string{"> request", "mode 7", "+request 42"}},
		"ntpd lists its clients":     {NTP, "97 00 03 2a 0001 0048" + zeros(72), []string{"> response stop", "+request 42"}},
		"mode 7 of a wrong size":     {NTP, "97 00 03 2a 0002 0048" + zeros(72), nil},

		"STUN of RFC 3489": {STUN, "0101 000c" + noise16 + "0001 0008 0001 9c40 c0000207",
			[]string{"> response", `mapped_address "192.0.2.7:40000"`}},
		"STUN of RFC 3489, bare": {STUN, "0001 0000" + noise16, nil},
		"STUN of a wrong length": {STUN, "0001 0004 2112a442" + noise16[:24], nil},
		"an indication of STUN":  {STUN, "0011 0000 2112a442" + noise16[:24], []string{"> framing"}},
		"STUN's address of IPv6": {STUN, "0101 0018 2112a442 000102030405060708090a0b 0020 0014 0002 bd52 0113a9fa 00010203 04050607 08090a0a",
			[]string{`xor_mapped_address "[2001:db8::1]:40000"`}},
		"STUN with odd attribute": {STUN, "0001 0008 2112a442" + noise16[:24] + "0006 0004 616e6e65", []string{`username "anne"`}},

		"WireGuard's cookie":         {WireGuard, "03000000 01020304" + strings.Repeat(noise16, 3) + noise16[:16], []string{"> response"}},
		"WireGuard without noise":    {WireGuard, "01000000" + zeros(144), nil},
		"WireGuard of an odd size":   {WireGuard, "04000000 01020304 0500000000000000" + noise16 + "00", nil},
		"WireGuard's reserved bytes": {WireGuard, "04000001 01020304 0500000000000000" + noise16, nil},

		"TFTP writes":          {TFTP, "0002" + hex.EncodeToString([]byte("log\x00NETASCII\x00")), []string{`packet "write"`, `mode "NETASCII"`}},
		"TFTP's options":       {TFTP, "0006" + hex.EncodeToString([]byte("blksize\x001408\x00")), []string{"> response stop", `+options {blksize "1408"}`}},
		"TFTP in no mode":      {TFTP, "0001" + hex.EncodeToString([]byte("log\x00text\x00")), nil},
		"TFTP without options": {TFTP, "0006", nil},

		"OpenVPN with a counter too high": {OpenVPN, "38" + noise16[:16] + noise16 + "01020304 00ffffff 683a0000 00 00000000", nil},
		"OpenVPN of another packet":       {OpenVPN, "38" + noise16[:16] + "00 00000001", nil},

		"DHT's error": {DHT, hex.EncodeToString([]byte("d1:eli201e5:Oopsie1:t2:aa1:y1:ee"))[:62], nil},
		"DHT's other error": {DHT, hex.EncodeToString([]byte("d1:eli201e5:Oops!e1:t2:aa1:y1:ee")),
			[]string{"> response", `error {num 201, msg "Oops!"}`}},
		"DHT's keys out of order": {DHT, hex.EncodeToString([]byte("d1:y1:e1:eli201e5:Oops!e1:t2:aae")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := readPacket(t, c.proto, unhex(t, c.data))
			assert.Equal(t, len(c.want) == 0, got == "", got)
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
		})
	}
}

// TestNoiseIsNothing gives random datagrams, and such as are mostly zero, to the parsers without a magic number.
func TestNoiseIsNothing(t *testing.T) {
	protos := []Proto{NTP, STUN, WireGuard, TFTP, OpenVPN, DHT, SNMP, DHCP}
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 160).Draw(t, "data")
		mask := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 0xff}), 160, 160).Draw(t, "mask")
		for i := range data {
			data[i] &= mask[i]
		}
		for _, p := range protos {
			if p == NTP && len(data) >= 8 && (data[0]&7 == ntpClient || data[0]&7 >= ntpControl) {
				continue // bare requests are all zero but for a byte
			}
			assert.Empty(t, readPacket(t, p, data), "%s read %x", p, data)
		}
	})
}

// TestNTPTimesLieTogether moves one timestamp of a server's message, which is then believed only near the others.
func TestNTPTimesLieTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.Uint32().Draw(t, "now")
		apart := rapid.Int32().Draw(t, "apart")
		b := make([]byte, 48)
		b[0], b[1] = 0x24, 2
		binary.BigEndian.PutUint32(b[32:], now+uint32(apart))
		b[39] = 1 // no timestamp is zero
		binary.BigEndian.PutUint32(b[40:], now)
		b[47] = 1
		near := apart < ntpNear && apart > -ntpNear
		assert.Equal(t, near, readPacket(t, NTP, b) != "")
	})
}
