package l7

// dnsResource is one resource record.
type dnsResource struct {
	name  []byte // in the hint's scratch
	typ   uint16
	class uint16
	ttl   uint32
	data  dnsReader
}

// resource reads a resource, if d.r does not fail. Behind a question or another resource it passes over one that is impossible, which is
// not readable then: its length is known nevertheless, and those behind it may be right.
func (d *dnsMessage) resource() (rr dnsResource, readable bool) {
	r := &d.r
	before := r.Cursor
	rr.name = r.name(d.h)
	named := r.OK()
	if !named && r.bad && d.printed > 0 {
		r.Cursor, r.bad = before, false
		r.skipName()
	}
	rr.typ, rr.class, rr.ttl = r.U16(), r.U16(), r.U32()
	rr.data = r.part(int(r.U16()))
	if !r.OK() {
		return rr, false
	}
	if named && rr.plausible(d.anyClass) {
		return rr, true
	}
	if d.printed == 0 {
		r.reject()
	}
	return rr, false
}

// plausible reports whether the resource is a possible one. It also tells DNS apart from similar formats. Updates (RFC 2136) have
// addresses without data in the classes ANY and NONE.
func (rr *dnsResource) plausible(anyClass bool) bool {
	in := rr.class&^dnsTopBit == dnsIN
	switch {
	case rr.typ == dnsTypeOPT:
		return len(rr.name) == 0 // its class is a size
	case !anyClass && !dnsClassInUse(rr.class), isNBNS(rr.name, rr.typ):
		return false
	case in && rr.typ == dnsTypeA:
		return rr.data.Len() == 4
	case in && rr.typ == dnsTypeAAAA:
		return rr.data.Len() == 16
	}
	return true
}

func (d *dnsMessage) printResource(rr *dnsResource, s dnsSection) {
	h := d.h
	h.Object(element)
	d.printType(rr.name, rr.typ)
	h.Int(keyTTL, int64(rr.ttl))
	if n := len(h.Fields); rr.data.Len() <= maxDNSData {
		d.printData(rr, s)
		if s == dnsAnswers && len(h.Fields) > n {
			d.groups |= dnsGroupBit(rr.typ)
		}
	}
	h.End()
}

func dnsGroupBit(typ uint16) uint32 {
	name := dnsTypeName(typ)
	for i, s := range dnsGrouped {
		if s.String() == name {
			return 1 << i
		}
	}
	return 0
}

// printData prints the readable part of a resource's data.
func (d *dnsMessage) printData(rr *dnsResource, s dnsSection) {
	h, r := d.h, &rr.data
	switch rr.typ {
	case dnsTypeA, dnsTypeAAAA:
		h.addrStr(keyRData, r.Rest())
	case dnsTypeMX:
		r.U16() // the preference: Suricata prints the name alone
		printDNSName(h, r)
	case dnsTypeNS, dnsTypeCNAME, dnsTypePTR, dnsTypeDNAME:
		printDNSName(h, r)
	case dnsTypeTXT, dnsTypeSPF:
		printDNSText(h, r)
	case dnsTypeNULL:
		h.Str(keyRData, r.Rest())
	case dnsTypeSVCB, dnsTypeHTTPS:
		printSVCB(h, r)
	case dnsTypeCAA:
		printCAA(h, r)
	default:
		d.printObject(rr, s)
	}
}

// printObject prints data of several fields, in the sections for which Suricata's schema has them.
func (d *dnsMessage) printObject(rr *dnsResource, s dnsSection) {
	h, r := d.h, &rr.data
	switch {
	case rr.typ == dnsTypeSOA && s != dnsAdditionals:
		printSOA(h, r)
	case rr.typ == dnsTypeSRV && s == dnsAnswers:
		printSRV(h, r)
	case rr.typ == dnsTypeSSHFP && s == dnsAnswers:
		printSSHFP(h, r)
	case rr.typ == dnsTypeOPT && s == dnsAdditionals && !d.edns.present: // RFC 6891 section 6.1.1: there is one
		d.edns = newDNSEDNS(rr)
		printOptions(h, r)
	}
}

func printDNSName(h *Hint, r *dnsReader) {
	if name := r.name(h); r.OK() {
		h.Str(keyRData, name)
	}
}

// printDNSText joins the strings of a TXT with nothing between them, as protocols with a meaning for several strings do (RFC 7208
// section 3.3, RFC 6376 section 3.6.2.2).
func printDNSText(h *Hint, r *dnsReader) {
	start := len(h.scratch)
	for !r.Empty() {
		h.scratch = append(h.scratch, r.Bytes(int(r.U8()))...)
	}
	if r.OK() {
		h.Str(keyRData, h.since(start))
	}
}

func printSOA(h *Hint, r *dnsReader) {
	mname, rname := r.name(h), r.name(h)
	serial, refresh, retry, expire, minimum := r.U32(), r.U32(), r.U32(), r.U32(), r.U32()
	if !r.OK() {
		return
	}
	h.Object(keySOA)
	h.Str(keyMname, mname)
	h.Str(keyRname, rname)
	h.Int(keySerial, int64(serial))
	h.Int(keyRefresh, int64(refresh))
	h.Int(keyRetry, int64(retry))
	h.Int(keyExpire, int64(expire))
	h.Int(keyMinimum, int64(minimum))
	h.End()
}

func printSRV(h *Hint, r *dnsReader) {
	priority, weight, port := r.U16(), r.U16(), r.U16()
	name := r.name(h)
	if !r.OK() {
		return
	}
	h.Object(keySRV)
	h.Int(keyPriority, int64(priority))
	h.Int(keyWeight, int64(weight))
	h.Int(keyPort, int64(port))
	h.Str(keyName, name)
	h.End()
}

// maxSSHFP is the longest fingerprint that is printed: twice a SHA-256.
const maxSSHFP = 64

func printSSHFP(h *Hint, r *dnsReader) {
	algo, typ := r.U8(), r.U8()
	if !r.OK() || r.Len() > maxSSHFP {
		return
	}
	h.Object(keySSHFP)
	h.colonStr(keyFingerprint, r.Rest())
	h.Int(keyAlgo, int64(algo))
	h.Int(keyType, int64(typ))
	h.End()
}
