package where_test

import (
	"fmt"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// connection is a row of two fields.
type connection struct {
	name string
	port int
}

func (c connection) Value(field int) any {
	if field == 0 {
		return c.name
	}
	return c.port
}

func ExampleSchema_Compile() {
	schema := where.NewSchema([]where.Field{{Name: "name", Kind: where.Text}, {Name: "port", Kind: where.Int}})
	filter, err := schema.Compile(`domain(name) == "example.com" and port in [80, 443]`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(filter.Match(connection{"www.example.com", 443}))
	fmt.Println(filter.Match(connection{"www.example.org", 443}))
	_, err = schema.Compile(`port == "443"`)
	fmt.Println(err)
	// Output:
	// true
	// false
	// column 6: a number == text: want two of the same kind
}
