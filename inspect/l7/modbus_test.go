package l7

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestModbusRequests: what differs in one place from a request is none.
func TestModbusRequests(t *testing.T) {
	for name, x := range map[string]struct {
		data string
		want Verdict
	}{
		"read 4 registers":          {"0001 0000 0006 01 03 0064 0004", Done},
		"another protocol number":   {"0001 0001 0006 01 03 0064 0004", Reject},
		"a length of another kind":  {"0001 0000 0007 01 03 0064 0004 00", Reject},
		"no registers":              {"0001 0000 0006 01 03 0064 0000", Reject},
		"too many registers":        {"0001 0000 0006 01 03 0064 007e", Reject},
		"a function that is none":   {"0001 0000 0006 01 63 0064 0004", Reject},
		"a coil neither on nor off": {"0001 0000 0006 01 05 0064 1234", Reject},
		"a coil that is on":         {"0001 0000 0006 01 05 0064 ff00", Done},
		"write 2 registers":         {"0001 0000 000b 01 10 0064 0002 04 00010002", Done},
		"count of bytes is wrong":   {"0001 0000 000b 01 10 0064 0002 05 00010002", Reject},
		"read and write":            {"0001 0000 000d 01 17 0064 0001 0065 0001 02 0007", Done},
		"device identification":     {"0001 0000 0005 01 2b 0e 01 00", Done},
		"other kinds of MEI":        {"0001 0000 0005 01 2b 0d 01 00", Reject},
	} {
		var h Hint
		var c Conn
		assert.Equal(t, x.want, parseModbus(&h, &c, Input{Data: unhex(t, x.data)}), name)
	}
}

// TestModbusAnswers: a response is that to the request.
func TestModbusAnswers(t *testing.T) {
	var h Hint
	var asked Conn
	require.Equal(t, Done, parseModbus(&h, &asked, Input{Data: unhex(t, "0001 0000 0006 01 03 0064 0001")}))
	for data, want := range map[string]Verdict{
		"0001 0000 0005 01 03 02 0011": Done,
		"0002 0000 0005 01 03 02 0011": Reject,
		"0001 0000 0005 02 03 02 0011": Reject,
		"0001 0000 0005 01 04 02 0011": Reject,
		"0001 0000 0003 01 83 02":      Done,
		"0001 0000 0005 01 03 02":      More,
	} {
		c := asked
		h.Reset()
		assert.Equal(t, want, parseModbus(&h, &c, Input{Data: unhex(t, data), Side: 1}), data)
	}
}
