package exchange

import (
	"net"
	"strings"

	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/dns"
	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/record"
)

// recordQueries records queries to the DNS server of this program.
func recordQueries() {
	go dns.ServeDatagrams(dnsServer)
	go dns.ServeStreams(dnsServer)
	const dig = "dig @127.0.0.1 -p 5390 "
	recordDNS("dns.txtar", "datagrams", "dig, and the DNS server of testdata/gen/internal/dns.",
		dig+"www.example.com A", dig+"www.example.com AAAA", dig+"+noedns 10.100.51.198.in-addr.arpa PTR",
		dig+"example.com MX", dig+"example.com TXT", dig+"example.com NS", dig+"example.com SOA", dig+"_sip._tcp.example.com SRV",
		dig+"example.com CAA", dig+"example.com HTTPS", dig+"nothing.example.com A", dig+"+dnssec . NS",
		dig+"+subnet=198.51.100.0/24 +nsid +padding=64 api.example.com A", dig+"-t TYPE65280 example.com", dig+"-x 2001:db8::1")
	recordDNS("dns-tcp.txtar", "stream", "dig with two queries on one connection, and the DNS server of testdata/gen/internal/dns. "+
		"The second answer comes in several segments.",
		dig+"+tcp +keepopen images.example.com A big.example.org TXT")
	recordDNS("dns-update.txtar", "datagrams", "nsupdate, and the DNS server of testdata/gen/internal/dns, which does not answer it.",
		`printf 'server 127.0.0.1 5390\nzone example.com\n`+
			`prereq nxdomain new.example.com\nupdate add new.example.com 60 A 192.0.2.1\n`+
			`update delete old.example.com A\nsend\n' | nsupdate -t 1 -u 1 -r 0`)
}

// recordDNS records the exchanges of commands, as datagrams or as a stream.
func recordDNS(file, section, how string, commands ...string) {
	r := record.Recorder{Limit: 100}
	if section == "stream" {
		l, err := net.Listen("tcp", dnsProxy)
		record.Must(err)
		defer l.Close()
		go r.Streams(l, dnsServer)
	} else {
		c, err := net.ListenPacket("udp", dnsProxy)
		record.Must(err)
		defer c.Close()
		go r.Datagrams(c, dnsServer)
	}
	for _, command := range commands {
		run(command)
	}
	r.Write(file, how+"\n\n    "+strings.Join(commands, "\n    "), section)
}
