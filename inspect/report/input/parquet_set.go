package input

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// setter sets a field of a record to a value of its column.
type setter = func(*flowlog.Record, parquet.Value)

// setterOf returns the setter of a field; nil for a field that is derived from others.
func setterOf(f *flowlog.Field, c *parquet.Column, in *interner) (setter, error) {
	want, set := fieldSetter(f, in)
	if set == nil {
		return nil, nil
	}
	if !c.Leaf() || c.Repeated() {
		return nil, fmt.Errorf("column %s is nested or repeated", c.Name())
	}
	if kind := c.Type().Kind(); !slices.Contains(want, kind) {
		return nil, fmt.Errorf("column %s is of type %v, not %v", c.Name(), kind, want[0])
	}
	if _, isTime := f.Pointer(new(flowlog.Record)).(*int64); isTime {
		if unit := unitOf(c); unit > 0 {
			return func(r *flowlog.Record, v parquet.Value) { *f.Pointer(r).(*int64) = integer(v) / unit }, nil
		}
	}
	return set, nil
}

// unitOf returns how many units of a column of timestamps are a second; 0 for other columns. Flow logs have seconds since 1970, tables that
// were made of them often timestamps.
func unitOf(c *parquet.Column) int64 {
	logical := c.Type().LogicalType()
	if logical == nil {
		return 0
	}
	stamp, ok := logical.Value.(*format.TimestampType)
	if !ok || stamp.Unit.Value == nil {
		return 0
	}
	return int64(time.Second / stamp.Unit.Value.Duration())
}

var (
	textKinds  = []parquet.Kind{parquet.ByteArray}
	intKinds   = []parquet.Kind{parquet.Int32, parquet.Int64}
	boolKinds  = []parquet.Kind{parquet.Boolean}
	floatKinds = []parquet.Kind{parquet.Double}
)

// fieldSetter returns the setter of a field, and the kinds of column that it can read.
func fieldSetter(f *flowlog.Field, in *interner) ([]parquet.Kind, setter) {
	switch f.Pointer(new(flowlog.Record)).(type) {
	case *string:
		return textKinds, func(r *flowlog.Record, v parquet.Value) {
			if b := v.ByteArray(); f.Ours() || string(b) != "-" { // AWS writes - for an unknown value
				*f.Pointer(r).(*string) = in.text(b)
			}
		}
	case *netip.Addr:
		return textKinds, func(r *flowlog.Record, v parquet.Value) { *f.Pointer(r).(*netip.Addr) = in.addr(v.ByteArray()) }
	case *uint8:
		return intKinds, func(r *flowlog.Record, v parquet.Value) { *f.Pointer(r).(*uint8) = uint8(integer(v)) }
	case *uint16:
		return intKinds, func(r *flowlog.Record, v parquet.Value) { *f.Pointer(r).(*uint16) = uint16(integer(v)) }
	case *uint32: // the VNI
		return intKinds, func(r *flowlog.Record, v parquet.Value) { r.VNI, r.Mirrored = uint32(integer(v)), true }
	case *uint64:
		return intKinds, func(r *flowlog.Record, v parquet.Value) { *f.Pointer(r).(*uint64) = uint64(integer(v)) }
	case *int64:
		return intKinds, func(r *flowlog.Record, v parquet.Value) { *f.Pointer(r).(*int64) = integer(v) }
	case *bool:
		return boolKinds, func(r *flowlog.Record, v parquet.Value) { *f.Pointer(r).(*bool) = v.Boolean() }
	case *float64:
		return floatKinds, func(r *flowlog.Record, v parquet.Value) { *f.Pointer(r).(*float64) = v.Double() }
	default:
		return nil, nil
	}
}

// integer returns the value of a column of 32 or 64 bits. A negative value, which no field of flow logs has, is 0.
func integer(v parquet.Value) int64 {
	if v.Kind() == parquet.Int32 {
		return max(int64(v.Int32()), 0)
	}
	return max(v.Int64(), 0)
}
