package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// SNMP version 1 (RFC 1157), 2c (RFC 1901, RFC 3416) and 3 (RFC 3412). A message is a sequence in BER that begins with its
// version.
const (
	snmpV1  = 0
	snmpV2c = 1
	snmpV3  = 3

	snmpUSM        = 3 // the user-based security model, RFC 3414
	snmpEncrypted  = 2 // a bit of the flags, RFC 3412 section 6.4
	snmpReportable = 4 // likewise: the sender expects an answer
	snmpFlags      = 7 // all of them

	maxSNMPVars = 16 // variables that are printed
)

// Tags of PDUs; RFC 3416 section 3, and RFC 1157 section 4.1 for version 1's trap.
const (
	snmpGet      = 0xa0
	snmpResponse = 0xa2
	snmpTrapV1   = 0xa4
	snmpTrapV2   = 0xa7
	snmpReport   = 0xa8
)

var snmpPDUs = [...]string{"get_request", "get_next_request", "response", "set_request", "trap_v1", "get_bulk_request",
	"inform_request", "trap_v2", "report"}

// Trap types; RFC 1157 section 4.1.6, spelled as Suricata does.
var snmpTraps = [...]string{"ColdStart", "WarmStart", "LinkDown", "LinkUp", "AuthenticationFailure", "EgpNeighborLoss",
	"EnterpriseSpecific"}

func parseSNMP(h *Hint, _ *Conn, in Input) Verdict {
	whole := wire.New(in.Data)
	r := derWhole(&whole, derSequence)
	version := derInt(&r)
	h.Next = len(in.Data)
	ok := false
	switch version {
	case snmpV1, snmpV2c:
		h.Int(keyVersion, version+1)
		community := derWhole(&r, derOctets)
		ok = r.OK() && snmpPDU(h, &r)
		h.Str(keyCommunity, community.Rest())
	case snmpV3:
		h.Int(keyVersion, version)
		ok = snmpVersion3(h, &r)
	}
	if !ok {
		return Reject
	}
	return Done
}

// snmpVersion3 reads the fields after the version: global data, the security parameters, and the scoped PDU.
func snmpVersion3(h *Hint, r *wire.Cursor) bool {
	global := derWhole(r, derSequence)
	id, size := derInt(&global), derInt(&global)
	flags := derWhole(&global, derOctets)
	model := derInt(&global)
	security := derWhole(r, derOctets)
	bits := flags.U8()
	if !r.OK() || !global.OK() || !flags.OK() || id < 0 || size < 484 || bits&^snmpFlags != 0 { // RFC 3412 section 6
		return false
	}
	if bits&snmpEncrypted != 0 {
		h.Role = Framing // a response, or a trap
		if bits&snmpReportable != 0 {
			h.Role = Request
		}
		h.Const(keyPDUType, "encrypted")
		if derWhole(r, derOctets); !r.OK() {
			return false
		}
	} else {
		scoped := derWhole(r, derSequence)
		derWhole(&scoped, derOctets) // the engine
		derWhole(&scoped, derOctets) // the context's name
		if !scoped.OK() || !snmpPDU(h, &scoped) {
			return false
		}
	}
	if model == snmpUSM {
		snmpUser(h, security)
	}
	return true
}

// snmpUser adds the user name of a message; RFC 3414 section 2.4.
func snmpUser(h *Hint, security wire.Cursor) {
	r := derWhole(&security, derSequence)
	derWhole(&r, derOctets) // the engine
	derInt(&r)              // its boots
	derInt(&r)              // its time
	if user := derWhole(&r, derOctets); r.OK() && !user.Empty() {
		h.Str(keyUSM, user.Rest())
	}
}

// snmpPDU reads a PDU and adds its type and the names of its variables.
func snmpPDU(h *Hint, r *wire.Cursor) bool {
	tag, pdu, whole := derNext(r)
	if !whole || tag < snmpGet || int(tag-snmpGet) >= len(snmpPDUs) {
		return false
	}
	h.Role = Request
	switch tag {
	case snmpResponse, snmpReport:
		h.Role = Response
	}
	h.Const(keyPDUType, snmpPDUs[tag-snmpGet])
	if tag == snmpTrapV1 {
		if !snmpTrap(h, &pdu) {
			return false
		}
	} else {
		derInt(&pdu) // the request's number
		derInt(&pdu) // error status, or repetitions
		derInt(&pdu) // error index, or repetitions
	}
	vars := derWhole(&pdu, derSequence)
	if !pdu.OK() {
		return false
	}
	snmpVars(h, vars)
	return true
}

// snmpTrap reads the fields of a version 1 trap before its variables; RFC 1157 section 4.1.6.
func snmpTrap(h *Hint, pdu *wire.Cursor) bool {
	const ipAddress, timeTicks = 0x40, 0x43
	enterprise, agent := derWhole(pdu, derOID), derWhole(pdu, ipAddress)
	generic := derInt(pdu)
	derInt(pdu) // the enterprise's own number
	derWhole(pdu, timeTicks)
	if !pdu.OK() || generic < 0 || int(generic) >= len(snmpTraps) {
		return false
	}
	h.Const(keyTrapType, snmpTraps[generic])
	h.oidStr(keyTrapOID, enterprise)
	h.addrStr(keyTrapAddress, agent.Rest())
	return true
}

func snmpVars(h *Hint, vars wire.Cursor) {
	mark := h.openList(keyVars)
	for n := 0; n < maxSNMPVars && !vars.Empty(); n++ {
		pair := derWhole(&vars, derSequence)
		if name := derWhole(&pair, derOID); pair.OK() {
			h.oidStr(element, name)
		}
	}
	h.closeList(mark)
}

// Keys of the fields.
var (
	keyCommunity   = KeyOf("community")
	keyPDUType     = KeyOf("pdu_type")
	keyTrapAddress = KeyOf("trap_address")
	keyTrapOID     = KeyOf("trap_oid")
	keyTrapType    = KeyOf("trap_type")
	keyUSM         = KeyOf("usm")
	keyVars        = KeyOf("vars")
)
