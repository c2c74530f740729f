// Command gen has the programs that make the captures and the recorded exchanges of testdata:
//
//	gen exchanges            record the exchanges of DNS, TLS and DTLS, in the current folder
//	gen services NAME...     record exchanges of other services, in the current folder, as root
//	gen server [-dns ADDRS]  be the servers of the captures
//	gen get URL...           fetch each URL twice with Go's TLS
//	gen variants IN OUT big-endian|null
//
// A NAME is a file's without .txtar, or that of a group. Packages exchange and service name the programs that they need.
// quic.py, dhcp.sh and mdns.sh record what is not unicast, or has no program of its own.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/dns"
	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/exchange"
	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/service"
	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/variant"
	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/web"
)

func main() {
	flag.Usage = usage
	flag.Parse()
	if flag.NArg() == 0 {
		usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Args()[1:]); err != nil {
		log.Fatal(err)
	}
}

func usage() {
	fmt.Fprintf(os.Stderr, `usage:
  gen exchanges            record the exchanges of DNS, TLS and DTLS, in the current folder
  gen services NAME...     record exchanges of other services, in the current folder: files without .txtar, or the groups %s
  gen server [-dns ADDRS]  be the servers of the captures
  gen get URL...           fetch each URL twice with Go's TLS
  gen variants IN OUT %s|%s
`, strings.Join(service.Groups(), ", "), variant.BigEndian, variant.Null)
}

// run runs a command.
func run(command string, args []string) error {
	switch command {
	case "exchanges":
		exchange.All()
		return nil
	case "services":
		return service.Record(args)
	case "server":
		return serve(args)
	case "get":
		return web.Get(args)
	case "variants":
		if len(args) != 3 {
			return fmt.Errorf("variants takes IN, OUT and a format")
		}
		return variant.Write(args[0], args[1], args[2])
	}
	return fmt.Errorf("no command %q: run gen without one to see them all", command)
}

// serve is the remote end of the captures: the DNS server on the given addresses, and web servers on every address.
func serve(args []string) error {
	flags := flag.NewFlagSet("server", flag.ExitOnError)
	addrs := flags.String("dns", "127.0.0.1", "addresses of the DNS server, separated by commas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for addr := range strings.SplitSeq(*addrs, ",") {
		go dns.ServeDatagrams(net.JoinHostPort(addr, "53"))
		go dns.ServeStreams(net.JoinHostPort(addr, "53"))
	}
	return web.Serve()
}
