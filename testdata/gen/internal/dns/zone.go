// Package dns is a DNS server with a zone of its own.
package dns

// zone has a name, a type and data in each line, in the order of a zone file's fields.
const zone = `
example.com                        SOA   ns1.example.com. hostmaster.example.com. 2026010101
example.com                        NS    ns1.example.com.
example.com                        A     198.51.100.10
example.com                        AAAA  2001:db8:1::10
example.com                        MX    10 mx1.example.com.
example.com                        MX    20 mx2.example.com.
example.com                        TXT   v=spf1 -all
example.com                        CAA   0 issue ca.example.net
example.com                        HTTPS 1 . h2,h3 198.51.100.10
www.example.com                    CNAME assets.example.com.
assets.example.com                 CNAME edge.example.net.
edge.example.net                   A     203.0.113.20
edge.example.net                   A     203.0.113.21
edge.example.net                   AAAA  2001:db8:1::20
_sip._tcp.example.com              SRV   10 60 5060 sip.example.com.
10.100.51.198.in-addr.arpa         PTR   example.com.
big.example.org                    TXT   BIG
api.example.com                    A     198.51.100.10
auth.example.com                   A     198.51.100.11
login.example.com                  A     198.51.100.11
search.example.com                 A     198.51.100.12
images.example.com                 CNAME edge.example.net.
payments.example.org               A     203.0.113.30
hooks.example.org                  A     203.0.113.31
packages.example.org               A     203.0.113.32
registry.example.org               A     203.0.113.33
telemetry.example.net              A     203.0.113.40
updates.example.net                A     203.0.113.41
time.example.net                   A     203.0.113.42
v6.example.net                     AAAA  2001:db8:1::20
post-quantum-key-exchange.a-name-that-is-long-enough-to-fill-the-segment.example.net A 198.51.100.12
orders.internal.test               A     10.0.4.20
metrics.internal.test              A     10.0.4.21
`
