package parquet

import (
	"strings"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// layout returns the columns' names and types, and the index of the column by which rows are sorted.
func (t *table[T]) layout() layout {
	l := layout{sorted: -1}
	for i := range t.columns {
		c := &t.columns[i]
		l.columns = append(l.columns, leaf{strings.Split(c.path, "."), c.typ})
		if c.path == t.sorted {
			l.sorted = i
		}
	}
	return l
}

// layout is a table without the type of its rows.
type layout struct {
	columns []leaf
	sorted  int // the index of the column by which rows are sorted
}

type leaf struct {
	path []string
	typ  physical
}

// schema returns the tree of columns in depth-first order, as a file's metadata have it.
func (l *layout) schema() []format.SchemaElement {
	return append(make([]format.SchemaElement, 0, len(l.columns)+1), group("mirrorsink", l.columns, 0)...)
}

// group returns a struct, or the root, and its contents: leaves whose paths have the first depth names in common.
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
		Type:           thrift.New(l.typ.format()),
		RepetitionType: thrift.New(format.Optional),
	}
	if l.typ == stringType {
		e.ConvertedType = thrift.New(deprecated.UTF8)
		e.LogicalType = format.LogicalType{Value: &format.StringType{}}
	}
	return e
}

func (p physical) format() format.Type {
	switch p {
	case int32Type:
		return format.Int32
	case int64Type:
		return format.Int64
	case doubleType:
		return format.Double
	case boolType:
		return format.Boolean
	default:
		return format.ByteArray
	}
}
