package flowlog

import "net/netip"

// Strings returns how to read the text of a field from a record, "" being not known, for who reads many; nil if the field
// holds something else, or is never known.
func (f *Field) Strings() func(*Record) string {
	switch c := f.cell.(type) {
	case text:
		return func(r *Record) string { return *c(r) }
	case addressType:
		return c.of
	}
	return nil
}

// Addrs is as Strings, for fields that hold an address.
func (f *Field) Addrs() func(*Record) netip.Addr {
	if c, ok := f.cell.(addr); ok {
		return func(r *Record) netip.Addr { return *c(r) }
	}
	return nil
}

// Ints is as Strings, for Int32 and Int64 fields.
func (f *Field) Ints() func(*Record) (n int64, known bool) {
	if c, ok := f.cell.(number); ok {
		return c.int
	}
	return nil
}
