package l7

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// dnsTaught parses a datagram and returns what it hasAnswers, each as "name owner address ttl", with ECH for an address.
func dnsTaught(t require.TestingT, data []byte) []string {
	var h Hint
	require.Equal(t, Done, parseDNS(&h, &Conn{}, Input{Data: data, Final: true}), "%x", data)
	all := []string{}
	for _, a := range h.Answers {
		what := "ECH"
		if !a.ECH {
			what = a.Addr.String()
		}
		all = append(all, fmt.Sprintf("%s %s %s %d", a.Name, a.Owner, what, a.TTL))
	}
	return all
}

// dnsTTL packs a resource of class IN with a time to live.
func dnsTTL(owner string, typ uint16, ttl uint32, data ...byte) []byte {
	b := dnsRR(dnsWire(owner), typ, data...)
	binary.BigEndian.PutUint32(b[len(dnsWire(owner))+4:], ttl)
	return b
}

// dnsResponse packs a good response to the question for a.example with n answers, followed by additionals.
func dnsResponse(answers int, resources ...[]byte) []byte {
	return join(dnsHead(0x8180, 1, uint16(answers), 0, uint16(len(resources)-answers)), question, join(resources...))
}

func TestDNSAnswers(t *testing.T) {
	v6 := "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	addr := dnsTTL("a.example", dnsTypeA, 60, 192, 0, 2, 1)
	toB := dnsTTL("a.example", dnsTypeCNAME, 30, dnsWire("b.example")...)
	toC := dnsTTL("B.example", dnsTypeCNAME, 300, dnsWire("c.example")...)
	ofC := dnsTTL("c.EXAMPLE", dnsTypeA, 60, 192, 0, 2, 3)
	toA := dnsTTL("b.example", dnsTypeCNAME, 300, dnsWire("a.example")...)
	forgery := dnsTTL("bank.example", dnsTypeA, 60, 192, 0, 2, 66)
	service := "\x00\x01\x00" + "\x00\x04\x00\x08\xc0\x00\x02\x01\xc0\x00\x02\x02" + "\x00\x05\x00\x02\xfe\x0d" + "\x00\x06\x00\x10" + v6
	chaos := dnsTTL("a.example", dnsTypeA, 60, 192, 0, 2, 1)
	chaos[len(dnsWire("a.example"))+3] = dnsCH
	for name, c := range map[string]struct {
		data []byte
		want []string
	}{
		"an address":              {dnsResponse(1, addr), []string{"a.example a.example 192.0.2.1 60"}},
		"IPv6":                    {dnsResponse(1, dnsTTL("A.example", dnsTypeAAAA, 1, []byte(v6)...)), []string{"a.example A.example 2001:db8::1 1"}},
		"two addresses":           {dnsResponse(2, addr, addr), []string{"a.example a.example 192.0.2.1 60", "a.example a.example 192.0.2.1 60"}},
		"aliases":                 {dnsResponse(3, toB, toC, ofC), []string{"a.example c.EXAMPLE 192.0.2.3 30"}},
		"aliases in disorder":     {dnsResponse(3, ofC, toC, toB), []string{"a.example c.EXAMPLE 192.0.2.3 30"}},
		"a loop":                  {dnsResponse(3, toB, toA, addr), []string{"a.example a.example 192.0.2.1 60"}},
		"an alias and an address": {dnsResponse(4, addr, toB, toC, ofC), []string{"a.example a.example 192.0.2.1 60", "a.example c.EXAMPLE 192.0.2.3 30"}},
		"an alias is missing":     {dnsResponse(2, toB, ofC), []string{}},
		"another name":            {dnsResponse(2, forgery, addr), []string{"a.example a.example 192.0.2.1 60"}},
		"an additional":           {dnsResponse(1, addr, addr), []string{"a.example a.example 192.0.2.1 60"}},
		"a TTL below 0":           {dnsResponse(1, dnsTTL("a.example", dnsTypeA, 1<<31, 192, 0, 2, 1)), []string{"a.example a.example 192.0.2.1 0"}},
		"a request":               {join(dnsHead(0x0100, 1, 1), question, addr), []string{}},
		"an error":                {join(dnsHead(0x8183, 1, 1), question, addr), []string{}},
		"an update":               {join(dnsHead(0x8000|dnsUpdate<<dnsOpcodeShift, 1, 1), question, addr), []string{}},
		"two questions":           {join(dnsHead(0x8180, 2, 1), question, question, addr), []string{}},
		"another class":           {dnsResponse(1, chaos), []string{}},
		"no question":             {join(dnsHead(0x8400, 0, 1), addr), []string{}},
		"multicast":               {join(dnsHead(0x8400, 0, 1), dnsTTL("host.Local", dnsTypeA, 9, 192, 0, 2, 1)), []string{"host.Local host.Local 192.0.2.1 9"}},
		"multicast goodbye":       {join(dnsHead(0x8400, 0, 1), dnsTTL("host.local", dnsTypeA, 0, 192, 0, 2, 1)), []string{}},
		"not quite multicast":     {join(dnsHead(0x8400, 0, 1), dnsTTL("notlocal", dnsTypeA, 9, 192, 0, 2, 1)), []string{}},
		"a service":               {dnsResponse(1, dnsTTL("a.example", dnsTypeHTTPS, 5, []byte(service)...)), []string{"a.example a.example 192.0.2.1 5", "a.example a.example 192.0.2.2 5", "a.example a.example ECH 5", "a.example a.example 2001:db8::1 5"}},
		"a service of an alias":   {dnsResponse(2, toB, dnsTTL("b.example", dnsTypeSVCB, 50, []byte(service[:15])...)), []string{"a.example b.example 192.0.2.1 30", "a.example b.example 192.0.2.2 30"}},
		"a service that is cut":   {dnsResponse(1, dnsTTL("a.example", dnsTypeHTTPS, 5, []byte("\x00\x01\x00\x00\x05\x00\x09\xfe")...)), []string{}},
	} {
		assert.Equal(t, c.want, dnsTaught(t, c.data), name)
	}
}

// TestDNSAnswersBounded has more addresses, and more aliases, than are followed.
func TestDNSAnswersBounded(t *testing.T) {
	hints := make([]byte, 4*2*maxAnswers)
	service := join([]byte("\x00\x01\x00\x00\x04"), binary.BigEndian.AppendUint16(nil, uint16(len(hints))), hints)
	assert.Len(t, dnsTaught(t, dnsResponse(1, dnsTTL("a.example", dnsTypeHTTPS, 60, service...))), maxAnswers)
	for aliases, want := range map[int]int{maxAliases: 1, maxAliases + 1: 0} {
		chain, owner := []byte{}, "a.example"
		for i := range aliases {
			target := fmt.Sprintf("%d.example", i)
			chain = append(chain, dnsTTL(owner, dnsTypeCNAME, 60, dnsWire(target)...)...)
			owner = target
		}
		chain = append(chain, dnsTTL(owner, dnsTypeA, 60, 192, 0, 2, 1)...)
		assert.Len(t, dnsTaught(t, join(dnsHead(0x8180, 1, uint16(aliases+1)), question, chain)), want, "%d aliases", aliases)
	}
}

// TestDNSAnswersShuffled gives the same resources in any order: what is learned does not depend on it.
func TestDNSAnswersShuffled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a.example"}
		for i := range rapid.IntRange(0, 6).Draw(t, "aliases") {
			names = append(names, fmt.Sprintf("n%d.example", i))
		}
		var resources [][]byte
		least := uint32(1 << 20)
		for i := range names[1:] {
			ttl := rapid.Uint32Range(0, 1<<20).Draw(t, "ttl")
			least = min(least, ttl)
			resources = append(resources, dnsTTL(strings.ToUpper(names[i]), dnsTypeCNAME, ttl, dnsWire(names[i+1])...))
		}
		last := names[len(names)-1]
		resources = append(resources, dnsTTL(last, dnsTypeA, 1<<20, 192, 0, 2, 7),
			dnsTTL("other.example", dnsTypeA, 1, 192, 0, 2, 8))
		shuffled := rapid.Permutation(resources).Draw(t, "order")
		want := []string{fmt.Sprintf("a.example %s 192.0.2.7 %d", last, least)}
		require.Equal(t, want, dnsTaught(t, dnsResponse(len(shuffled), shuffled...)))
	})
}

// TestDNSAliases has one case for each kind of record that leads from a name to another one.
func TestDNSAliases(t *testing.T) {
	addr := dnsTTL("a.example", dnsTypeA, 60, 192, 0, 2, 1)
	toB := dnsTTL("a.example", dnsTypeCNAME, 30, dnsWire("b.example")...)
	toC := dnsTTL("B.example", dnsTypeCNAME, 300, dnsWire("c.example")...)
	toA := dnsTTL("b.example", dnsTypeCNAME, 300, dnsWire("a.example")...)
	service := func(typ uint16, priority byte, target string) []byte {
		return dnsTTL("a.example", typ, 60, append([]byte{0, priority}, dnsWire(target)...)...)
	}
	server := dnsTTL("a.example", dnsTypeSRV, 60, append([]byte{0, 1, 0, 2, 1, 187}, dnsWire("c.example")...)...)
	for name, c := range map[string]struct {
		data []byte
		want []string
	}{
		"none":                  {dnsResponse(1, addr), nil},
		"a chain":               {dnsResponse(2, toC, toB), []string{"a.example b.example 30", "a.example c.example 30"}},
		"the form of an alias":  {dnsResponse(2, service(dnsTypeHTTPS, 0, "b.example"), toC), []string{"a.example b.example 60", "a.example c.example 60"}},
		"the form of a service": {dnsResponse(1, service(dnsTypeSVCB, 1, "b.example")), []string{"a.example b.example 60"}},
		"a service of the name": {dnsResponse(1, service(dnsTypeHTTPS, 1, "")), nil},
		"no service":            {dnsResponse(1, service(dnsTypeHTTPS, 0, "")), nil},
		"two servers":           {dnsResponse(2, server, server), []string{"a.example c.example 60", "a.example c.example 60"}},
		"of another name":       {dnsResponse(2, addr, toC), nil},
		"an error":              {join(dnsHead(0x8183, 1, 1), question, toB), nil},
		"cut":                   {dnsResponse(1, service(dnsTypeHTTPS, 1, "b.example"))[:45], nil},
	} {
		assert.Equal(t, c.want, dnsLedTo(t, c.data), name)
	}
	assert.LessOrEqual(t, len(dnsLedTo(t, dnsResponse(3, toB, toA, addr))), maxAliases, "a loop")
	servers := make([][]byte, 2*maxAnswers)
	for i := range servers {
		servers[i] = server
	}
	assert.LessOrEqual(t, len(dnsLedTo(t, dnsResponse(len(servers), servers...))), maxAnswers)
}

// dnsLedTo returns the aliases of a message, each as "name target ttl".
func dnsLedTo(t require.TestingT, data []byte) (all []string) {
	var h Hint
	require.Equal(t, Done, parseDNS(&h, &Conn{}, Input{Data: data, Final: true}), "%x", data)
	for _, a := range h.Aliases {
		all = append(all, fmt.Sprintf("%s %s %d", a.Name, a.Target, a.TTL))
	}
	return all
}

func TestDNSAnswersAllocateNothing(t *testing.T) {
	data := dnsResponse(3, dnsTTL("a.example", dnsTypeCNAME, 30, dnsWire("b.example")...),
		dnsTTL("b.example", dnsTypeA, 60, 192, 0, 2, 1), dnsTTL("b.example", dnsTypeA, 60, 192, 0, 2, 2))
	m := message{parse: parseDNS, in: Input{Data: data, Final: true}}
	assert.Zero(t, testing.AllocsPerRun(10, m.again()))
}

// FuzzDNSAnswers holds what a cache relies on, whatever a message says.
func FuzzDNSAnswers(f *testing.F) {
	f.Add(dnsResponse(2, dnsTTL("a.example", dnsTypeCNAME, 30, dnsWire("b.example")...), dnsTTL("b.example", dnsTypeA, 60, 192, 0, 2, 1)))
	f.Add(dnsResponse(1, dnsTTL("a.example", dnsTypeHTTPS, 5, []byte("\x00\x01\x00\x00\x04\x00\x04\xc0\x00\x02\x01\x00\x05\x00\x02\xfe\x0d")...)))
	f.Add(join(dnsHead(0x8400, 0, 1), dnsTTL("host.local", dnsTypeA, 9, 192, 0, 2, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var h Hint
		if parseDNS(&h, &Conn{}, Input{Data: data, Final: true}) != Done {
			return
		}
		require.LessOrEqual(t, len(h.Answers), maxAnswers)
		require.LessOrEqual(t, len(h.Aliases), maxAnswers)
		for _, a := range h.Answers {
			require.Equal(t, Response, h.Role)
			require.NotEqual(t, a.ECH, a.Addr.IsValid())
			require.LessOrEqual(t, a.TTL, uint32(1<<31-1))
			require.LessOrEqual(t, len(a.Name), maxDNSName)
		}
	})
}
