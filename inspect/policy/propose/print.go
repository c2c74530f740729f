package propose

import (
	"fmt"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/mirrorsink/mirrorsink/inspect/bytesize"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// AppendRules appends rules as items of a policy's allow list, each line indented. Every destination has a comment: what was seen of it.
func AppendRules(dst []byte, rules []Rule, indent string) []byte {
	for i := range rules {
		r := &rules[i]
		lead := indent + "- "
		line := func(format string, args ...any) {
			dst = fmt.Appendf(append(dst, lead...), format+"\n", args...)
			lead = indent + "  "
		}
		if r.Review {
			dst = append(dst, indent+"# To review: seen rarely, or an address that no name explains.\n"...)
		}
		if r.Workload != "" {
			line("from: %s", quoted(r.Workload))
		}
		line("to:")
		for k := range r.Entries {
			dst = appendEntry(dst, &r.Entries[k], indent+"    ")
		}
		if len(r.Ports) > 0 {
			line("ports: [%s]", portsText(r.Ports))
		}
	}
	return dst
}

func appendEntry(dst []byte, e *Entry, indent string) []byte {
	to := quoted(policy.DestinationText(e.To))
	dst = fmt.Appendf(dst, "%s- %s # ", indent, to)
	if e.Flows > 0 || e.Accesses == 0 {
		dst = fmt.Appendf(dst, "%s in %s, ", bytesize.Decimal(e.Bytes), count(e.Flows, "flow"))
	}
	if e.Accesses > 0 {
		dst = fmt.Appendf(dst, "%s imported, ", accesses(e.Accesses))
	}
	if e.Last == 0 && e.Accesses > 0 {
		dst = append(dst, "at unknown times"...)
	} else {
		dst = fmt.Appendf(dst, "%s to %s", day(e.First), day(e.Last))
	}
	if e.Names > 1 {
		dst = fmt.Appendf(dst, ", %d names", e.Names)
	}
	switch e.By {
	case policy.ByLookup:
		dst = append(dst, ", named by lookups"...)
	case policy.ByAddress:
		dst = append(dst, ", no name"...)
	case policy.NoEvidence, policy.BySNI, policy.ByHost:
	}
	return append(dst, '\n')
}

// quoted returns a text as an item of a list in YAML, in quotation marks if it would be something else without: a wildcard, an address that
// ends in a colon, a name such as null.
func quoted(text string) string {
	var list []yaml.Node
	if yaml.Unmarshal([]byte("- "+text+" # a comment"), &list) == nil && len(list) == 1 && list[0].Kind == yaml.ScalarNode && list[0].Tag != "!!null" && list[0].Value == text {
		return text
	}
	return strconv.Quote(text)
}

func accesses(n uint64) string {
	if n == 1 {
		return "1 access"
	}
	return fmt.Sprintf("%d accesses", n)
}

func count(n uint64, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

func day(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.DateOnly) }
