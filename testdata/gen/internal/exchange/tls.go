package exchange

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/record"
)

// recordHandshakes records the handshakes of TLS and DTLS with openssl s_server.
func recordHandshakes() {
	var err error
	workDir, err = os.MkdirTemp("", "exchanges")
	record.Must(err)
	defer os.RemoveAll(workDir)
	makeCertificate()
	const client = "openssl s_client -connect 127.0.0.1:4430 </dev/null "
	recordTLS("tls.txtar", "-alpn h2,http/1.1", "curl -sk --max-time 1 --connect-to ::127.0.0.1:4430 https://www.example.com/")
	recordTLS("tls-12.txtar", "-alpn h2", client+"-tls1_2 -servername api.example.com -alpn h2,http/1.1")
	recordTLS("tls-10.txtar", "-cipher ALL@SECLEVEL=0", client+"-tls1 -servername old.example.com -cipher ALL@SECLEVEL=0")
	recordTLS("tls-nosni.txtar", "", client+"-noservername")
	recordTLS("tls-postquantum.txtar", "-alpn http/1.1", goClient)
	recordTLS("tls-ech.txtar", "", goClientECH)
	run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -keyout " + namedFile + " -out " + namedFile +
		" -subj '/C=DE/O=Example GmbH/OU=Web+OU=Mail/CN=www.example.com/emailAddress=info@example.com' -addext " +
		"'subjectAltName=DNS:www.example.com,DNS:*.example.net,IP:192.0.2.80,URI:https://example.org/,email:info@example.com'")
	recordTLS("tls-certificate.txtar", "-tls1_2 -cert "+namedFile+" -key "+namedFile, client+"-noservername")
	recordTLS("tls-retry.txtar", "-groups P-256", client+"-servername retry.example.com -groups X25519:P-256")
	recordTLS("tls-warning.txtar", "-tls1_2 -servername example.com -cert2 "+certFile+" -key2 "+certFile,
		client+"-servername stranger.example.com")
	recordTLS("tls-alert.txtar", "-tls1_3", client+"-tls1_2 -servername refused.example.com")
	const dtls = "openssl s_client -connect " + dtlsProxy + " </dev/null -dtls "
	recordDTLS("dtls.txtar", "-dtls", dtls+"-servername dtls.example.com -alpn webrtc,c-webrtc")
	recordDTLS("dtls-pieces.txtar", "-dtls", dtls+"-mtu 256 -servername pieces.example.com")
	// A server resumes only its own sessions: both connections of this one go to the same one.
	recordTLS("tls-resumed.txtar", "-tls1_2", "openssl s_client -connect "+tlsServer+" </dev/null -sess_out "+sessionFile+"; "+
		client+"-servername again.example.com -sess_in "+sessionFile)
}

// recordTLS records a client's connection to openssl s_server with the given options.
func recordTLS(file, server, client string) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	args := append([]string{"s_server", "-quiet", "-accept", tlsServer, "-cert", certFile, "-key", certFile},
		strings.Fields(server)...)
	cmd := exec.CommandContext(ctx, "openssl", args...)
	cmd.Dir = workDir
	record.Must(cmd.Start())
	defer cmd.Wait()
	defer stop()
	waitFor(tlsServer)

	l, err := net.Listen("tcp", tlsProxy)
	record.Must(err)
	defer l.Close()
	r := record.Recorder{Limit: 2}
	go r.Streams(l, tlsServer)
	how := strings.TrimSpace("openssl s_server "+server) + "\n    "
	switch client {
	case goClient:
		connectGo(&tls.Config{ServerName: "post-quantum.example.com"})
		how += client
	case goClientECH:
		connectGo(&tls.Config{ServerName: "hidden.example.com", EncryptedClientHelloConfigList: echConfigs(),
			MinVersion: tls.VersionTLS13})
		how += client
	default:
		run(client)
		how += client
	}
	time.Sleep(200 * time.Millisecond)
	r.Write(file, "The first two segments of each side.\n\n    "+how, "stream")
}

func waitFor(addr string) {
	for range 100 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	log.Fatalf("no server listens on %s", addr)
}

// Clients that are not programs of their own.
const (
	goClient    = "Go's crypto/tls as the client"
	goClientECH = "Go's crypto/tls as the client, with an ECH configuration"
)

// connectGo connects with Go's TLS, whose ClientHello offers X25519MLKEM768 and takes two segments. Openssl does not know ECH,
// so that the client with ECH closes the connection.
func connectGo(config *tls.Config) {
	config.InsecureSkipVerify, config.NextProtos = true, []string{"h2", "http/1.1"}
	c, err := tls.Dial("tcp", tlsProxy, config)
	if err != nil {
		log.Print(err)
		return
	}
	c.Close()
}
