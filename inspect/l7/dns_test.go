package l7

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
	"pgregory.net/rapid"
)

// dnsHead packs a header.
func dnsHead(flags uint16, counts ...uint16) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x12, 0x34}, flags)
	for i := range 4 {
		n := uint16(0)
		if i < len(counts) {
			n = counts[i]
		}
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return b
}

// dnsWire packs a name without compression, and what is given behind it.
func dnsWire(name string, tail ...byte) (b []byte) {
	for label := range strings.SplitSeq(name, ".") {
		if label != "" {
			b = append(append(b, byte(len(label))), label...)
		}
	}
	return append(append(b, 0), tail...)
}

// dnsRR packs a resource of class IN.
func dnsRR(name []byte, typ uint16, data ...byte) []byte {
	b := binary.BigEndian.AppendUint16(name[:len(name):len(name)], typ)
	b = append(b, 0, 1, 0, 0, 0, 60)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
}

// dnsText parses a datagram and returns the printed message, empty if it is rejected.
func dnsText(t require.TestingT, data []byte) string {
	m := message{parse: parseDNS}
	var h Hint
	got := m.try(t, &h, Input{Data: data, Final: true})
	require.NotEqual(t, More, got.verdict)
	return got.text
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

var question = dnsWire("a.example", 0, 1, 0, 1)

func TestDNSRejects(t *testing.T) {
	netbios := dnsWire(strings.Repeat("CA", 16), 0, 32, 0, 1)
	for name, data := range map[string][]byte{
		"empty":                                   {},
		"a header without more":                   dnsHead(0x0100),
		"a question cut":                          join(dnsHead(0x0100, 1), question[:len(question)-1]),
		"an opcode out of use":                    join(dnsHead(1<<dnsOpcodeShift, 1), question),
		"a class out of use":                      join(dnsHead(0x0100, 1), dnsWire("a.example", 0, 1, 0, 9)),
		"a label type":                            join(dnsHead(0x0100, 1), []byte{0x41, 'a', 0, 0, 1, 0, 1}),
		"a second question":                       join(dnsHead(0x0100, 2), question, dnsWire("b.example", 0, 1, 7, 7)),
		"a name of 256 bytes":                     join(dnsHead(0x0100, 1), dnsWire(strings.Repeat("abcdefg.", 31)+"abcdef", 0, 1, 0, 1)),
		"a pointer to itself":                     join(dnsHead(0x0100, 1), []byte{0xc0, 12, 0, 1, 0, 1}),
		"a pointer forward":                       join(dnsHead(0x0100, 2), []byte{0xc0, 18, 0, 1, 0, 1}, question),
		"NetBIOS query":                           join(dnsHead(0x0110, 1), netbios),
		"NetBIOS status query":                    join(dnsHead(0x0000, 1), dnsWire("CK"+strings.Repeat("A", 30), 0, 33, 0, 1)),
		"NetBIOS response":                        join(dnsHead(0x8500, 0, 1), dnsRR(dnsWire(strings.Repeat("CA", 16)), 32, 0, 0, 10, 0, 0, 1)),
		"an address of 3 bytes":                   join(dnsHead(0x8400, 0, 1), dnsRR(dnsWire("a.example"), 1, 1, 2, 3)),
		"a named OPT":                             join(dnsHead(0x8400, 0, 0, 0, 1), dnsRR(dnsWire("a.example"), 41)),
		"a good answer to none":                   dnsHead(0x8400),
		"an error and something":                  append(dnsHead(0x8401), 0),
		"more questions than 64 KiB has room for": join(dnsHead(0x0100, 14000), question),
	} {
		assert.Empty(t, dnsText(t, data), name)
	}
}

// TestDNSReadsWhatIsThere reads messages that end early, or say nothing sensible from some place on.
func TestDNSReadsWhatIsThere(t *testing.T) {
	pointer := []byte{0xc0, 12}
	for name, c := range map[string]struct{ data, same []byte }{
		"cut in the second answer": {
			join(dnsHead(0x8180, 1, 2), question, dnsRR(pointer, 1, 192, 0, 2, 1), dnsRR(pointer, 1, 192, 0, 2, 2)[:14]),
			join(dnsHead(0x8180, 1, 1), question, dnsRR(pointer, 1, 192, 0, 2, 1)),
		},
		"an answer of an unknown class": {
			join(dnsHead(0x8180, 1, 2), question, dnsRR(pointer, 1, 192, 0, 2, 1), pointer, make([]byte, 10)),
			join(dnsHead(0x8180, 1, 1), question, dnsRR(pointer, 1, 192, 0, 2, 1)),
		},
		"bytes behind the message": {
			append(join(dnsHead(0x0100, 1), question), "behind"...),
			join(dnsHead(0x0100, 1), question),
		},
	} {
		assert.NotEmpty(t, dnsText(t, c.same), name)
		assert.Equal(t, dnsText(t, c.same), dnsText(t, c.data), name)
	}
}

func TestDNSNames(t *testing.T) {
	long := strings.Repeat("abcdefg.", 31) + "abcde" // 253 letters and dots: 255 bytes
	for _, c := range []struct{ wire, name string }{
		{"\x01a\x07example\x00", "a.example"},
		{"\x00", ""},
		{"\x04a.\x00\"\x00", "a.\x00\""},
		{string(dnsWire(long)), long},
	} {
		data := join(dnsHead(0x0100, 1), []byte(c.wire), []byte{0, 1, 0, 1})
		var h Hint
		require.Equal(t, Done, parseDNS(&h, &Conn{}, Input{Data: data, Final: true}), "%q", c.wire)
		assert.Equal(t, c.name, fieldText(&h, "rrname"))
	}
}

// fieldText returns the first text with a key.
func fieldText(h *Hint, key string) string {
	for _, f := range h.Fields {
		if f.Key.String() == key {
			return string(f.Text)
		}
	}
	return "no " + key
}

// TestDNSCompression follows pointers from name to name, as far as names can be long, and no further.
func TestDNSCompression(t *testing.T) {
	for jumps, want := range map[int]bool{1: true, 100: true, maxDNSJumps: true, maxDNSJumps + 1: false} {
		data := join(dnsHead(0x8180, 1, 1), question)
		// A NULL resource whose data are pointers, each to the one before it; the first leads to the question's name.
		var chain []byte
		at := len(data) + 11 // behind a root name and ten bytes of a resource
		for target := 12; len(chain) < 2*(jumps-1); target = at + len(chain) - 2 {
			chain = binary.BigEndian.AppendUint16(chain, 0xc000|uint16(target))
		}
		last := 12
		if len(chain) > 0 {
			last = at + len(chain) - 2
		}
		data = append(data, dnsRR([]byte{0}, dnsTypeNULL, chain...)...)
		owner := binary.BigEndian.AppendUint16(nil, 0xc000|uint16(last))
		data = append(data, dnsRR(owner, dnsTypeA, 192, 0, 2, 7)...)
		binary.BigEndian.PutUint16(data[6:], 2)
		answer := `{rrname "a.example", rrtype "A", ttl 60, rdata "192.0.2.7"}`
		assert.Equal(t, want, strings.Contains(dnsText(t, data), answer), "%d jumps", jumps)
	}
}

func TestDNSData(t *testing.T) {
	for _, c := range []struct {
		typ  uint16
		data string
		want string
	}{
		{dnsTypeAAAA, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", `rdata "2001:db8::1"`},
		{dnsTypeTXT, "\x03one\x00\x03two", `rdata "onetwo"`},
		{dnsTypeTXT, "\x09cut", ``},
		{dnsTypeNULL, "\x00\xff", `rdata "\x00\xff"`},
		{dnsTypeDNAME, "\x01b\x00", `rdata "b"`},
		{dnsTypeMX, "\x00\x05\x02mx\x00", `rdata "mx"`},
		{dnsTypeMX, "\x00", ``},
		{dnsTypeCNAME, "\xc0\xff", ``},
		{dnsTypeCAA, "\x80\x05issueca\"\x01", `rdata "128 issue \"ca\\034\\001\""`},
		{dnsTypeHTTPS, "\x00\x00\x03cdn\x07example\x00", `rdata "0 cdn.example"`},
		{dnsTypeSVCB, "\x00\x01\x00" + "\x00\x00\x00\x04\x00\x01\x00\x04" + "\x00\x01\x00\x06\x02h2\x02h," + "\x00\x02\x00\x00" +
			"\x00\x03\x00\x02\x20\xfb" + "\x00\x04\x00\x08\xc0\x00\x02\x01\xc0\x00\x02\x02" + "\x00\x05\x00\x02\xfe\x0d" +
			"\x00\x06\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" + "\x00\x07\x00\x02/q" + "\x02\x9a\x00\x01 ",
			`rdata "1 . mandatory=alpn,ipv4hint alpn=h2,h\\044 no-default-alpn port=8443 ipv4hint=192.0.2.1,192.0.2.2 ` +
				`ech=/g0= ipv6hint=2001:db8::2 dohpath=/q key666=\\032"`},
		{dnsTypeHTTPS, "\x00\x01\x00\x00\x04\x00\x09\xc0", ``},
		{dnsTypeSSHFP, "\x04\x02\xab\xcd", `sshfp {fingerprint "ab:cd", algo 4, type 2}`},
		{dnsTypeSRV, "\x00\x01\x00\x02\x00\x03\x01s\x00", `srv {priority 1, weight 2, port 3, name "s"}`},
		{48, "\x01\x01\x03\x08key", ``},
	} {
		text := dnsText(t, join(dnsHead(0x8180, 1, 1), question, dnsRR([]byte{0xc0, 12}, c.typ, []byte(c.data)...)))
		require.NotEmpty(t, text)
		assert.Equal(t, c.want != "", strings.Contains(text, "rdata") || strings.Contains(text, "{fingerprint") ||
			strings.Contains(text, "{priority"), "%d %q: %s", c.typ, c.data, text)
		assert.Contains(t, text, c.want)
	}
}

// TestDNSMulticast reads what mDNS does otherwise: a bit in the class, and answers without a question.
func TestDNSMulticast(t *testing.T) {
	unicast := dnsText(t, join(dnsHead(0, 1), dnsWire("_http._tcp.local", 0, 12, 0x80, 1)))
	assert.Contains(t, unicast, `{rrname "_http._tcp.local", rrtype "PTR"}`)
	flush := dnsRR(dnsWire("host.local"), dnsTypeA, 192, 0, 2, 9)
	flush[len(flush)-12] |= 0x80
	assert.Contains(t, dnsText(t, join(dnsHead(0x8400, 0, 1), flush)), `rdata "192.0.2.9"`)
}

func TestDNSErrorWithoutQuestion(t *testing.T) {
	assert.Contains(t, dnsText(t, dnsHead(0x8001)), `rcode "FORMERR"`)
}

// TestDNSOptions keeps the options before one that is cut.
func TestDNSOptions(t *testing.T) {
	opt := func(data string) string {
		return dnsText(t, join(dnsHead(0x0100, 1, 0, 0, 1), question, dnsRR([]byte{0}, dnsTypeOPT, []byte(data)...)))
	}
	assert.Contains(t, opt("\x00\x0f\x00\x02\x00\x16"), `{code 15, data "0016"}`)
	assert.Contains(t, opt("\x00\x03\x00\x00\x00\x0f\x00\x03\x00"), `{code 3, data ""}`)
	assert.NotContains(t, opt("\x00\x0f\x00\x03\x00"), "opt")
	assert.Contains(t, opt(""), "+edns {udp_size 1, version 0}")
}

// TestDNSBounds has the most that 64 KiB can say in records whose names are long.
func TestDNSBounds(t *testing.T) {
	long := strings.Repeat(strings.Repeat("x", 62)+".", 4)
	soa := join([]byte{0xc0, 12, 0xc0, 12}, make([]byte, 20))
	options := []byte(strings.Repeat("\x00\x0c\x00\x00", 900))
	for name, c := range map[string]struct {
		resource []byte
		section  int
	}{
		"SOA":   {dnsRR([]byte{0xc0, 12}, dnsTypeSOA, soa...), 1},
		"SSHFP": {dnsRR([]byte{0}, dnsTypeSSHFP, make([]byte, 64)...), 1},
		"A":     {dnsRR([]byte{0}, dnsTypeA, 192, 0, 2, 1), 1},
		"TXT":   {dnsRR([]byte{0}, dnsTypeTXT, make([]byte, 4000)...), 1},
		"SVCB":  {dnsRR([]byte{0}, dnsTypeSVCB, join([]byte{0, 1, 0}, bytes.Repeat([]byte{0, 0, 0, 2, 0, 2}, 600))...), 1},
		"OPT":   {dnsRR([]byte{0}, dnsTypeOPT, options...), 3},
	} {
		data := join(dnsHead(0x8180, 1), dnsWire(long, 0, 1, 0, 1))
		n := (maxDNSMessage - len(data)) / len(c.resource)
		for range n {
			data = append(data, c.resource...)
		}
		binary.BigEndian.PutUint16(data[4+2*c.section:], uint16(n))
		assert.NotEmpty(t, dnsText(t, data), name) // the bounds are checkHint's
	}
}

// TestDNSAgainstPacker packs messages with another implementation and finds in the hint what went into them.
func TestDNSAgainstPacker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := dnsmessage.MustNewName(rapid.StringMatching(`([a-z0-9_-]{1,20}\.){1,6}`).Draw(t, "name"))
		other := dnsmessage.MustNewName(rapid.StringMatching(`([a-z]{1,9}\.){1,3}`).Draw(t, "other"))
		addr := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		m := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: rapid.Uint16().Draw(t, "id"), Response: true, RecursionAvailable: true},
			Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
			Answers: []dnsmessage.Resource{
				{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}, Body: &dnsmessage.CNAMEResource{CNAME: other}},
				{Header: dnsmessage.ResourceHeader{Name: other, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: addr}},
			},
		}
		data, err := m.Pack()
		require.NoError(t, err)
		var h Hint
		require.Equal(t, Done, parseDNS(&h, &Conn{}, Input{Data: data, Final: true}))
		var texts []string
		for _, f := range h.Fields {
			if f.Key == keyRRName || f.Key == keyRData {
				texts = append(texts, string(f.Text))
			}
		}
		dot := func(n dnsmessage.Name) string { return strings.TrimSuffix(n.String(), ".") }
		require.Equal(t, []string{dot(name), dot(name), dot(other), dot(other), netip.AddrFrom4(addr).String()}, texts)
	})
}
