package wire_test

import (
	"fmt"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// A parser reads all fields, and asks once whether they were there.
func ExampleCursor() {
	parse := func(b []byte) {
		c := wire.New(b)
		kind := c.U8()
		name := c.Bytes(int(c.U8()))
		port := c.U16()
		if !c.OK() {
			fmt.Println("truncated")
			return
		}
		fmt.Printf("type %d, name %q, port %d, %d more bytes\n", kind, name, port, c.Len())
	}
	message := []byte("\x01\x07example\x01\xbb...")
	parse(message)
	parse(message[:9])
	// Output:
	// type 1, name "example", port 443, 3 more bytes
	// truncated
}

// Sub limits a parser to one part of a message, whatever lengths are within it.
func ExampleCursor_Sub() {
	c := wire.New([]byte{2, 0x12, 0x34, 0xff})
	part := c.Sub(int(c.U8()))
	fmt.Printf("%#x, %d left in the part, %d in the message\n", part.U16(), part.Len(), c.Len())
	part.U8()
	fmt.Println(part.OK(), c.OK())
	// Output:
	// 0x1234, 0 left in the part, 1 in the message
	// false true
}
