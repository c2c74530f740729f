package flowlog_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// ranges is an extract of ip-ranges.json.
const ranges = `{
  "syncToken": "1700000000", "createDate": "2026-11-20-00-00-00",
  "prefixes": [
    {"ip_prefix": "3.5.140.0/22", "region": "ap-northeast-2", "service": "AMAZON", "network_border_group": "ap-northeast-2"},
    {"ip_prefix": "3.5.140.0/22", "region": "ap-northeast-2", "service": "EC2", "network_border_group": "ap-northeast-2"},
    {"ip_prefix": "3.5.140.0/22", "region": "ap-northeast-2", "service": "S3", "network_border_group": "ap-northeast-2"},
    {"ip_prefix": "13.34.0.0/16", "region": "GLOBAL", "service": "AMAZON", "network_border_group": "GLOBAL"},
    {"ip_prefix": "13.34.7.0/24", "region": "GLOBAL", "service": "EC2", "network_border_group": "GLOBAL"}
  ],
  "ipv6_prefixes": [{"ipv6_prefix": "2600:1f70::/40", "region": "GLOBAL", "service": "EC2", "network_border_group": "GLOBAL"}]
}`

func TestServices(t *testing.T) {
	s, err := flowlog.ReadServices(strings.NewReader(ranges))
	require.NoError(t, err)
	for a, want := range map[string]string{
		"3.5.141.1": "S3", "13.34.0.1": "AMAZON", "13.34.7.255": "EC2", "192.0.2.1": "", "2600:1f70::1": "EC2", "2001:db8::1": "",
		"::ffff:3.5.141.1": "S3",
	} {
		assert.Equal(t, want, s.Of(netip.MustParseAddr(a)), a)
	}
	assert.Empty(t, (*flowlog.Services)(nil).Of(netip.MustParseAddr("3.5.141.1")))
	assert.Empty(t, s.Of(netip.Addr{}))
}

func TestServicesRefuse(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "want AWS's ip-ranges.json: this is not JSON, incomplete, or of other fields",
		"{}":                 "want AWS's ip-ranges.json: it has a syncToken and prefixes",
		`{"prefixes": [{}]}`: "want AWS's ip-ranges.json: it has a syncToken and prefixes",
		`{"syncToken": "1", "prefixes": [{"service": "S3"}]}`:                "want AWS's ip-ranges.json: network invalid Prefix has service \"S3\"",
		`{"syncToken": "1", "prefixes": [{"ip_prefix": "1.2.3.0/24"}]}`:      "want AWS's ip-ranges.json: network 1.2.3.0/24 has service \"\"",
		`{"syncToken": "1", "prefixes": [{"ip_prefix": "x","service":"S"}]}`: "want AWS's ip-ranges.json: this is not JSON, incomplete, or of other fields",
	} {
		_, err := flowlog.ReadServices(strings.NewReader(text))
		assert.EqualError(t, err, want, text)
	}
}
