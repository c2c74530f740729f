package export

import (
	"net/netip"
	"strings"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// column is one column of a table whose rows are of type T.
type column[T any] struct {
	path string // its name; within structs, theirs before it, with dots
	kind physical
	push func(*values, []T) // a value of each row
}

// table is what rows of type T look like in a Parquet file. Columns of one struct stand side by side. All columns may be null,
// and no struct is.
type table[T any] struct {
	columns []column[T]
	sorted  string            // the path of the column by which rows are sorted within a row group
	at      func(*T) int64    // when: Unix seconds, by which the hour or day of its folder is chosen
	where   func(*T) locality // whose
}

// locality is whose a row is: which folder it goes to. Texts that are not known are empty.
type locality struct{ account, region string }

func textColumn[T any](path string, of func(*T) string) column[T] {
	return column[T]{path, parquetString, func(v *values, rows []T) {
		for i := range rows {
			v.pushText(of(&rows[i]))
		}
	}}
}

func addrColumn[T any](path string, of func(*T) netip.Addr) column[T] {
	return column[T]{path, parquetString, func(v *values, rows []T) {
		for i := range rows {
			v.pushAddr(of(&rows[i]))
		}
	}}
}

func intColumn[T any](path string, kind physical, of func(*T) (n int64, known bool)) column[T] {
	return column[T]{path, kind, func(v *values, rows []T) {
		for i := range rows {
			v.pushInt(of(&rows[i]))
		}
	}}
}

func doubleColumn[T any](path string, of func(*T) (f float64, known bool)) column[T] {
	return column[T]{path, parquetDouble, func(v *values, rows []T) {
		for i := range rows {
			v.pushDouble(of(&rows[i]))
		}
	}}
}

func boolColumn[T any](path string, of func(*T) (b, known bool)) column[T] {
	return column[T]{path, parquetBool, func(v *values, rows []T) {
		for i := range rows {
			v.pushBool(of(&rows[i]))
		}
	}}
}

// nullColumn is a column of which nothing is ever known.
func nullColumn[T any](path string, kind physical) column[T] {
	return column[T]{path, kind, func(v *values, rows []T) {
		for range rows {
			v.push(null)
		}
	}}
}

// layout returns the columns' names and types, and where the one by which rows are sorted is among them.
func (t *table[T]) layout() layout {
	l := layout{sorted: -1}
	for i := range t.columns {
		c := &t.columns[i]
		l.columns = append(l.columns, leaf{strings.Split(c.path, "."), c.kind})
		if c.path == t.sorted {
			l.sorted = i
		}
	}
	return l
}

// layout is a table's columns as a file's writer sees them.
type layout struct {
	columns []leaf
	sorted  int // the number of the column by which rows are sorted
}

type leaf struct {
	path []string
	kind physical
}

// schema returns the columns as the tree, flattened in depth-first order, that a file's metadata have.
func (l *layout) schema() []format.SchemaElement {
	return append(make([]format.SchemaElement, 0, len(l.columns)+1), group("mirrorsink", l.columns, 0)...)
}

// group returns a struct, or the whole, and what is in it: leaves that share the first depth names of their paths.
func group(name string, leaves []leaf, depth int) []format.SchemaElement {
	all := []format.SchemaElement{{Name: name}}
	if depth > 0 {
		all[0].RepetitionType = thrift.New(format.Required)
	}
	children := int32(0)
	for len(leaves) > 0 {
		n, child := 1, leaves[0].path[depth]
		if len(leaves[0].path) == depth+1 {
			all = append(all, leaves[0].element())
		} else {
			for n < len(leaves) && len(leaves[n].path) > depth+1 && leaves[n].path[depth] == child {
				n++
			}
			all = append(all, group(child, leaves[:n], depth+1)...)
		}
		leaves = leaves[n:]
		children++
	}
	all[0].NumChildren = thrift.New(children)
	return all
}

func (l *leaf) element() format.SchemaElement {
	e := format.SchemaElement{
		Name:           l.path[len(l.path)-1],
		Type:           thrift.New(l.kind.format()),
		RepetitionType: thrift.New(format.Optional),
	}
	if l.kind == parquetString {
		e.ConvertedType = thrift.New(deprecated.UTF8)
		e.LogicalType = format.LogicalType{Value: &format.StringType{}}
	}
	return e
}

func (p physical) format() format.Type {
	switch p {
	case parquetInt32:
		return format.Int32
	case parquetInt64:
		return format.Int64
	case parquetDouble:
		return format.Double
	case parquetBool:
		return format.Boolean
	default:
		return format.ByteArray
	}
}
