package command

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// manyRecords is how many records TestReportOfManyRecords reads, unless the variable of this name says another number. The
// bound is to hold of 10,000,000, which take a minute and 1.2 GB of disk.
const manyRecords = "MIRRORSINK_TEST_RECORDS"

// TestReportOfManyRecords: whatever there is to read, and however many groups there are, top stays within its memory, gives
// exact sums, and shows how far it is.
func TestReportOfManyRecords(t *testing.T) {
	n := testform.Pick(50_000, 200_000)
	if text := os.Getenv(manyRecords); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	name, bytes := writeRecords(t, n)
	tty, shown := terminal(t, 100, 24)
	cmd := program(t, "report", "top", "-n", "1", "-o", "csv", "--group", "address", "--group", "name", name)
	answer, writer, err := os.Pipe()
	require.NoError(t, err)
	defer answer.Close()
	cmd.Stdout, cmd.Stderr = writer, tty
	started := time.Now()
	require.NoError(t, cmd.Start())
	require.NoError(t, writer.Close())
	peak := make(chan int)
	go func() { peak <- peakAnon(cmd.Process.Pid) }()
	lines := bufio.NewScanner(answer)
	var last string
	for lines.Scan() {
		last = lines.Text()
	}
	require.NoError(t, cmd.Wait())
	most := <-peak
	t.Logf("%d records, %d MB of lines: %v, RssAnon at most %d MB", n, bytes>>20, time.Since(started).Round(time.Millisecond), most>>20)
	assert.Equal(t, fmt.Sprintf("203.0.113.1,most.example.com,%d,%d,%d,2025-11-25T08:00:00Z,2025-11-25T09:00:55Z", n/4, n/4, n/4*1000), last)
	assert.Less(t, most, 500_000_000)
	assert.Regexp(t, regexp.MustCompile(`\r\x1b\[K\[[= ]+\] +\d+% of \d+\.\d [MG]iB, \d+ records, \d+ a second`), shown.String())
}

// writeRecords writes n records in AWS's default fields and x-name: a quarter to one name, the others each to its own.
func writeRecords(t *testing.T, n int) (name string, size int64) {
	name = filepath.Join(t.TempDir(), "flows.log")
	f, err := os.Create(name)
	require.NoError(t, err)
	w := bufio.NewWriterSize(f, 1<<20)
	_, err = w.WriteString("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status x-name\n")
	require.NoError(t, err)
	var line []byte
	for i := range n {
		to, host := "203.0.113.1", "most"
		if i%4 != 0 {
			to, host = "203.0.113.2", strconv.Itoa(i)
		}
		at := 1764057600 + i%3600
		line = fmt.Appendf(line[:0], "2 123456789010 eni-1235b8ca123456789 10.0.%d.%d %s %d 443 6 1 1000 %d %d ACCEPT OK %s.example.com\n",
			i>>8&255, i&255, to, 1024+i%60000, at, at+59, host)
		_, err = w.Write(line)
		require.NoError(t, err)
	}
	require.NoError(t, w.Flush())
	info, err := f.Stat()
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return name, info.Size()
}

// peakAnon looks at a process's RssAnon until it has ended, and returns the most that it was, bytes.
func peakAnon(pid int) (most int) {
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil || bytes.Contains(status, []byte("\nState:\tZ")) {
			return most
		}
		if m := regexp.MustCompile(`RssAnon:\s+(\d+) kB`).FindSubmatch(status); m != nil {
			n, _ := strconv.Atoi(string(m[1]))
			most = max(most, n<<10)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
