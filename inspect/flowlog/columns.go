package flowlog

import "net/netip"

// Strings returns a function that reads the field's text from a record; "" is not known. It is for readers of many records. It is nil
// if the field has another type, or is never known.
func (f *Field) Strings() func(*Record) string {
	switch c := f.cell.(type) {
	case text:
		return func(r *Record) string { return *c(r) }
	case addressType:
		return c.of
	}
	return nil
}

// Addrs is like Strings, for fields with an address.
func (f *Field) Addrs() func(*Record) netip.Addr {
	if c, ok := f.cell.(addr); ok {
		return func(r *Record) netip.Addr { return *c(r) }
	}
	return nil
}

// Ints is like Strings, for Int32 and Int64 fields.
func (f *Field) Ints() func(*Record) (n int64, known bool) {
	if c, ok := f.cell.(number); ok {
		return c.int
	}
	return nil
}
