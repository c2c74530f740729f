package flowlog_test

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// metricFilter is CloudWatch's pattern for space-delimited events, as far as flow logs are filtered with it:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
type metricFilter []element

// element is the part between two commas: conditions on one token, as alternatives of conjunctions. With rest it is any number of
// tokens.
type element struct {
	rest bool
	any  [][]condition
}

type condition struct{ op, value string }

// parseFilter reads a pattern such as [eni, bytes > 1000, action = REJECT || action = "-", ...].
func parseFilter(t require.TestingT, pattern string) (f metricFilter) {
	inner, ok := strings.CutPrefix(pattern, "[")
	require.True(t, ok, pattern)
	inner, ok = strings.CutSuffix(inner, "]")
	require.True(t, ok, pattern)
	for _, text := range splitOutside(inner, ",") {
		text = strings.TrimSpace(text)
		if text == "..." {
			f = append(f, element{rest: true})
			continue
		}
		var s element
		for _, alternative := range splitOutside(text, "||") {
			var all []condition
			for _, c := range splitOutside(alternative, "&&") {
				if c, ok := parseCondition(t, c); ok {
					all = append(all, c)
				}
			}
			s.any = append(s.any, all)
		}
		f = append(f, s)
	}
	return f
}

var conditionForm = regexp.MustCompile(`^\s*([A-Za-z0-9_]+)\s*(?:(!=|<=|>=|=|<|>)\s*("[^"]*"|%[^%]*%|[A-Za-z0-9_.*-]+))?\s*$`)

// parseCondition reads a name with or without a condition on it.
func parseCondition(t require.TestingT, text string) (c condition, ok bool) {
	m := conditionForm.FindStringSubmatch(text)
	require.NotNil(t, m, text)
	return condition{m[2], strings.Trim(m[3], `"`)}, m[2] != ""
}

// splitOutside splits text outside of quotation marks and percent signs.
func splitOutside(text, at string) (parts []string) {
	start, open := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case open != 0:
			if c == open {
				open = 0
			}
		case c == '"' || c == '%':
			open = c
		case strings.HasPrefix(text[i:], at):
			parts = append(parts, text[start:i])
			i += len(at) - 1
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// tokens splits an event as CloudWatch does: at spaces outside of "..." and [...].
func tokens(line string) (out []string) {
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		end := strings.IndexByte(line, ' ')
		if closing, grouped := map[byte]string{'"': `"`, '[': "]"}[line[0]]; grouped {
			if n := strings.Index(line[1:], closing); n >= 0 {
				out, line = append(out, line[1:1+n]), line[2+n:]
				continue
			}
		}
		if end < 0 {
			end = len(line)
		}
		out, line = append(out, line[:end]), line[end:]
	}
	return out
}

// matches reports whether an event has as many tokens as the pattern has elements, and each token meets its element's conditions.
func (f metricFilter) matches(line string) bool { return f.match(tokens(line)) }

func (f metricFilter) match(in []string) bool {
	if len(f) == 0 {
		return len(in) == 0
	}
	if f[0].rest {
		for n := range len(in) + 1 {
			if f[1:].match(in[n:]) {
				return true
			}
		}
		return false
	}
	return len(in) > 0 && f[0].accepts(in[0]) && f[1:].match(in[1:])
}

func (s element) accepts(token string) bool {
	for _, all := range s.any {
		ok := true
		for _, c := range all {
			ok = ok && c.holds(token)
		}
		if ok {
			return true
		}
	}
	return false
}

func (c condition) holds(token string) bool {
	a, errA := strconv.ParseFloat(token, 64)
	b, errB := strconv.ParseFloat(c.value, 64)
	numbers := errA == nil && errB == nil
	switch c.op {
	case "=":
		return c.equals(token)
	case "!=":
		return !c.equals(token)
	case "<":
		return numbers && a < b
	case ">":
		return numbers && a > b
	case "<=":
		return numbers && a <= b
	default:
		return numbers && a >= b
	}
}

// equals compares a token with a text, which may have an asterisk at either end, or with a regular expression.
func (c condition) equals(token string) bool {
	if strings.HasPrefix(c.value, "%") {
		return regexp.MustCompile(strings.Trim(c.value, "%")).MatchString(token)
	}
	inner, open := strings.CutPrefix(c.value, "*")
	inner, ended := strings.CutSuffix(inner, "*")
	switch {
	case open && ended:
		return strings.Contains(token, inner)
	case open:
		return strings.HasSuffix(token, inner)
	case ended:
		return strings.HasPrefix(token, inner)
	default:
		return token == inner
	}
}

// TestMetricFilter: the evaluator implements the examples of AWS's page.
func TestMetricFilter(t *testing.T) {
	access := `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	for pattern, want := range map[string]bool{
		"[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]":                  true,
		"[ip, user, username, timestamp, request, status_code = 404 || status_code = 410, bytes]":     true,
		"[ip, user, username, timestamp, request, status_code = 4* && status_code != 404, bytes]":     false,
		"[ip, user, username, timestamp, request, status_code, bytes > 1534]":                         false,
		"[ip, user, username, timestamp, request, status_code, bytes >= 1534]":                        true,
		"[ip, user, username, timestamp, request, status_code]":                                       false,
		"[..., status_code = 404, bytes]":                                                             true,
		"[ip = %127\\.0\\.0\\.[0-9]%, ...]":                                                           true,
		`[ip, user = "Prod", ...]`:                                                                    true,
		"[ip, user, ..., bytes < 1000]":                                                               false,
		`[ip, user, username, timestamp = "10/Oct*", request, status_code = 404, bytes, and_another]`: false,
		`[ip, user, username, timestamp = "10/Oct*", request, status_code = 404, bytes]`:              true,
	} {
		assert.Equal(t, want, parseFilter(t, pattern).matches(access), pattern)
	}
}

// The custom format of the exfiltration recipe: the 29 fields of versions 2 to 5 in the order of the alphabet, and its filter.
const (
	recipeFormat = "${account-id} ${action} ${az-id} ${bytes} ${dstaddr} ${dstport} ${end} ${flow-direction} ${instance-id} " +
		"${interface-id} ${log-status} ${packets} ${pkt-dst-aws-service} ${pkt-dstaddr} ${pkt-src-aws-service} ${pkt-srcaddr} " +
		"${protocol} ${region} ${srcaddr} ${srcport} ${start} ${sublocation-id} ${sublocation-type} ${subnet-id} ${tcp-flags} " +
		"${traffic-path} ${type} ${version} ${vpc-id}"
	recipeFilter = "[account_id, action, az_id, bytes > 100000, dstaddr!=123.123.123.123 && dstaddr!=210.210.210.210, dstport, end, " +
		"flow_direction = egress, instance_id, interface_id, log_status, packets, pkt_dst_aws_service, pkt_dstaddr, " +
		"pkt_src_aws_service, pkt_srcaddr, protocol, region, srcaddr, srcport, start, sublocation_id, sublocation_type, subnet_id, " +
		"tcp_flags, traffic_path, type, version, vpc_id]"
)

// TestExfiltrationRecipe: a metric filter made for VPC Flow Logs matches our lines of large uploads and no others.
func TestExfiltrationRecipe(t *testing.T) {
	format, err := flowlog.Parse(recipeFormat)
	require.NoError(t, err)
	require.Len(t, format.Fields(), 29)
	filter := parseFilter(t, recipeFilter)
	short := parseFilter(t, "[account_id, action, az_id, bytes > 100000, dstaddr!=123.123.123.123 && dstaddr!=210.210.210.210, dstport, "+
		"end, flow_direction = egress, ...]")

	upload := sample
	upload.Bytes, upload.FlowDirection = 5_000_000, "egress"
	small, back, known := upload, upload, upload
	small.Bytes = 100_000
	back.FlowDirection = "ingress"
	known.DstAddr = netip.MustParseAddr("210.210.210.210")
	silent := flowlog.Record{AccountID: "123456789012", InterfaceID: "eni-1", LogStatus: flowlog.NoData, Start: 1, End: 60}
	hostile := upload
	hostile.AZID, hostile.InstanceID = `a b [c`, `"d e`
	for _, c := range []struct {
		what string
		r    flowlog.Record
		want bool
	}{
		{"an upload", upload, true}, {"just too small", small, false}, {"the other direction", back, false},
		{"a known destination", known, false}, {"NODATA", silent, false}, {"texts that would split or join tokens", hostile, true},
	} {
		line := strings.TrimSuffix(string(format.AppendText(nil, &c.r)), "\n")
		assert.Len(t, tokens(line), 29, line)
		assert.Equal(t, c.want, filter.matches(line), "%s: %s", c.what, line)
		assert.Equal(t, c.want, short.matches(line), "%s: %s", c.what, line)
	}
}

// TestAcceptFilter: the metric filter of AWS's page on the default format matches our lines too.
func TestAcceptFilter(t *testing.T) {
	filter := parseFilter(t, "[version, account, eni, source, destination, srcport, destport = 22 || destport = 443, protocol = 6, "+
		"packets, bytes, windowstart, windowend, action = ACCEPT, flowlogstatus]")
	line := strings.TrimSuffix(string(flowlog.Default.AppendText(nil, &sample)), "\n")
	assert.True(t, filter.matches(line))
	unanswered := sample
	unanswered.Action = ""
	line = strings.TrimSuffix(string(flowlog.Default.AppendText(nil, &unanswered)), "\n")
	assert.False(t, filter.matches(line))
	assert.True(t, parseFilter(t, `[..., action = "-", status]`).matches(line))
}
