package parquet

import "net/netip"

// column is one column of a table whose rows are of type T.
type column[T any] struct {
	path string // its name; in a struct, with the names of the structs before it, separated by dots
	typ  physical
	push func(*values, []T) // adds a value of each row
}

// table describes rows of type T as a Parquet file has them. The columns of a struct are neighbours. All columns may be null; a
// struct is not.
type table[T any] struct {
	columns []column[T]
	sorted  string         // the path of the column by which rows are sorted within a row group
	at      func(*T) int64 // the row's time, Unix seconds: it determines the period of its folder
	where   func(*T) locality
}

// locality determines the folder of a row. Unknown texts are empty.
type locality struct{ account, region string }

func textColumn[T any](path string, of func(*T) string) column[T] {
	return column[T]{path, stringType, func(v *values, rows []T) {
		for i := range rows {
			v.pushText(of(&rows[i]))
		}
	}}
}

func addrColumn[T any](path string, of func(*T) netip.Addr) column[T] {
	return column[T]{path, stringType, func(v *values, rows []T) {
		for i := range rows {
			v.pushAddr(of(&rows[i]))
		}
	}}
}

func intColumn[T any](path string, typ physical, of func(*T) (n int64, known bool)) column[T] {
	return column[T]{path, typ, func(v *values, rows []T) {
		for i := range rows {
			v.pushInt(of(&rows[i]))
		}
	}}
}

func doubleColumn[T any](path string, of func(*T) (f float64, known bool)) column[T] {
	return column[T]{path, doubleType, func(v *values, rows []T) {
		for i := range rows {
			v.pushDouble(of(&rows[i]))
		}
	}}
}

func boolColumn[T any](path string, of func(*T) (b, known bool)) column[T] {
	return column[T]{path, boolType, func(v *values, rows []T) {
		for i := range rows {
			v.pushBool(of(&rows[i]))
		}
	}}
}

// nullColumn is a column that is always null.
func nullColumn[T any](path string, typ physical) column[T] {
	return column[T]{path, typ, func(v *values, rows []T) {
		for range rows {
			v.push(null)
		}
	}}
}
