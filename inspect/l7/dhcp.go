package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// DHCP (RFC 2131, options in RFC 2132). It is recognized by the magic cookie behind a header of 236 bytes. BOOTP (RFC 951), which
// lacks it, is not read.
const (
	dhcpCookie     = 0x63825363
	dhcpMaxAddress = 16 // bytes of chaddr

	bootRequest = 1
	bootReply   = 2
)

// Options; RFC 2132 but for the last, RFC 4702.
const (
	dhcpPad           = 0
	dhcpSubnetMask    = 1
	dhcpRouters       = 3
	dhcpDNSServers    = 6
	dhcpHostName      = 12
	dhcpDomain        = 15
	dhcpRequestedIP   = 50
	dhcpLeaseTime     = 51
	dhcpType          = 53
	dhcpServerID      = 54
	dhcpParams        = 55
	dhcpRenewalTime   = 58
	dhcpRebindingTime = 59
	dhcpVendorClass   = 60
	dhcpClientID      = 61
	dhcpEnd           = 255
	dhcpFQDN          = 81
)

var dhcpTypes = [...]string{1: "discover", "offer", "request", "decline", "ack", "nak", "release", "inform"}

// dhcpHeader is the header before the options; RFC 2131 figure 1.
type dhcpHeader struct {
	op, hlen                              uint8
	xid                                   uint32
	client, assigned, next, relay, chaddr []byte
}

func parseDHCP(h *Hint, _ *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	var hd dhcpHeader
	hd.op = r.U8()
	r.Skip(1) // the type of link
	hd.hlen = r.U8()
	r.Skip(1) // hops
	hd.xid = r.U32()
	r.Skip(4) // seconds, flags
	hd.client, hd.assigned, hd.next, hd.relay = r.Bytes(4), r.Bytes(4), r.Bytes(4), r.Bytes(4)
	hd.chaddr = r.Bytes(dhcpMaxAddress)
	r.Skip(64 + 128) // names of the server and of a file, or more options
	if hd.op != bootRequest && hd.op != bootReply || hd.hlen > dhcpMaxAddress || r.U32() != dhcpCookie {
		return Reject
	}
	h.Next = len(in.Data)
	hd.print(h)
	printDHCPOptions(h, r)
	return Done
}

func (hd *dhcpHeader) print(h *Hint) {
	if hd.op == bootRequest {
		h.Role = Request
		h.Const(keyType, "request")
	} else {
		h.Role = Response
		h.Const(keyType, "reply")
	}
	h.Int(keyID, int64(hd.xid))
	h.colonStr(keyClientMAC, hd.chaddr[:hd.hlen])
	h.addrStr(keyAssignedIP, hd.assigned)
	h.addrStr(keyClientIP, hd.client)
	if hd.op == bootReply {
		h.addrStr(keyRelayIP, hd.relay)
		h.addrStr(keyNextServerIP, hd.next)
	}
}

// printDHCPOptions adds the first occurrence of each option of interest, up to the first option that cannot be read.
func printDHCPOptions(h *Hint, r wire.Cursor) {
	var seen [4]uint64
	for !r.Empty() {
		code := r.U8()
		switch code {
		case dhcpPad:
			continue
		case dhcpEnd:
			return
		}
		value := r.Bytes(int(r.U8()))
		if bit := uint64(1) << (code % 64); r.OK() && seen[code/64]&bit == 0 {
			seen[code/64] |= bit
			printDHCPOption(h, code, value)
		}
	}
}

func printDHCPOption(h *Hint, code uint8, value []byte) {
	switch code {
	case dhcpType:
		if len(value) == 1 && value[0] >= 1 && int(value[0]) < len(dhcpTypes) {
			h.Const(keyDHCPType, dhcpTypes[value[0]])
		}
	case dhcpClientID:
		h.colonStr(keyClientID, value)
	case dhcpSubnetMask:
		h.addrStr(keySubnetMask, value)
	case dhcpRequestedIP:
		h.addrStr(keyRequestedIP, value)
	case dhcpRouters:
		printDHCPAddrs(h, keyRouters, value)
	case dhcpDNSServers:
		printDHCPAddrs(h, keyDNSServers, value)
	case dhcpParams:
		printDHCPParams(h, value)
	case dhcpHostName, dhcpVendorClass, dhcpDomain, dhcpFQDN, dhcpServerID:
		printDHCPText(h, code, value)
	case dhcpLeaseTime, dhcpRenewalTime, dhcpRebindingTime:
		printDHCPTime(h, code, value)
	}
}

// printDHCPText adds an option with a name, or the server's address.
func printDHCPText(h *Hint, code uint8, value []byte) {
	text := bytes.TrimRight(value, "\x00") // some clients include C's string terminator
	switch {
	case code == dhcpServerID:
		h.addrStr(keyServerID, value)
		if len(value) == 4 {
			h.Extra()
		}
	case len(text) == 0:
	case code == dhcpHostName:
		h.Str(keyHostname, text)
	case code == dhcpVendorClass:
		h.Str(keyVendorClassIdentifier, text)
	case code == dhcpDomain:
		h.Str(keyDomain, text)
		h.Extra()
	case code == dhcpFQDN:
		printDHCPFQDN(h, value)
	}
}

// printDHCPFQDN adds a client's full name (RFC 4702 section 2), which is in ASCII or, with the flag E, encoded as in DNS.
func printDHCPFQDN(h *Hint, value []byte) {
	r := wire.New(value)
	const canonical = 4
	flags := r.U8()
	r.Skip(2) // two obsolete result codes
	if !r.OK() || r.Empty() {
		return
	}
	name := r.Rest()
	if flags&canonical != 0 {
		d := newDNSReader(name)
		if name = d.name(h); !d.OK() {
			return
		}
	}
	h.Str(keyFQDN, name)
	h.Extra()
}

func printDHCPTime(h *Hint, code uint8, value []byte) {
	r := wire.New(value)
	seconds := int64(r.U32())
	switch {
	case !r.OK():
	case code == dhcpLeaseTime:
		h.Int(keyLeaseTime, seconds)
	case code == dhcpRenewalTime:
		h.Int(keyRenewalTime, seconds)
	case code == dhcpRebindingTime:
		h.Int(keyRebindingTime, seconds)
	}
}

func printDHCPAddrs(h *Hint, key Key, value []byte) {
	mark := h.openList(key)
	for r := wire.New(value); r.Len() >= 4; {
		h.addrStr(element, r.Bytes(4))
	}
	h.closeList(mark)
}

// printDHCPParams adds the options that a client asks for and for which Suricata has a word.
func printDHCPParams(h *Hint, value []byte) {
	mark := h.openList(keyParams)
	for _, code := range value {
		if word := dhcpParam(code); word != "" {
			h.Const(element, word)
		}
	}
	h.closeList(mark)
}

func dhcpParam(code uint8) string {
	switch code {
	case dhcpSubnetMask:
		return "subnet_mask"
	case dhcpRouters:
		return "router"
	case dhcpDNSServers:
		return "dns_server"
	case dhcpDomain:
		return "domain"
	case 35:
		return "arp_timeout"
	case 42:
		return "ntp_server"
	case 66:
		return "tftp_server_name"
	case 150:
		return "tftp_server_ip"
	}
	return ""
}

// Keys of the fields.
var (
	keyAssignedIP            = KeyOf("assigned_ip")
	keyClientIP              = KeyOf("client_ip")
	keyClientMAC             = KeyOf("client_mac")
	keyDHCPType              = KeyOf("dhcp_type")
	keyDNSServers            = KeyOf("dns_servers")
	keyFQDN                  = KeyOf("fqdn")
	keyLeaseTime             = KeyOf("lease_time")
	keyNextServerIP          = KeyOf("next_server_ip")
	keyParams                = KeyOf("params")
	keyRebindingTime         = KeyOf("rebinding_time")
	keyRelayIP               = KeyOf("relay_ip")
	keyRenewalTime           = KeyOf("renewal_time")
	keyRequestedIP           = KeyOf("requested_ip")
	keyRouters               = KeyOf("routers")
	keyServerID              = KeyOf("server_id")
	keySubnetMask            = KeyOf("subnet_mask")
	keyVendorClassIdentifier = KeyOf("vendor_class_identifier")
)
