// Package exchange records the exchanges of DNS, TLS and DTLS: it is a proxy on loopback between real programs.
package exchange

import (
	"log"
	"os/exec"
)

// The addresses of servers, and of the proxies before them.
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

// All records all exchanges in the current folder. It needs dig, nsupdate (Debian: bind9-dnsutils), curl and openssl.
func All() {
	recordQueries()
	recordHandshakes()
}

// run runs a command of the shell. Some commands are meant to fail.
func run(command string) {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = workDir
	if out, err := cmd.CombinedOutput(); err != nil {
		log.Printf("%s: %v\n%s", command, err, out)
	}
}
