package decap

import "github.com/mirrorsink/mirrorsink/decap/wire"

// Layer Two Tunneling Protocol, version 2 (RFC 2661 section 3.1):
//
//	|T|L|x|x|S|x|O|P|x|x|x|x|  Ver  |
//
// then, each as its flag says: length (L), tunnel and session always, numbers of the sequence (S), and the size of a padding (O).
// Version 3 over UDP (RFC 3931 section 4.1.2) has 16 reserved bits and a session of 32 bits instead.
const (
	l2tpControl   = 0x8000
	l2tpLength    = 0x4000
	l2tpSequence  = 0x0800
	l2tpOffset    = 0x0200
	l2tpPriority  = 0x0100
	l2tpVersion   = 0x000f
	l2tpReserved2 = 0xffff &^ (l2tpControl | l2tpLength | l2tpSequence | l2tpOffset | l2tpPriority | l2tpVersion)
)

// l2tp decodes L2TP over UDP. Its control messages stay packets of the tunnel. Tunnels and sessions have other numbers in each direction, and
// are no part of the flow's identity.
func (d tunnelDecoder) l2tp(b []byte, missing int) Reason {
	c := wire.New(b)
	flags := c.U16()
	switch {
	case !c.OK():
		return d.skipShort(missing)
	case flags&l2tpVersion == 2:
		return d.l2tp2(flags, c, missing)
	case flags&l2tpVersion != 3:
		return d.skip(TunnelVersion)
	case flags&l2tpControl != 0:
		return OK
	}
	reserved, session := c.U16(), c.U32()
	switch {
	case !c.OK():
		return d.skipShort(missing)
	case flags != 3 || reserved != 0 || session == 0:
		return d.skip(TunnelMalformed)
	}
	return d.l2tp3Payload(c.Rest(), missing)
}

// l2tp2 decodes version 2, which carries PPP. c stands behind the flags.
func (d tunnelDecoder) l2tp2(flags uint16, c wire.Cursor, missing int) Reason {
	const flagsLen, fieldLen = 2, 2
	if flags&l2tpControl != 0 {
		return OK
	}
	if flags&l2tpLength != 0 {
		rest := int(c.U16()) - flagsLen - fieldLen
		if !c.OK() {
			return d.skipShort(missing)
		}
		if rest < 0 || rest > c.Len()+missing {
			return d.skip(TunnelMalformed)
		}
		missing = max(0, rest-c.Len())
		c = c.Upto(rest)
	}
	_, session := c.U16(), c.U16()
	if flags&l2tpSequence != 0 {
		c.Skip(2 * fieldLen)
	}
	if flags&l2tpOffset != 0 {
		c.Skip(int(c.U16()))
	}
	switch {
	case !c.OK():
		return d.skipShort(missing)
	case flags&l2tpReserved2 != 0 || session == 0:
		return d.skip(TunnelMalformed)
	}
	return d.l2tpPPP(c.Rest(), missing)
}

// l2tpPPP enters a PPP frame whose packet is plausible.
func (d tunnelDecoder) l2tpPPP(b []byte, missing int) Reason {
	protocol, packet, ok := pppProtocol(b)
	switch {
	case !ok:
		return d.skipShort(missing)
	case !pppIsIP(protocol):
		return d.skip(pppSkip(protocol))
	case plausiblePPP(b, missing):
		return d.tunnel(greProtoPPP, 0, b, missing)
	case len(packet) < maxLabels*labelLen+IPv6Len:
		return d.skipShort(missing)
	}
	return d.skip(TunnelMalformed)
}

// l2tp3 decodes version 3 over IP (RFC 3931 section 4.1.1): the session, 0 for control messages.
func (d tunnelDecoder) l2tp3(b []byte, missing int) Reason {
	c := wire.New(b)
	session := c.U32()
	switch {
	case !c.OK():
		return d.skipShort(missing)
	case session == 0:
		return OK
	}
	return d.l2tp3Payload(c.Rest(), missing)
}

// l2tp3Payload enters a payload of version 3. Control messages announce the length of the cookie before it (0, 4 or 8
// bytes), the sublayer of 4 bytes that may follow, and the kind of the payload. The first combination with a plausible packet counts.
func (d tunnelDecoder) l2tp3Payload(b []byte, missing int) Reason {
	const step, longest = 4, 8 + 4
	for n := 0; n <= longest && n < len(b); n += step {
		switch rest := b[n:]; {
		case plausibleFrame(rest, missing):
			return d.tunnel(EtherTEB, 0, rest, missing)
		case plausiblePPP(rest, missing):
			return d.tunnel(greProtoPPP, 0, rest, missing)
		case plausibleIP(rest, missing):
			return d.tunnel(etherTypeOf(rest), 0, rest, missing)
		}
	}
	return d.skipOther(b, longest, missing)
}
