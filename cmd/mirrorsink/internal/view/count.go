package view

import (
	"fmt"
	"io"
	"strings"
)

// PrintCount writes a line of a summary, unless the count is 0.
func PrintCount(w io.Writer, what string, n uint64, remark string) {
	if n > 0 {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s\t%d %s", what, n, remark), " "))
	}
}
