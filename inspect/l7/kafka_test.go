package l7

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestKafkaRequests: there is no magic number, so a request is one only if all of it fits.
func TestKafkaRequests(t *testing.T) {
	for name, x := range map[string]struct {
		data string
		want Verdict
	}{
		"ApiVersions 0":              {"0000000d 0012 0000 00000001 0003 616263", Done},
		"bytes behind ApiVersions 0": {"0000000e 0012 0000 00000001 0003 616263 00", Reject},
		"ApiVersions 3":              {"00000013 0012 0003 00000001 0003 616263 00 02 61 02 31 00", Done},
		"Metadata":                   {"00000011 0003 0001 00000001 0003 616263 ffffffff", Done},
		"an API that is none":        {"00000011 0063 0001 00000001 0003 616263 ffffffff", Reject},
		"a version that is none":     {"00000011 0003 0063 00000001 0003 616263 ffffffff", Reject},
		"a late correlation ID":      {"00000011 0003 0001 7f000001 0003 616263 ffffffff", Reject},
		"no client ID":               {"0000000e 0003 0001 00000001 0000 ffffffff", Reject},
		"a client ID past the end":   {"00000011 0003 0001 00000001 0030 616263 ffffffff", Reject},
		"a client ID of other bytes": {"00000011 0003 0001 00000001 0003 610063 ffffffff", Reject},
		"a size of gigabytes":        {"7f000011 0003 0001 00000001 0003 616263 ffffffff", Reject},
		"half of a client ID":        {"00000011 0003 0001 00000001 0003 61", More},
	} {
		var h Hint
		var c Conn
		assert.Equal(t, x.want, parseKafka(&h, &c, Input{Data: unhex(t, x.data)}), name)
	}
}
