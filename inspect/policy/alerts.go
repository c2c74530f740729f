package policy

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/bytesize"
	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// AlertKind is what an alert looks for.
type AlertKind uint8

// Kinds of alerts.
const (
	Exfiltration    AlertKind = iota // more payload than Bytes to one destination within a sliding window
	Violation                        // a flow that is not allowed
	DirectToAddress                  // no lookup explains the flow
	NewName                          // a name that the workload has not used before
	Beacon                           // regular connections, by RITA's score
	LongConnection                   // a connection that is open for longer than Over
	DNSTunnel                        // many subdomains of one domain
	ManagementPort                   // SSH, RDP and the like
	Cleartext                        // credentials without encryption
	ResolverBypass                   // DNS, or DNS over TLS or HTTPS, at other servers than the VPC's
	Listed                           // a destination of a list
	Match                            // flows that an expression selects
	NumAlertKinds
)

var alertWords = [NumAlertKinds]string{
	Exfiltration: "exfiltration", Violation: "not-allowed", DirectToAddress: "direct-to-address", NewName: "new-name", Beacon: "beacon",
	LongConnection: "long-connection", DNSTunnel: "dns-tunnel", ManagementPort: "management-port", Cleartext: "cleartext-credentials",
	ResolverBypass: "resolver-bypass", Listed: "listed", Match: "any",
}

// String returns the key of the kind in a policy.
func (k AlertKind) String() string { return alertWords[k] }

// Severity is how urgent an alert is, as Suricata counts: 1 is the most urgent.
type Severity uint8

// Severities.
const (
	High   Severity = 1
	Medium Severity = 2
	Low    Severity = 3
)

var severities = map[string]Severity{"high": High, "medium": Medium, "low": Low}

// String returns the word of a severity.
func (s Severity) String() string {
	for word, v := range severities {
		if v == s {
			return word
		}
	}
	return ""
}

// Alert is a condition on flows that is reported.
type Alert struct {
	At         Position
	Kind       AlertKind
	Name       string // the kind's word unless the file names it
	From       []string
	Severity   Severity
	Bytes      uint64        // Exfiltration: more than this is reported
	Within     time.Duration // Exfiltration
	Everywhere bool          // Exfiltration: to any destination, not only to those that are not allowed
	Learn      time.Duration // NewName
	Score      float64       // Beacon
	Over       time.Duration // LongConnection
	Subdomains int           // DNSTunnel
	List       []Destination // Listed
	Where      string        // Match: an expression of package where

	list *index
}

// For reports whether the alert is for a workload.
func (a *Alert) For(workload string) bool {
	return len(a.From) == 0 || slices.Contains(a.From, workload)
}

// Same reports whether an alert looks for the same as another one, by the same name.
func (a *Alert) Same(o Alert) bool {
	plain := *a
	plain.At, o.At, plain.list, o.list = Position{}, Position{}, nil, nil
	return reflect.DeepEqual(plain, o)
}

// Lists returns the entry of a Listed alert's list that has a flow's destination: by its name, the names that were looked up for its
// address, or the address. It is empty if there is none.
func (a *Alert) Lists(f *Flow) string {
	for _, name := range append([]string{f.Names.SNI, f.Names.Host}, f.Names.Lookups...) {
		if n := observed(name); n != "" && a.list.byName(n, forEveryone) >= 0 {
			return n
		}
	}
	if a.list.byAddr(f.Addr, f.Service, forEveryone) >= 0 {
		return f.Addr.String()
	}
	return ""
}

// ManagementPorts are the ports of services for administrators, with their names.
var ManagementPorts = map[uint16]string{
	22: "SSH", 23: "Telnet", 135: "RPC", 445: "SMB", 512: "rexec", 513: "rlogin", 514: "rsh", 623: "IPMI", 2375: "Docker", 2376: "Docker",
	3389: "RDP", 5900: "VNC", 5985: "WinRM", 5986: "WinRM", 6443: "Kubernetes", 10250: "kubelet",
}

// defaults are what a kind has without keys.
var defaults = [NumAlertKinds]Alert{
	Exfiltration:    {Severity: High, Bytes: 100e3, Within: 5 * time.Minute},
	Violation:       {Severity: Medium},
	DirectToAddress: {Severity: Medium},
	NewName:         {Severity: Low, Learn: Learn},
	Beacon:          {Severity: Medium, Score: 0.8},
	LongConnection:  {Severity: Low, Over: 4 * time.Hour},
	DNSTunnel:       {Severity: High, Subdomains: 100},
	ManagementPort:  {Severity: Medium},
	Cleartext:       {Severity: High},
	ResolverBypass:  {Severity: Medium},
	Listed:          {Severity: High},
	Match:           {Severity: Medium},
}

// DefaultAlert returns the alert of a kind that "kind: {}" stands for.
func DefaultAlert(kind AlertKind) Alert {
	a := defaults[kind]
	a.Kind, a.Name, a.list = kind, kind.String(), newIndex()
	return a
}

// alerts reads the alerts: by kind one, or a list of several.
func (l *loader) alerts(key string, n *strictyaml.Node) {
	known := strictyaml.Fields{}
	for kind := range NumAlertKinds {
		known[kind.String()] = func(_ string, n *strictyaml.Node) {
			for _, e := range strictyaml.Items(n) {
				l.alert(kind, e)
			}
		}
	}
	l.Mapping(n, key, known)
	names := map[string]Position{}
	for i := range l.policy.Alerts {
		a := &l.policy.Alerts[i]
		if first, twice := names[a.Name]; twice {
			l.Problem(a.At, "the name %s is that of the alert in line %d already: give each of several of a kind a name", strictyaml.Quote(a.Name), first.Line)
		}
		names[a.Name] = a.At
	}
}

// alert reads one alert. "kind:" without a value is "kind: {}".
func (l *loader) alert(kind AlertKind, n *strictyaml.Node) {
	a := defaults[kind]
	a.At, a.Kind, a.Name = strictyaml.At(n), kind, kind.String()
	what := "alert " + a.Name
	if !strictyaml.IsNull(n) {
		given := l.Mapping(n, what, l.alertFields(&a))
		switch {
		case kind == Match && given != nil:
			l.Require(a.At, what, given, "where")
		case kind == Listed && given != nil:
			l.Require(a.At, what, given, "in")
		}
	} else if kind == Match || kind == Listed {
		l.Problem(a.At, "%s: want %s", what, map[AlertKind]string{Match: "{where: EXPRESSION}", Listed: "{in: DESTINATIONS}"}[kind])
	}
	l.policy.Alerts = append(l.policy.Alerts, a)
}

// alertFields returns the keys of an alert: those of all alerts, and those of its kind.
func (l *loader) alertFields(a *Alert) strictyaml.Fields {
	fields := strictyaml.Fields{
		"name":     strictyaml.One(l.Loader, &a.Name, parseName),
		"from":     l.from(&a.From),
		"severity": strictyaml.One(l.Loader, &a.Severity, parseSeverity),
	}
	add := func(key string, read strictyaml.Field) { fields[key] = read }
	switch a.Kind {
	case Exfiltration:
		add("bytes", strictyaml.One(l.Loader, &a.Bytes, parseBytes))
		add("within", strictyaml.One(l.Loader, &a.Within, parseDuration))
		add("to", strictyaml.One(l.Loader, &a.Everywhere, parseWhereTo))
	case NewName:
		add("learn", strictyaml.One(l.Loader, &a.Learn, parseDuration))
	case Beacon:
		add("score", strictyaml.One(l.Loader, &a.Score, parseScore))
	case LongConnection:
		add("over", strictyaml.One(l.Loader, &a.Over, parseDuration))
	case DNSTunnel:
		add("subdomains", strictyaml.One(l.Loader, &a.Subdomains, strictyaml.Number(2, 1e6, "")))
	case Listed:
		add("in", func(key string, n *strictyaml.Node) {
			for _, e := range strictyaml.Items(n) {
				l.destinations(key, e, &a.List)
			}
		})
	case Match:
		add("where", strictyaml.One(l.Loader, &a.Where, l.expression))
	case Violation, DirectToAddress, ManagementPort, Cleartext, ResolverBypass, NumAlertKinds:
	}
	return fields
}

func parseSeverity(text string) (Severity, error) {
	if s, ok := severities[text]; ok {
		return s, nil
	}
	return 0, fmt.Errorf("want high, medium or low, found %s", strictyaml.Quote(text))
}

func parseWhereTo(text string) (everywhere bool, err error) {
	switch text {
	case NotAllowed.String():
		return false, nil
	case keywordAny:
		return true, nil
	}
	return false, fmt.Errorf("want not-allowed or any, found %s", strictyaml.Quote(text))
}

func parseScore(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 && v <= 1) {
		return 0, fmt.Errorf("want a number above 0 and up to 1, found %s", strictyaml.Quote(text))
	}
	return v, nil
}

// parseBytes reads a number of bytes with a unit.
func parseBytes(text string) (uint64, error) {
	number, unit := bytesize.Split(text)
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("want a number of bytes such as 100kB or 5MiB, found %s", strictyaml.Quote(text))
	}
	return n * uint64(unit), nil
}

// parseDuration reads a duration of one unit: 30s, 5m, 4h, 7d.
func parseDuration(text string) (time.Duration, error) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	if len(text) > 1 {
		n, ok := strictyaml.Decimal(text[:len(text)-1])
		if unit := units[text[len(text)-1]]; ok && unit > 0 && n > 0 && n <= 366*24*3600 && time.Duration(n) <= 366*24*time.Hour/unit {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, errors.New("want a duration of one unit, at most a year: 30s, 5m, 4h or 7d, found " + strictyaml.Quote(text))
}
