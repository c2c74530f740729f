package flowlog_test

import (
	"fmt"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// Lines of AWS or of mirrorsink are read and written in another format.
func Example() {
	format, err := flowlog.Parse("${srcaddr} ${dstaddr} ${dstport} ${bytes}")
	if err != nil {
		fmt.Println(err)
		return
	}
	lines := "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n"
	reader, err := flowlog.NewReader(strings.NewReader(lines), flowlog.Default)
	if err != nil {
		fmt.Println(err)
		return
	}
	var record flowlog.Record
	for reader.Read(&record) == nil {
		fmt.Print(string(format.AppendText(nil, &record)))
	}
	// Output: 172.31.16.139 172.31.16.21 22 4249
}
