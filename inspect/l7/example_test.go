package l7_test

import (
	"encoding/hex"
	"fmt"

	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// A ClientHello of TLS 1.2 with a server name, in one record.
const clientHello = "160301004a" + "01000046" + "0303" +
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" + "00" + "0002c02f" + "0100" +
	"001b" + "00000010000e00000b6578616d706c652e636f6d" + "000d0003000100"

// The first bytes of a TCP connection are given to the parsers until one of them recognizes its protocol.
func Example() {
	data, err := hex.DecodeString(clientHello)
	if err != nil {
		panic(err)
	}
	var h l7.Hint
	for p := l7.None + 1; p < l7.Protos; p++ {
		parse := l7.Table[p].Stream
		if parse == nil {
			continue
		}
		h.Reset()
		var c l7.Conn
		if parse(&h, &c, l7.Input{Data: data}) == l7.Done {
			fmt.Printf("%s: %s=%s\n", p, h.NameSource, h.Name)
			fmt.Println(string(h.JA4))
		}
	}
	// Output:
	// tls: sni=example.com
	// t12d010200_f06271c2b022_06540eb5c95f
}

// A DNS response has the addresses for the name in the question, found through its aliases.
func ExampleAnswer() {
	response := "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00" + "\x03www\x07example\x03com\x00\x00\x01\x00\x01" +
		"\xc0\x0c\x00\x05\x00\x01\x00\x00\x01\x2c\x00\x06\x03cdn\xc0\x10" +
		"\xc0\x2d\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
	var h l7.Hint
	var c l7.Conn
	if l7.Table[l7.DNS].Datagram(&h, &c, l7.Input{Data: []byte(response), Side: 1, Final: true}) != l7.Done {
		panic("no DNS message")
	}
	for _, a := range h.Answers {
		fmt.Printf("%s is %s, as %s, for %d s\n", a.Name, a.Addr, a.Owner, a.TTL)
	}
	// Output:
	// www.example.com is 192.0.2.1, as cdn.example.com, for 60 s
}
