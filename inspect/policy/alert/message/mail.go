package message

import (
	"fmt"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/bytesize"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// maxSubject is the length of the subject of a mail by SNS, in ASCII characters: the API wants fewer than 100.
const maxSubject = 99

// Subject returns the subject of a mail: ASCII in one line.
func Subject(a *alert.Alert) string {
	state := ""
	if a.State != alert.Opened {
		state = a.State.String() + ": "
	}
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, "mirrorsink "+state+title(a))
	return cut(text, maxSubject)
}

// Body returns the text of a mail: what happened, who did it and whose it is, how much, and how to look further.
func Body(a *alert.Alert, s *Sink) string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%-13s%s\n", label, Printable(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintf(&b, "%s\n\n", title(a))
	line("What", "%s (%s, severity %s)", a.Evidence, a.State, a.Severity)
	if a.Uncertain {
		line("", "Not certain: bytes or names were missing.")
	}
	line("Who", "%s", a.Source)
	if a.Workload != "" {
		line("Workload", "%s", a.Workload)
	}
	if a.Interface != "" {
		line("Interface", "%s", a.Interface)
	}
	if a.Account != "" {
		line("Account", "%s", a.Account)
	}
	line("Destination", "%s", a.To)
	if a.Addr.IsValid() {
		line("Address", "%s port %d", a.Addr, a.Port)
	}
	line("Bytes", "%s", bytesize.Decimal(a.Bytes))
	line("First seen", "%s", timeText(a.First))
	line("Last seen", "%s, %d times", timeText(a.Last), a.Count)
	for i, f := range a.Flows {
		label := ""
		if i == 0 {
			label = "Largest flows"
		}
		line(label, " %s to %s port %d (flow_id %d)", bytesize.Decimal(f.Bytes), f.Addr, f.Port, f.ID)
	}
	fmt.Fprintf(&b, "\nTo look further, on the sink %s:\n  mirrorsink report top --group name --group address --from -1h --where '%s' FLOWS\n", s.Host, where(a))
	return b.String()
}

// where returns an expression for the records of an alert's source. It has no names from traffic, so that it can be pasted into a shell.
func where(a *alert.Alert) string {
	switch {
	case strings.HasPrefix(a.Source, "i-") && isID(a.Source):
		return fmt.Sprintf("instance_id == %q", a.Source)
	case a.Interface != "" && isID(a.Interface):
		return fmt.Sprintf("interface_id == %q", a.Interface)
	case a.Addr.IsValid():
		return fmt.Sprintf("dstaddr == %q", a.Addr)
	default:
		return "true"
	}
}

func isID(text string) bool { return strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" }
