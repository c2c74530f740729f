package l7

// dnsEDNS is the fixed part of an OPT resource (RFC 6891 section 6.1.3), which takes the place of class and TTL. The zero value
// is that of a message without OPT.
type dnsEDNS struct {
	present  bool
	udpSize  uint16 // bytes of the largest UDP payload that its sender can take
	extRcode uint8  // the upper bits of the response code
	version  uint8
	flags    uint16
}

const ednsDO = 0x8000 // DNSSEC resources are wanted; RFC 3225

func newDNSEDNS(rr *dnsResource) dnsEDNS {
	return dnsEDNS{present: true, udpSize: rr.class, extRcode: uint8(rr.ttl >> 24), version: uint8(rr.ttl >> 16),
		flags: uint16(rr.ttl)}
}

// print prints it as an extra object, since Suricata has the OPT resource only as one of the additionals.
func (e *dnsEDNS) print(h *Hint) {
	if !e.present {
		return
	}
	h.Object(keyEDNS)
	h.Extra()
	h.Int(keyUDPSize, int64(e.udpSize))
	h.Int(keyVersion, int64(e.version))
	if e.flags&ednsDO != 0 {
		h.True(keyDo)
	}
	if e.extRcode != 0 {
		h.Int(keyExtendedRcode, int64(e.extRcode))
	}
	h.End()
}

// maxOptionData bounds the bytes of an option's data that are printed: enough for cookies, client subnets and extended errors,
// and little of a padding option (RFC 7830).
const maxOptionData = 64

// maxOptions bounds the options that are printed; about twenty kinds exist.
const maxOptions = 32

// printOptions prints an OPT resource's options.
func printOptions(h *Hint, r *dnsReader) {
	mark := h.openList(keyOpt)
	for i := 0; !r.Empty() && i < maxOptions; i++ {
		code, size := r.U16(), int(r.U16())
		data := r.Sub(size)
		if !r.OK() {
			break
		}
		h.Object(element)
		h.Int(keyCode, int64(code))
		h.hexStr(keyData, data.Bytes(min(size, maxOptionData)))
		h.End()
	}
	h.closeList(mark)
}
