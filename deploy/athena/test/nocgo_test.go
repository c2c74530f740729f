//go:build !cgo

package athena_test

import "testing"

func TestAnswers(t *testing.T) {
	t.Skip("DuckDB, which runs the queries, needs a C++ compiler")
}
