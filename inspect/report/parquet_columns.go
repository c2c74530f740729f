package report

import (
	"fmt"
	"net/netip"

	"github.com/parquet-go/parquet-go"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// setter returns how a field is set from a value of its column; nil for a field that follows from others.
func setter(f *flowlog.Field, c *parquet.Column, in *interned) (func(*row, parquet.Value), error) {
	want, set := setterOf(f, in)
	if set == nil {
		return nil, nil
	}
	if !c.Leaf() || c.Repeated() {
		return nil, fmt.Errorf("column %s holds no plain values", c.Name())
	}
	kind := c.Type().Kind()
	for _, k := range want {
		if k == kind {
			return set, nil
		}
	}
	return nil, fmt.Errorf("column %s is of type %v, not %v", c.Name(), kind, want[0])
}

var (
	textKinds  = []parquet.Kind{parquet.ByteArray}
	intKinds   = []parquet.Kind{parquet.Int32, parquet.Int64}
	boolKinds  = []parquet.Kind{parquet.Boolean}
	floatKinds = []parquet.Kind{parquet.Double}
)

func setterOf(f *flowlog.Field, in *interned) ([]parquet.Kind, func(*row, parquet.Value)) {
	switch f.Pointer(new(flowlog.Record)).(type) {
	case *string:
		return textKinds, func(r *row, v parquet.Value) {
			if b := v.ByteArray(); f.Ours() || string(b) != "-" { // which AWS writes for what is not known
				*f.Pointer(&r.Record).(*string) = in.text(b)
			}
		}
	case *netip.Addr:
		return textKinds, func(r *row, v parquet.Value) { *f.Pointer(&r.Record).(*netip.Addr) = in.addr(v.ByteArray()) }
	case *uint8:
		return intKinds, func(r *row, v parquet.Value) { *f.Pointer(&r.Record).(*uint8) = uint8(integer(v)) }
	case *uint16:
		return intKinds, func(r *row, v parquet.Value) { *f.Pointer(&r.Record).(*uint16) = uint16(integer(v)) }
	case *uint32: // the VNI
		return intKinds, func(r *row, v parquet.Value) { r.VNI, r.Mirrored = uint32(integer(v)), true }
	case *uint64:
		return intKinds, func(r *row, v parquet.Value) { *f.Pointer(&r.Record).(*uint64) = uint64(integer(v)) }
	case *int64:
		return intKinds, func(r *row, v parquet.Value) { *f.Pointer(&r.Record).(*int64) = integer(v) }
	case *bool:
		return boolKinds, func(r *row, v parquet.Value) { *f.Pointer(&r.Record).(*bool) = v.Boolean() }
	case *float64:
		return floatKinds, func(r *row, v parquet.Value) { *f.Pointer(&r.Record).(*float64) = v.Double() }
	default:
		return nil, nil
	}
}

// integer is a value of a column of 32 or 64 bits; never negative, as nothing in flow logs is.
func integer(v parquet.Value) int64 {
	if v.Kind() == parquet.Int32 {
		return max(int64(v.Int32()), 0)
	}
	return max(v.Int64(), 0)
}

// interned keeps one copy of each text of a file, and the addresses that texts are.
type interned struct {
	texts map[string]string
	addrs map[string]netip.Addr
}

// maxInterned bounds the copies. When there are more they are forgotten together; most come back at once.
const maxInterned = 1 << 14

func (in *interned) text(b []byte) string {
	if s, ok := in.texts[string(b)]; ok {
		return s
	}
	if in.texts == nil || len(in.texts) >= maxInterned {
		in.texts = map[string]string{}
	}
	s := string(b)
	in.texts[s] = s
	return s
}

// addr is the address that a text is; the zero one if it is none.
func (in *interned) addr(b []byte) netip.Addr {
	if a, ok := in.addrs[string(b)]; ok {
		return a
	}
	if in.addrs == nil || len(in.addrs) >= maxInterned {
		in.addrs = map[string]netip.Addr{}
	}
	a, _ := netip.ParseAddr(string(b))
	in.addrs[string(b)] = a
	return a
}
