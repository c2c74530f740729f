package ec2test_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// post sends a form as it is, and returns the answer.
func post(t *testing.T, url, form, authorization string) (status int, body string) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(form))
	require.NoError(t, err)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(text)
}

// TestWireErrors sends requests that the SDK does not send.
func TestWireErrors(t *testing.T) {
	srv, _ := start(t, small())
	const signed = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/ec2/aws4_request"
	const list = "Action=DescribeTrafficMirrorTargets&Version=2016-11-15"
	tests := []struct {
		name, form, authorization, code string
		status                          int
	}{
		{"unsigned", list, "", "MissingAuthenticationToken", 403},
		{"no action", "Version=2016-11-15", signed, "InvalidAction", 400},
		{"unknown action", "Action=RunInstances&Version=2016-11-15", signed, "InvalidAction", 400},
		{"another API's action", "Action=DescribeTargetGroups&Version=2016-11-15", signed, "InvalidAction", 400},
		{"unknown version", "Action=DescribeTrafficMirrorTargets&Version=1", signed, "InvalidAction", 400},
		{"no form", "Action=%zz", signed, "MalformedQueryString", 400},
		{"unknown boolean", list + "&DryRun=yes", signed, "InvalidParameterValue", 400},
		{"required", "Action=CreateTrafficMirrorSession&Version=2016-11-15", signed, "MissingParameter", 400},
		{"dry run", list + "&DryRun=true", signed, "DryRunOperation", 412},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := post(t, srv.URL, tt.form, tt.authorization)
			assert.Equal(t, tt.status, status)
			var answer struct {
				XMLName   xml.Name `xml:"Response"`
				Code      string   `xml:"Errors>Error>Code"`
				RequestID string   `xml:"RequestID"`
			}
			require.NoError(t, xml.Unmarshal([]byte(body), &answer), body)
			assert.Equal(t, tt.code, answer.Code)
			assert.NotEmpty(t, answer.RequestID)
		})
	}
}

// TestWireFormat compares one whole answer.
func TestWireFormat(t *testing.T) {
	srv, _ := start(t, ec2test.Account{Sessions: []ec2test.Session{
		{ID: "tms-0a", Interface: "eni-0a", Target: "tmt-0a", Filter: "tmf-0a", VNI: 77, PacketLength: 128, Description: "<&>", Tags: map[string]string{"Name": "v1\x01", "A": ""}},
	}})
	status, body := post(t, srv.URL, "Action=DescribeTrafficMirrorSessions&Version=2016-11-15", "x")
	assert.Equal(t, 200, status)
	assert.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>
<DescribeTrafficMirrorSessionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>00000000-0000-4000-8000-000000000001</requestId>`+
		`<trafficMirrorSessionSet><item><trafficMirrorSessionId>tms-0a</trafficMirrorSessionId><trafficMirrorTargetId>tmt-0a</trafficMirrorTargetId>`+
		`<trafficMirrorFilterId>tmf-0a</trafficMirrorFilterId><networkInterfaceId>eni-0a</networkInterfaceId><ownerId>111122223333</ownerId>`+
		`<packetLength>128</packetLength><sessionNumber>1</sessionNumber><virtualNetworkId>77</virtualNetworkId><description>&lt;&amp;&gt;</description>`+
		`<tagSet><item><key>A</key><value></value></item><item><key>Name</key><value>v1`+"\uFFFD"+`</value></item></tagSet></item></trafficMirrorSessionSet>`+
		`</DescribeTrafficMirrorSessionsResponse>`, body)
}

// TestCloseEndsRequests: a closed server leaves no goroutine, and its address is free.
func TestCloseEndsRequests(t *testing.T) {
	srv := ec2test.New(small())
	srv.Close()
	again, err := ec2test.Listen(small(), strings.TrimPrefix(srv.URL, "http://"))
	require.NoError(t, err)
	_, err = ec2test.Listen(small(), strings.TrimPrefix(srv.URL, "http://"))
	require.Error(t, err, "the address is taken")
	again.Close()
}
