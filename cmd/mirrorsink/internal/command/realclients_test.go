package command

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Real clients request pages of real servers on loopback; what passed between them is mirrored, and each must be found by its name.
func TestRealClientsAreNamed(t *testing.T) {
	for _, c := range []struct {
		client, sni string
		request     func(t *testing.T, sni string, r *recording)
		frames      func(*framer, []readResult)
		protocol    string // as event_type
		source      string // of the name
	}{
		{"Go TLS", "go.clients.example", requestTLS, (*framer).stream, "tls", "sni"},
		{"OpenSSL", "openssl.clients.example", requestOpenSSL, (*framer).stream, "tls", "sni"},
		{"quic-go", "quic.clients.example", requestQUIC, (*framer).datagrams, "quic", "quic_sni"},
	} {
		t.Run(c.client, func(t *testing.T) {
			needsLinux(t)
			var r recording
			c.request(t, c.sni, &r)
			capture := filepath.Join(t.TempDir(), "client.pcap")
			writeCapture(t, capture, r.exchanged(), c.frames)

			eve := eveFile(t)
			s := startListen(t, "--eve", eve)
			last := s.awaitAll(s.send(capture, "--rate=5000"))
			require.Zero(t, last["mirrorsink_kernel_drops_total"])
			require.Equal(t, exitOK, s.end(), s.stderr.String())

			events := readEvents(t, eve)
			e := onlyEvent(t, events, c.protocol)
			assert.Equal(t, c.sni, e[c.protocol].(map[string]any)["sni"])
			assert.Equal(t, clientAddress, e["src_ip"])
			assert.Equal(t, []string{c.sni}, names(events, "flow"))
			for _, eventType := range []string{c.protocol, "flow"} {
				hint := onlyEvent(t, events, eventType)["hint"].(map[string]any)
				assert.Equal(t, c.sni, hint["name"], eventType)
				assert.Equal(t, c.source, hint["name_source"], eventType)
			}
		})
	}
}

// onlyEvent returns the event of a type that there must be one of.
func onlyEvent(t *testing.T, events []anEvent, eventType string) (found anEvent) {
	t.Helper()
	n := 0
	for _, e := range events {
		if e["event_type"] == eventType {
			found, n = e, n+1
		}
	}
	require.Equal(t, 1, n, "%s events in %v", eventType, events)
	return found
}

// requestTLS is Go's own client as it comes, whose hello is a post-quantum one.
func requestTLS(t *testing.T, sni string, r *recording) {
	server, client := tlsConfigs(t, sni)
	address := r.relayTCP(t, serveTLS(t, server))
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: testTimeout}, Config: client}
	conn, err := dialer.DialContext(t.Context(), "tcp4", address)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(testTimeout)))
	ask(t, conn)
	assert.Equal(t, tls.X25519MLKEM768, conn.(*tls.Conn).ConnectionState().CurveID)
	require.NoError(t, conn.Close())
	r.wait()

	hello := r.exchanged()[0]
	require.True(t, hello.fromClient)
	record := recordHeaderLen + int(binary.BigEndian.Uint16(hello.data[3:]))
	assert.Greater(t, record, segmentSize, "the hello spans segments")
}

// recordHeaderLen is what precedes a TLS record: type, version and, in its last two bytes, the length (RFC 8446, 5.1).
const recordHeaderLen = 5

func requestOpenSSL(t *testing.T, sni string, r *recording) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not in PATH")
	}
	server, _ := tlsConfigs(t, sni)
	address := r.relayTCP(t, serveTLS(t, server))
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	// Without -quiet it would leave at the end of its input and not wait for the answer.
	cmd := exec.CommandContext(ctx, openssl, "s_client", "-quiet", "-connect", address, "-servername", sni)
	cmd.Stdin = strings.NewReader(question)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	assert.Equal(t, question, string(stdout))
	r.wait()
}

// requestQUIC is quic-go with Go's default groups. The post-quantum key share takes 1216 bytes, so that with the rest its hello
// does not fit the first datagram, which quic-go makes 1280 bytes long.
func requestQUIC(t *testing.T, sni string, r *recording) {
	server, client := tlsConfigs(t, sni)
	relay := r.relayUDP(t, serveQUIC(t, server))
	transport := &quic.Transport{Conn: loopbackUDP(t)}
	t.Cleanup(func() { assert.NoError(t, transport.Close()) })
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	conn, err := transport.Dial(ctx, relay, client, nil)
	require.NoError(t, err)
	stream, err := conn.OpenStreamSync(ctx)
	require.NoError(t, err)
	require.NoError(t, stream.SetDeadline(time.Now().Add(testTimeout)))
	ask(t, stream)
	assert.Equal(t, tls.X25519MLKEM768, conn.ConnectionState().TLS.CurveID)
	require.NoError(t, stream.Close())
	require.NoError(t, conn.CloseWithError(0, ""))
}

// question is what clients send, and servers send back.
const question = "is anybody there?\n"

// ask is a client's side of the conversation. The server is the first to end it.
func ask(t *testing.T, server io.ReadWriter) {
	t.Helper()
	_, err := io.WriteString(server, question)
	require.NoError(t, err)
	answer, err := io.ReadAll(server)
	require.NoError(t, err)
	assert.Equal(t, question, string(answer))
}

// answer is the server's side. It runs on a goroutine, so it does not end the test.
func answer(t *testing.T, client io.ReadWriter) {
	_, err := io.CopyN(client, client, int64(len(question)))
	assert.NoError(t, err)
}

// serveTLS answers one client and returns where.
func serveTLS(t *testing.T, config *tls.Config) (address string) {
	listener, err := tls.Listen("tcp4", "127.0.0.1:0", config)
	require.NoError(t, err)
	var server sync.WaitGroup
	t.Cleanup(func() { listener.Close(); server.Wait() })
	server.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return // the test ended before a client came
		}
		defer conn.Close()
		assert.NoError(t, conn.SetDeadline(time.Now().Add(testTimeout)))
		answer(t, conn)
	})
	return listener.Addr().String()
}

// serveQUIC answers one client and returns where.
func serveQUIC(t *testing.T, config *tls.Config) net.Addr {
	socket := loopbackUDP(t)
	transport := &quic.Transport{Conn: socket}
	listener, err := transport.Listen(config, nil)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	var server sync.WaitGroup
	t.Cleanup(func() {
		assert.NoError(t, listener.Close())
		server.Wait()
		cancel()
		assert.NoError(t, transport.Close())
	})
	server.Go(func() {
		conn, err := listener.Accept(ctx)
		if err != nil {
			return // the test ended before a client came
		}
		stream, err := conn.AcceptStream(ctx)
		if assert.NoError(t, err) {
			answer(t, stream)
			assert.NoError(t, stream.Close())
		}
		select { // the client hangs up when it has the answer
		case <-conn.Context().Done():
		case <-ctx.Done():
		}
	})
	return socket.LocalAddr()
}

// tlsConfigs makes a certificate for a name, and gives the client no more than its trust in it.
func tlsConfigs(t *testing.T, name string) (server, client *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	trusted.AddCert(leaf)
	protocols := []string{"echo"} // QUIC insists on ALPN
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: protocols}
	return server, &tls.Config{RootCAs: trusted, ServerName: name, NextProtos: protocols}
}
