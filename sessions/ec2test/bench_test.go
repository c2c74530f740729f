package ec2test_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// BenchmarkPages reads an account of 5,000 interfaces and 10,000 sessions to the end, a page of a thousand at a time, and asks
// for interfaces by 200 of their instances.
func BenchmarkPages(b *testing.B) {
	a := big(5000)
	for i := range a.Sessions {
		second := a.Sessions[i]
		second.ID, second.Number, second.VNI = "tms-1"+second.ID[5:], 2, second.VNI+5000
		a.Sessions = append(a.Sessions, second)
	}
	srv := ec2test.New(a)
	defer srv.Close()
	byInstance := url.Values{"Action": {"DescribeNetworkInterfaces"}, "Filter.1.Name": {"attachment.instance-id"}}
	for i := range 200 {
		byInstance.Set(fmt.Sprintf("Filter.1.Value.%d", i+1), fmt.Sprintf("i-%017x", 20*i))
	}
	for name, form := range map[string]url.Values{
		"sessions": {"Action": {"DescribeTrafficMirrorSessions"}}, "interfaces": {"Action": {"DescribeNetworkInterfaces"}},
		"instances": {"Action": {"DescribeInstances"}}, "filters": {"Action": {"DescribeTrafficMirrorFilters"}}, "by instance": byInstance,
	} {
		form.Set("Version", "2016-11-15")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for token := ""; ; {
					form.Set("NextToken", token)
					if token = nextToken(b, srv.URL, form); token == "" {
						break
					}
				}
			}
		})
	}
}

// nextToken reads a page and returns the next one's token.
func nextToken(b *testing.B, address string, form url.Values) string {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	require.NoError(b, err)
	req.Header.Set("Authorization", "x")
	res, err := http.DefaultClient.Do(req)
	require.NoError(b, err)
	defer res.Body.Close()
	require.Equal(b, http.StatusOK, res.StatusCode)
	body, err := io.ReadAll(res.Body)
	require.NoError(b, err)
	_, rest, _ := strings.Cut(string(body), "<nextToken>")
	token, _, _ := strings.Cut(rest, "</nextToken>")
	return token
}
