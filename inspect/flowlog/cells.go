package flowlog

import (
	"errors"
	"math"
	"net/netip"
	"strconv"
)

// A cell is a field's value in a record.
type cell interface {
	// append appends the value as plain text, and nothing if it is not known.
	append(dst []byte, r *Record) []byte
	// parse sets the value from text, which is neither empty nor "-". An error names the expected value.
	parse(r *Record, text []byte, in *intern) error
}

// A number is a cell that is an integer.
type number interface {
	cell
	int(r *Record) (n int64, known bool)
}

var (
	_ number = version{}
	_ number = port(nil)
	_ number = octet(nil)
	_ number = count(nil)
	_ number = seconds(nil)
	_ number = vni{}
)

var errNumber = errors.New("want a number")

// appendInt appends a number if it is known.
func appendInt(dst []byte, n int64, known bool) []byte {
	if !known {
		return dst
	}
	return strconv.AppendInt(dst, n, 10)
}

// parseUint reads digits without allocating.
func parseUint(text []byte, most uint64) (n uint64, err error) {
	for _, c := range text {
		if c < '0' || c > '9' || n > (math.MaxUint64-9)/10 {
			return 0, errNumber
		}
		n = n*10 + uint64(c-'0')
	}
	if n > most {
		return 0, errNumber
	}
	return n, nil
}

type text func(*Record) *string

func (c text) append(dst []byte, r *Record) []byte { return append(dst, *c(r)...) }

func (c text) parse(r *Record, text []byte, in *intern) error {
	*c(r) = in.decoded(text)
	return nil
}

type addr func(*Record) *netip.Addr

func (c addr) append(dst []byte, r *Record) []byte {
	if a := c(r); a.IsValid() {
		return a.AppendTo(dst)
	}
	return dst
}

func (c addr) parse(r *Record, text []byte, _ *intern) error {
	a, err := netip.ParseAddr(string(text))
	if err != nil {
		return errors.New("want an address")
	}
	*c(r) = a
	return nil
}

type port func(*Record) *uint16

func (c port) int(r *Record) (int64, bool) { return int64(*c(r)), r.HasData() }
func (c port) append(dst []byte, r *Record) []byte {
	n, known := c.int(r)
	return appendInt(dst, n, known)
}

func (c port) parse(r *Record, text []byte, _ *intern) error {
	n, err := parseUint(text, math.MaxUint16)
	*c(r) = uint16(n)
	return err
}

type octet func(*Record) *uint8

func (c octet) int(r *Record) (int64, bool) { return int64(*c(r)), r.HasData() }
func (c octet) append(dst []byte, r *Record) []byte {
	n, known := c.int(r)
	return appendInt(dst, n, known)
}

func (c octet) parse(r *Record, text []byte, _ *intern) error {
	n, err := parseUint(text, math.MaxUint8)
	*c(r) = uint8(n)
	return err
}

type count func(*Record) *uint64

func (c count) int(r *Record) (int64, bool) { return int64(*c(r)), r.HasData() }
func (c count) append(dst []byte, r *Record) []byte {
	n, known := c.int(r)
	return appendInt(dst, n, known)
}

func (c count) parse(r *Record, text []byte, _ *intern) error {
	n, err := parseUint(text, math.MaxInt64)
	*c(r) = n
	return err
}

// seconds is a time: of packets, or of a window without packets.
type seconds func(*Record) *int64

func (c seconds) int(r *Record) (int64, bool)         { return *c(r), true }
func (c seconds) append(dst []byte, r *Record) []byte { return strconv.AppendInt(dst, *c(r), 10) }

func (c seconds) parse(r *Record, text []byte, _ *intern) error {
	n, err := parseUint(text, math.MaxInt64)
	*c(r) = int64(n)
	return err
}

type flag func(*Record) *bool

func (c flag) append(dst []byte, r *Record) []byte {
	if !r.HasData() {
		return dst
	}
	return strconv.AppendBool(dst, *c(r))
}

func (c flag) parse(r *Record, text []byte, _ *intern) error {
	switch string(text) {
	case "true":
		*c(r) = true
	case "false":
		*c(r) = false
	default:
		return errors.New("want true or false")
	}
	return nil
}

// version is the record's version, which depends on the other fields of the format: see Format.Version.
type version struct{}

func (version) int(*Record) (int64, bool)           { return Latest, true }
func (version) append(dst []byte, _ *Record) []byte { return strconv.AppendInt(dst, Latest, 10) }

func (version) parse(_ *Record, text []byte, _ *intern) error {
	_, err := parseUint(text, math.MaxUint8)
	return err
}

// addressType is derived from the addresses.
type addressType struct{}

func (c addressType) append(dst []byte, r *Record) []byte { return append(dst, c.of(r)...) }

func (addressType) of(r *Record) string {
	a := r.PktSrcAddr
	if !a.IsValid() {
		a = r.SrcAddr
	}
	switch {
	case !a.IsValid():
		return ""
	case a.Is4():
		return "IPv4"
	default:
		return "IPv6"
	}
}

func (addressType) parse(*Record, []byte, *intern) error { return nil }

type completeness struct{}

func (completeness) append(dst []byte, r *Record) []byte {
	if !r.HasData() || math.IsNaN(r.Completeness) {
		return dst
	}
	return strconv.AppendFloat(dst, r.Completeness, 'f', -1, 64)
}

func (completeness) parse(r *Record, text []byte, _ *intern) (err error) {
	r.Completeness, err = strconv.ParseFloat(string(text), 64)
	if err != nil || !(r.Completeness >= 0 && r.Completeness <= 1) {
		return errors.New("want a number from 0 to 1")
	}
	return nil
}

type vni struct{}

func (vni) int(r *Record) (int64, bool)           { return int64(r.VNI), r.Mirrored }
func (c vni) append(dst []byte, r *Record) []byte { return appendInt(dst, int64(r.VNI), r.Mirrored) }

func (vni) parse(r *Record, text []byte, _ *intern) error {
	n, err := parseUint(text, 1<<24-1)
	r.VNI, r.Mirrored = uint32(n), err == nil
	return err
}
