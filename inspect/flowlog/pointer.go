package flowlog

// Pointer returns the address of the field in a record: a *string, *netip.Addr, *uint8, *uint16, *uint32, *uint64, *int64, *bool or
// *float64. It is for readers of tables. It is nil for a field that is never known or is derived from others. A caller that sets VNI
// must also set Mirrored.
func (f *Field) Pointer(r *Record) any {
	switch c := f.cell.(type) {
	case text:
		return c(r)
	case addr:
		return c(r)
	case port:
		return c(r)
	case octet:
		return c(r)
	case count:
		return c(r)
	case seconds:
		return c(r)
	case flag:
		return c(r)
	case completeness:
		return &r.Completeness
	case vni:
		return &r.VNI
	default:
		return nil
	}
}
