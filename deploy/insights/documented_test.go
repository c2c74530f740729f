package insights_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// people are the log events of the documentation.
var people = []string{
	"user=ann, method:GET, latency := 30",
	"user=bob, method:GET, latency := 10",
	"user=ann, method:PUT, latency := 50",
	"nothing of the kind",
}

// TestDocumented: the evaluator has the results that AWS documents for the commands.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
func TestDocumented(t *testing.T) {
	const parse = `parse @message "user=*, method:*, latency := *" as @user, @method, @latency | `
	for _, c := range []struct{ what, query, want string }{
		{"a glob makes fields, and the last one takes the rest", parse + `fields @user, @latency | limit 2`, "@user | @latency\nann | 30\nbob | 10\n"},
		{"an event that does not match stays, without them", parse + `stats count(*) as all, count(@user) as matched`, "all | matched\n4 | 3\n"},
		{
			"a regular expression's named groups make fields", `parse @message /user=(?<who>\w+), method:(?<how>\w+)/ | filter how = 'PUT' | fields who`,
			"who\nann\n",
		},
		{"stats groups", parse + `filter ispresent(@user) | stats sum(@latency) as total by @user | sort total desc`, "@user | total\nann | 80\nbob | 10\n"},
		{"aggregates have names of their own", parse + `filter ispresent(@user) | stats max(@latency), min(@latency)`, "max(@latency) | min(@latency)\n50 | 10\n"},
		{"count_distinct counts values", parse + `stats count_distinct(@user) as users`, "users\n2\n"},
		{"numbers are compared as numbers", parse + `filter @latency < 100 and @latency > 9 | stats count(*) as n`, "n\n3\n"},
		{"texts are compared as texts", parse + `filter @user >= "b" | fields @user`, "@user\nbob\n"},
		{"like with a text finds it anywhere, letters as they are", `filter @message like "Nothing" | stats count(*) as n`, "n\n"},
		{"like with a regular expression", `filter @message like /(?i)NOTHING/ | stats count(*) as n`, "n\n1\n"},
		{"=~ is like", `filter @message =~ /^user=b/ | stats count(*) as n`, "n\n1\n"},
		{"not like", `filter @message not like /user/ | fields @message`, "@message\nnothing of the kind\n"},
		{"in wants the whole text", parse + `filter @user in ["an", "bob"] | fields @user`, "@user\nbob\n"},
		{"not in", parse + `filter @user not in ["bob"] | stats count(*) as n`, "n\n2\n"},
		{"and binds before or", parse + `filter @user = "bob" or @user = "ann" and @method = "PUT" | stats count(*) as n`, "n\n2\n"},
		{"brackets bind first", parse + `filter (@user = "bob" or @user = "ann") and @method = "PUT" | stats count(*) as n`, "n\n1\n"},
		{"not", parse + `filter ispresent(@user) and not @user = "ann" | fields @user`, "@user\nbob\n"},
		{"arithmetic", parse + `filter @user = "bob" | fields @latency * 2 + 1 as twice, 2 ^ 3 as power, 10 % 3 as rest`, "twice | power | rest\n21 | 8 | 1\n"},
		{"an alias can be sorted by", parse + `filter ispresent(@user) | fields @latency as l | sort l asc`, "l\n10\n30\n50\n"},
		{"dedup keeps the first in the order", parse + `filter ispresent(@user) | fields @user, @latency | sort @latency desc | dedup @user`, "@user | @latency\nann | 50\nbob | 10\n"},
		{"dedup keeps what has no value", parse + `fields @user | dedup @user | limit 9`, "@user\nann\nbob\n\n"},
		{"comments reach to the end of the line", "# one\nfields @message # two\n| limit 1 # three", "@message\nuser=ann, method:GET, latency := 30\n"},
		{"stats may be followed by filter", parse + "stats count(*) as n by @user | filter n > 1 | fields @user", "@user\nann\n"},
	} {
		q, err := parseQuery(c.query)
		require.NoError(t, err, c.query)
		got, err := q.run(people)
		require.NoError(t, err, c.query)
		assert.Equal(t, c.want, got.String(), "%s: %s", c.what, c.query)
	}
}

// TestDiscovered: every field of events in JSON has a name, with dots for objects and arrays.
func TestDiscovered(t *testing.T) {
	q, err := parseQuery("filter isIpInSubnet(`src_ip`, \"10.0.0.0/8\") | fields @timestamp, a.b, a.c.1, `a.d-e` as f")
	require.NoError(t, err)
	got, err := q.run([]string{
		`{"timestamp":"2026-11-22T01:18:03.778092+0000","src_ip":"10.1.2.3","a":{"b":true,"c":[1,2.5],"d-e":"x"}}`,
		`{"src_ip":"192.0.2.1"}`, `{"src_ip":"2001:db8::1"}`, `{}`, `no JSON`,
	})
	require.NoError(t, err)
	assert.Equal(t, "@timestamp | a.b | a.c.1 | f\n1795310283778 | true | 2.5 | x\n", got.String())
}

// TestNotQueries: malformed queries are refused.
func TestNotQueries(t *testing.T) {
	for query, why := range map[string]string{
		"frobnicate x":                         "unknown command",
		"fields a_b":                           "wants backticks",
		`parse @message "* *" as one`:          "2 times * for 1 names",
		`parse @message "* *" as one, one`:     "not there yet",
		"fields a | limit many":                "limit",
		"fields a | sort a":                    `want "asc"`,
		"fields a | dedup a | fields b":        "only limit may follow",
		"filter a = ":                          "no value",
		`filter a in "x"`:                      `want "["`,
		`filter a like /x`:                     "has no end",
		"filter a not 3":                       "want like or in",
		"fields a fields b":                    `want "|"`,
		"stats count(*) as n by a | filter (n": `want ")"`,
	} {
		_, err := parseQuery(query)
		assert.ErrorContains(t, err, why, query)
	}
	for query, why := range map[string]string{
		"fields nosuch(a, b)":                "not known",
		"stats nosuch(@message)":             "not known",
		"stats @message":                     "no function",
		"filter @message":                    "neither true nor false",
		"filter isIpInSubnet(@message, 'x')": "no '/'",
	} {
		q, err := parseQuery(query)
		require.NoError(t, err, query)
		_, err = q.run([]string{"1"})
		assert.ErrorContains(t, err, why, query)
	}
}
