package forward

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parseTestSize stands for the program's parser of sizes.
func parseTestSize(text string) (uint64, error) {
	if text == "64KiB" {
		return 64 << 10, nil
	}
	return 0, errors.New("want a size")
}

func TestRulesAreParsed(t *testing.T) {
	for text, want := range map[string]Rule{
		"tls": {Bypass: BypassTLS}, "quic": {Bypass: BypassQUIC}, " http ": {Bypass: BypassHTTP}, "after 64KiB": {Bypass: BypassAfter, Bytes: 64 << 10},
	} {
		rule, err := ParseRule(text, parseTestSize)
		require.NoError(t, err, text)
		require.Equal(t, want, rule, text)
	}
	rule, err := ParseRule(`after 64KiB if name endsWith "example.com"`, parseTestSize)
	require.NoError(t, err)
	require.NotNil(t, rule.If)
}

func TestInvalidRulesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "want tls, quic, http or after SIZE",
		"ftp":                     "want tls, quic, http or after SIZE",
		"after":                   "the size is missing: want one such as after 64KiB",
		"tls 5KiB":                `"5KiB" after tls: want if and an expression, or nothing`,
		"tls quic":                "each rule needs a flag of its own",
		"tls if":                  "want if and an expression",
		"after many":              "want a size",
		"tls if nme == 1":         `no field "nme"`,
		"tls if bytes > 5":        `bypass "after SIZE"`,
		"tls if name":             "want true or false",
		"tls if initiator == 's'": "is always src",
		"tls if ":                 "column",
	} {
		_, err := ParseRule(text, parseTestSize)
		if assert.ErrorContains(t, err, want, text) {
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}
