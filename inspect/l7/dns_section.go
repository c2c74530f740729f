package l7

import "strconv"

// Bounds on the printed part of one message. A message of 64 KiB over TCP has room for 5,000 resources with compressed names of
// 255 bytes of text each: more than a megabyte. A resolver's responses are far below these bounds. Zone transfers are not, and
// their first resources are enough to recognize them.
const (
	maxDNSPrinted = 256      // questions and resources
	maxDNSText    = 32 << 10 // bytes of text beyond which nothing more is added
	maxDNSData    = 4 << 10  // bytes of one resource's data beyond which it is not printed
)

// Classes; RFC 6895 section 3.2. mDNS uses the top bit (RFC 6762 sections 5.4 and 10.2).
const (
	dnsIN     = 1
	dnsCH     = 3
	dnsHS     = 4
	dnsNONE   = 254
	dnsANY    = 255
	dnsTopBit = 0x8000
)

func dnsClassInUse(class uint16) bool {
	switch class &^ dnsTopBit {
	case dnsIN, dnsCH, dnsHS, dnsNONE, dnsANY:
		return true
	}
	return false
}

// dnsSection is a section of resources. Suricata's schema has different data for each.
type dnsSection uint8

const (
	dnsAnswers dnsSection = iota
	dnsAuthorities
	dnsAdditionals
)

// questions reads and prints the question section.
func (d *dnsMessage) questions() {
	mark := d.h.openList(keyQueries)
	for i := 0; i < d.hd.questions && d.room(); i++ {
		name, typ, class := d.r.name(d.h), d.r.U16(), d.r.U16()
		if d.r.OK() && (!d.anyClass && !dnsClassInUse(class) || isNBNS(name, typ)) {
			d.r.reject()
		}
		if !d.r.OK() {
			break
		}
		if i == 0 {
			d.asked = name
		}
		item := len(d.h.Fields)
		d.h.Object(element)
		d.printType(name, typ)
		d.h.End()
		d.count(item)
	}
	d.h.closeList(mark)
}

// resources reads and prints the three sections of resources, and then the fields that Suricata's schema does not have.
func (d *dnsMessage) resources() {
	from := len(d.h.Fields)
	d.section(keyAnswers, dnsAnswers, d.hd.answers)
	d.printGroups(from, len(d.h.Fields))
	d.finishAnswers()
	d.section(keyAuthorities, dnsAuthorities, d.hd.authorities)
	d.section(keyAdditionals, dnsAdditionals, d.hd.additionals)
	d.edns.print(d.h)
}

func (d *dnsMessage) section(key Key, s dnsSection, n int) {
	mark := d.h.openList(key)
	for i := 0; i < n && d.room(); i++ {
		rr, readable := d.resource()
		if !d.r.OK() {
			break
		}
		if !readable {
			continue
		}
		if s == dnsAnswers {
			d.addResource(rr)
		}
		item := len(d.h.Fields)
		d.printResource(&rr, s)
		d.count(item)
	}
	d.h.closeList(mark)
}

// room reports whether one more question or resource may be printed.
func (d *dnsMessage) room() bool { return d.printed < maxDNSPrinted && d.text < maxDNSText }

// count counts the question or resource whose fields start at item.
func (d *dnsMessage) count(item int) {
	d.printed++
	for _, f := range d.h.Fields[item:] {
		d.text += len(f.Text)
	}
}

// printGroups prints the answers in the fields [from, to) again, by type, as Suricata does.
func (d *dnsMessage) printGroups(from, to int) {
	h := d.h
	if d.groups == 0 {
		return
	}
	h.Object(keyGrouped)
	for i, typ := range dnsGrouped {
		if d.groups>>i&1 != 0 {
			h.Array(typ)
			d.printGroup(typ.String(), from, to)
			h.End()
		}
	}
	h.End()
}

// printGroup copies the data of one type's answers: a text, or an object of single fields.
func (d *dnsMessage) printGroup(typ string, from, to int) {
	h := d.h
	match, within := false, false
	for i := from; i < to; i++ {
		f := h.Fields[i]
		switch {
		case f.Key == keyRRType:
			match = string(f.Text) == typ
		case !match:
		case within:
			h.Fields = append(h.Fields, f)
			within = f.Kind != End
		case f.Key == keyRData:
			h.Str(element, f.Text)
		case f.Kind == Object && f.Key != element:
			h.Object(element)
			within = true
		}
	}
}

// isNBNS reports whether a question or resource belongs to the NetBIOS name service. Its types 32 and 33 (NB and NBSTAT) have
// other meanings in DNS.
func isNBNS(name []byte, typ uint16) bool {
	return (typ == dnsTypeNB || typ == dnsTypeSRV) && isNetBIOS(name)
}

func (d *dnsMessage) printType(name []byte, typ uint16) {
	h := d.h
	h.Str(keyRRName, name)
	if s := dnsTypeName(typ); s != "" {
		h.Const(keyRRType, s)
		return
	}
	start := len(h.scratch) // RFC 3597 section 5
	h.scratch = strconv.AppendUint(append(h.scratch, "TYPE"...), uint64(typ), 10)
	h.Str(keyRRType, h.since(start))
}
