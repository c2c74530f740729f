//go:build ignore

// Exchanges records those of DNS, TLS and DTLS in ../l7: it is a proxy on loopback between real programs. From that folder:
//
//	go run ../gen/exchanges.go ../gen/recorder.go ../gen/dns.go
//
// It needs dig, nsupdate (Debian: bind9-dnsutils), curl and openssl.
package main

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	dnsServer = "127.0.0.1:5391"
	dnsProxy  = "127.0.0.1:5390"
	tlsServer = "127.0.0.1:4431"
	tlsProxy  = "127.0.0.1:4430"

	dtlsServer = "127.0.0.1:4433"
	dtlsProxy  = "127.0.0.1:4432"
)

// workDir is the folder that the programs run in.
var workDir string

// flow forwards the datagrams of one client and of the server, until the client has sent none for a second.
func (r *recorder) flow(c net.PacketConn, to string) {
	server, err := net.Dial("udp", to)
	must(err)
	defer server.Close()
	buf := make([]byte, 4096)
	for first := true; ; first = false {
		if !first {
			c.SetReadDeadline(time.Now().Add(time.Second))
		}
		n, client, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		r.add(0, buf[:n])
		server.Write(buf[:n])
		if first {
			go r.answers(server, c, client)
		}
	}
}

func (r *recorder) answers(server net.Conn, c net.PacketConn, client net.Addr) {
	buf := make([]byte, 4096)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		r.add(1, buf[:n])
		c.WriteTo(buf[:n], client)
	}
}

// run runs a command of the shell. Some commands are meant to fail.
func run(command string) {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = workDir
	if out, err := cmd.CombinedOutput(); err != nil {
		log.Printf("%s: %v\n%s", command, err, out)
	}
}

func recordDNS(file, section, how string, commands ...string) {
	r := recorder{limit: 100}
	if section == "stream" {
		l, err := net.Listen("tcp", dnsProxy)
		must(err)
		defer l.Close()
		go r.streams(l, dnsServer)
	} else {
		c, err := net.ListenPacket("udp", dnsProxy)
		must(err)
		defer c.Close()
		go r.datagrams(c, dnsServer)
	}
	for _, command := range commands {
		run(command)
	}
	r.write(file, how+"\n\n    "+strings.Join(commands, "\n    "), section)
}

// recordTLS records a client's connection to openssl s_server with the given options.
func recordTLS(file, server, client string) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	args := append([]string{"s_server", "-quiet", "-accept", tlsServer, "-cert", certFile, "-key", certFile},
		strings.Fields(server)...)
	cmd := exec.CommandContext(ctx, "openssl", args...)
	cmd.Dir = workDir
	must(cmd.Start())
	defer cmd.Wait()
	defer stop()
	waitFor(tlsServer)

	l, err := net.Listen("tcp", tlsProxy)
	must(err)
	defer l.Close()
	r := recorder{limit: 2}
	go r.streams(l, tlsServer)
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
	r.write(file, "The first two segments of each side.\n\n    "+how, "stream")
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

// echConfigs returns an ECHConfigList (RFC 9849 section 4) with one key: X25519, HKDF-SHA256, AES-128-GCM.
func echConfigs() []byte {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(err)
	const publicName = "provider.example.com"
	contents := append([]byte{7, 0, 0x20, 0, 32}, key.PublicKey().Bytes()...)
	contents = append(contents, 0, 4, 0, 1, 0, 1, 64, byte(len(publicName)))
	contents = append(append(contents, publicName...), 0, 0)
	config := append([]byte{0xfe, 0x0d, 0, byte(len(contents))}, contents...)
	return append([]byte{0, byte(len(config))}, config...)
}

// recordDTLS records a client's flow to openssl s_server with the given options.
func recordDTLS(file, server, client string) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	args := append([]string{"s_server", "-quiet", "-accept", dtlsServer, "-cert", certFile, "-key", certFile},
		strings.Fields(server)...)
	cmd := exec.CommandContext(ctx, "openssl", args...)
	cmd.Dir = workDir
	must(cmd.Start())
	defer cmd.Wait()
	defer stop()
	time.Sleep(300 * time.Millisecond)

	c, err := net.ListenPacket("udp", dtlsProxy)
	must(err)
	defer c.Close()
	r := recorder{limit: 4}
	done := make(chan struct{})
	go func() { defer close(done); r.flow(c, dtlsServer) }()
	run(client)
	<-done
	r.write(file, "The first four datagrams of each side.\n\n    openssl s_server "+server+"\n    "+client, "datagrams")
}

// Files in workDir.
const (
	certFile    = "cert.pem"
	sessionFile = "session.pem"
	namedFile   = "named.pem" // a certificate with names of all sorts, and its key
)

// makeCertificate writes a key and a self-signed certificate.
func makeCertificate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"example.com"}, NotBefore: time.Now(),
		NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	must(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	out := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	must(os.WriteFile(filepath.Join(workDir, certFile), out, 0o600))
}

func main() {
	go serveDNSDatagrams(dnsServer)
	go serveDNSStreams(dnsServer)
	const dig = "dig @127.0.0.1 -p 5390 "
	recordDNS("dns.txtar", "datagrams", "dig, and the DNS server of testdata/gen/dns.go.",
		dig+"www.example.com A", dig+"www.example.com AAAA", dig+"+noedns 10.100.51.198.in-addr.arpa PTR",
		dig+"example.com MX", dig+"example.com TXT", dig+"example.com NS", dig+"example.com SOA", dig+"_sip._tcp.example.com SRV",
		dig+"example.com CAA", dig+"example.com HTTPS", dig+"nothing.example.com A", dig+"+dnssec . NS",
		dig+"+subnet=198.51.100.0/24 +nsid +padding=64 api.example.com A", dig+"-t TYPE65280 example.com", dig+"-x 2001:db8::1")
	recordDNS("dns-tcp.txtar", "stream", "dig with two queries on one connection, and the DNS server of testdata/gen/dns.go. "+
		"The second answer comes in several segments.",
		dig+"+tcp +keepopen images.example.com A big.example.org TXT")
	recordDNS("dns-update.txtar", "datagrams", "nsupdate, and the DNS server of testdata/gen/dns.go, which does not answer it.",
		`printf 'server 127.0.0.1 5390\nzone example.com\n`+
			`prereq nxdomain new.example.com\nupdate add new.example.com 60 A 192.0.2.1\n`+
			`update delete old.example.com A\nsend\n' | nsupdate -t 1 -u 1 -r 0`)

	var err error
	workDir, err = os.MkdirTemp("", "exchanges")
	must(err)
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
