package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// Modbus over TCP (Modbus Messaging on TCP/IP 1.0b, Modbus Application Protocol 1.1b3). A connection's first request and its
// response make one event.
//
// The header's only constant is a protocol number of zero, so a request must have the exact size of its function, and valid
// quantities. Conn.Mode is the function that the client asked for, and Left the transaction and unit.

const (
	modbusHeader    = 7   // transaction, protocol, length, unit
	minModbusLength = 2   // of unit and function, from where length counts
	maxModbusLength = 254 // section 4.1: 253 bytes and the unit
	modbusException = 0x80
)

// Functions; section 5.1.
const (
	modbusReadCoils      = 1
	modbusReadDiscretes  = 2
	modbusReadHolding    = 3
	modbusReadInput      = 4
	modbusWriteCoil      = 5
	modbusWriteRegister  = 6
	modbusStatus         = 7
	modbusWriteCoils     = 15
	modbusWriteRegisters = 16
	modbusServerID       = 17
	modbusMaskWrite      = 22
	modbusReadWrite      = 23
	modbusMEI            = 43
)

// modbusFunctions are Suricata's names of the functions.
var modbusFunctions = [...]string{
	modbusReadCoils: "RdCoils", modbusReadDiscretes: "RdDiscreteInputs", modbusReadHolding: "RdHoldRegs",
	modbusReadInput: "RdInputRegs", modbusWriteCoil: "WrSingleCoil", modbusWriteRegister: "WrSingleReg",
	modbusStatus: "RdExcStatus", modbusWriteCoils: "WrMultCoils", modbusWriteRegisters: "WrMultRegs",
	modbusServerID: "ReportServerID", modbusMaskWrite: "MaskWrReg", modbusReadWrite: "RdWrMultRegs", modbusMEI: "MEI",
}

// modbusUnit is a request or response: the header, and a cursor over the bytes after the function.
type modbusUnit struct {
	transaction, protocol uint16
	length                int
	unit, function        uint8
	data                  wire.Cursor
	whole                 bool
}

// read is false if the bytes cannot be a request or response.
func (u *modbusUnit) read(data []byte) bool {
	r := wire.New(data)
	n := r.Len()
	u.transaction, u.protocol, u.length = r.U16(), r.U16(), int(r.U16())
	u.unit, u.function = r.U8(), r.U8()
	switch {
	case n >= 4 && u.protocol != 0, n == 3 && data[2] != 0,
		n >= 6 && (u.length < minModbusLength || u.length > maxModbusLength):
		return false
	}
	size := u.length - minModbusLength
	u.whole = r.OK() && r.Len() >= size
	u.data = r.Upto(size)
	return true
}

func parseModbus(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	var u modbusUnit
	if !u.read(in.Data) {
		return Reject
	}
	if c.Mode[1^side] != 0 {
		return u.answer(h, c, in)
	}
	switch {
	case len(in.Data) > modbusHeader && !u.fits():
		return Reject
	case !u.whole:
		return moreUnless(in.Final)
	case !u.allowed():
		return Reject
	}
	c.Mode[side], c.Left[side] = u.function, uint32(u.transaction)<<8|uint32(u.unit)
	h.Role, h.Next = Request, Stop
	h.Int(keyID, 1)
	h.Object(keyRequest)
	u.print(h)
	u.printRequest(h)
	h.End()
	return Done
}

// fits reports whether the length is right for a request of the function, or at least its minimum if the length varies.
func (u *modbusUnit) fits() bool {
	switch u.function {
	case modbusReadCoils, modbusReadDiscretes, modbusReadHolding, modbusReadInput, modbusWriteCoil, modbusWriteRegister:
		return u.length == minModbusLength+4
	case modbusStatus, modbusServerID:
		return u.length == minModbusLength
	case modbusMaskWrite:
		return u.length == minModbusLength+6
	case modbusWriteCoils, modbusWriteRegisters:
		return u.length > minModbusLength+5
	case modbusReadWrite:
		return u.length > minModbusLength+9
	case modbusMEI:
		return u.length == minModbusLength+3
	}
	return false
}

// Bounds on quantities; section 6.
const (
	maxModbusReadBits  = 2000
	maxModbusReadRegs  = 125
	maxModbusWriteBits = 1968
	maxModbusWriteRegs = 123
	modbusCoilOn       = 0xff00
	modbusDeviceID     = 14 // the MEI type of Read Device Identification
)

// allowed reports whether a complete request has valid quantities.
func (u modbusUnit) allowed() bool {
	r := u.data
	_, quantity := r.U16(), int(r.U16())
	switch u.function {
	case modbusReadCoils, modbusReadDiscretes:
		return quantity >= 1 && quantity <= maxModbusReadBits
	case modbusReadHolding, modbusReadInput:
		return quantity >= 1 && quantity <= maxModbusReadRegs
	case modbusWriteCoil:
		return quantity == 0 || quantity == modbusCoilOn
	case modbusWriteCoils:
		return modbusWrites(r, quantity, maxModbusWriteBits, (quantity+7)/8)
	case modbusWriteRegisters:
		return modbusWrites(r, quantity, maxModbusWriteRegs, 2*quantity)
	case modbusReadWrite:
		_, written := r.U16(), int(r.U16())
		return quantity >= 1 && quantity <= maxModbusReadRegs && modbusWrites(r, written, maxModbusWriteRegs, 2*written)
	case modbusMEI:
		return u.data.U8() == modbusDeviceID
	}
	return true
}

// modbusWrites reports whether a quantity is valid, and r has the right byte count and as many bytes.
func modbusWrites(r wire.Cursor, quantity, highest, size int) bool {
	count := int(r.U8())
	return quantity >= 1 && quantity <= highest && count == size && r.Len() == size
}

func (u *modbusUnit) print(h *Hint) {
	h.Int(keyTransactionID, int64(u.transaction))
	h.Int(keyProtocolID, 0)
	h.Int(keyUnitID, int64(u.unit))
	h.Int(keyFunctionRaw, int64(u.function))
	if f := int(u.function &^ modbusException); f < len(modbusFunctions) && modbusFunctions[f] != "" {
		h.Const(keyFunctionCode, modbusFunctions[f])
	}
}

func (u *modbusUnit) printRequest(h *Hint) {
	r := u.data
	switch u.function {
	case modbusReadCoils, modbusReadDiscretes, modbusReadHolding, modbusReadInput, modbusReadWrite:
		h.Object(keyRead)
		h.Int(keyAddress, int64(r.U16()))
		h.Int(keyQuantity, int64(r.U16()))
		h.End()
	case modbusWriteCoil, modbusWriteRegister:
		h.Object(keyWrite)
		h.Int(keyAddress, int64(r.U16()))
		h.Int(keyData, int64(r.U16()))
		h.End()
	}
}

// answer reads the response to the request in c.
func (u *modbusUnit) answer(h *Hint, c *Conn, in Input) Verdict {
	asked := 1 ^ in.Side&1
	id := uint32(u.transaction)<<8 | uint32(u.unit)
	n := len(in.Data)
	switch {
	case n >= modbusHeader && id != c.Left[asked], n > modbusHeader && u.function&^modbusException != c.Mode[asked]:
		return Reject
	case !u.whole:
		return moreUnless(in.Final)
	}
	h.Role, h.Next = Response, Stop
	h.Object(keyResponse)
	u.print(h)
	if u.function&modbusException != 0 {
		h.Object(keyException)
		h.Int(keyRaw, int64(u.data.U8()))
		h.End()
	}
	h.End()
	return Done
}

// Keys of the fields.
var (
	keyException    = KeyOf("exception")
	keyFunctionCode = KeyOf("function_code")
	keyFunctionRaw  = KeyOf("function_raw")
	keyProtocolID   = KeyOf("protocol_id")
	keyQuantity     = KeyOf("quantity")
	keyRead         = KeyOf("read")
	keyUnitID       = KeyOf("unit_id")
	keyWrite        = KeyOf("write")
)
