package main

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clientHello returns the first message of a crypto/tls client.
func clientHello(t *testing.T, server string) []byte {
	client, peer := net.Pipe()
	defer peer.Close()
	go func() {
		defer client.Close()
		_ = tls.Client(client, &tls.Config{ServerName: server}).Handshake() // ends when the pipe does
	}()
	b := make([]byte, maxStart)
	n, err := peer.Read(b)
	require.NoError(t, err)
	return b[:n]
}

// TestFindName: no name is found before the message is complete, and then the same name whatever follows.
func TestFindName(t *testing.T) {
	for kind, whole := range map[string][]byte{
		"tls":  clientHello(t, "name.example"),
		"http": []byte("GET / HTTP/1.1\r\nAccept: */*\r\nhost:  name.example \r\n\r\n"),
	} {
		for n := range whole {
			_, name, more := findName(whole[:n])
			require.True(t, more && name == "", "%s: %d of %d bytes", kind, n, len(whole))
		}
		for _, rest := range []string{"", "Host: other.example\r\n\r\n"} {
			found, name, more := findName([]byte(string(whole) + rest))
			assert.Equal(t, kind, found)
			assert.Equal(t, "name.example", name)
			assert.False(t, more)
		}
	}
	_, name, more := findName([]byte("\x05\x01\x00"))
	assert.False(t, more)
	assert.Empty(t, name)
}

// TestRun: names are found in plain and in mirrored frames, also in segments out of order.
func TestRun(t *testing.T) {
	for _, c := range []struct{ capture, kind string }{
		{"plain-tls", "tls"}, {"plain-http", "http"}, {"plain-dns", "dns"}, {"mirror-tls", "tls"},
	} {
		t.Run(c.capture, func(t *testing.T) {
			events := filepath.Join(t.TempDir(), "events")
			var summary strings.Builder
			require.NoError(t, run("../../../testdata/"+c.capture+".pcap", events, &summary))
			written, err := os.ReadFile(events)
			require.NoError(t, err)
			assert.Contains(t, string(written), `"event_type":"`+c.kind+`"`)
			assert.Contains(t, string(written), "example")
			assert.Regexp(t, `^[1-9]\d* packets, [1-9]\d* names\n$`, summary.String())
		})
	}
	require.ErrorIs(t, run("nowhere", filepath.Join(t.TempDir(), "events"), nil), os.ErrNotExist)
}
