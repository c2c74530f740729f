package stream

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// TestBehindPROXY: whatever header a proxy puts before a message, and wherever segments cut the two, the message is read.
func TestBehindPROXY(t *testing.T) {
	const signature = "\r\n\r\n\x00\r\nQUIT\n"
	for _, header := range []string{
		"PROXY TCP4 192.0.2.1 198.51.100.2 50000 80\r\n", "PROXY TCP6 2001:db8::1 2001:db8::2 50000 80\r\n", "PROXY UNKNOWN\r\n",
		signature + "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xc3\x50\x00\x50",
		signature + "\x21\x11\x00\x10\xc0\x00\x02\x01\xc6\x33\x64\x02\xc3\x50\x00\x50\x04\x00\x01\x00",
		signature + "\x21\x21\x00\x24" + strings.Repeat("a", 36), signature + "\x21\x31\x00\xd8" + strings.Repeat("u", 216),
		signature + "\x20\x00\x00\x00", signature + "\x21\x00\x00\x00", signature + "\x20\x11\x00\x03xyz",
		"PROXY UNKNOWN\r\n" + signature + "\x20\x00\x00\x00", // of two proxies
	} {
		all := header + get
		for cut := 0; cut < len(all); cut++ {
			c := newConnection(t, 0, decap.TCP)
			c.send(0, 0, all[:cut])
			c.send(0, 0, all[cut:])
			c.send(1, 0, ok)
			log := c.calls.take()
			require.Contains(t, log[0], "message proxy")
			require.Contains(t, log[len(log)-3], "message http role=1", "%q", header)
			require.Contains(t, log[len(log)-1], "url status")
		}
	}
	for _, bad := range []string{
		"PROXY TCP4 192.0.2.1 198.51.100.2 50000\r\n", "PROXY TCP4 2001:db8::1 198.51.100.2 1 2\r\n", "PROXY TCP5 a b c d\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 50000 70000\r\n", signature + "\x31\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xc3\x50\x00\x50",
		signature + "\x21\x11\x00\x04\xc0\x00\x02\x01", signature + "\x21\x41\x00\x00",
	} {
		c := newConnection(t, 0, decap.TCP)
		c.send(0, 0, bad+get)
		require.Empty(t, c.calls.take(), "%q", bad)
	}
}
