package output

import (
	"context"
	"strings"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// alertOptions are the outputs of alerts.
type alertOptions struct{ to []string }

// alertKinds is the table of the outputs of alerts: how each is given.
var alertKinds = []struct{ prefix, want string }{
	{"eve", "eve"},
}

func (o *alertOptions) addTo(f *pflag.FlagSet) {
	flags.In(f, flags.Outputs).Strings(&o.to, "alert", "OUTPUT", "send the alerts of the policy to this output; see \"help policy\" (repeatable)")
	words := make([]string, 0, len(alertKinds))
	for _, k := range alertKinds {
		words = append(words, k.prefix)
	}
	flags.Suggest(f, "alert", words...)
}

func (o *alertOptions) check() error {
	wants := make([]string, 0, len(alertKinds))
	for _, k := range alertKinds {
		wants = append(wants, k.want)
	}
	seen := map[string]bool{}
	for _, spec := range o.to {
		known := false
		for _, k := range alertKinds {
			known = known || spec == k.prefix
		}
		switch {
		case !known:
			return flags.Usagef("--alert %q: want %s", spec, strings.Join(wants, ", "))
		case seen[spec]:
			return flags.Usagef("--alert %s is given twice", spec)
		}
		seen[spec] = true
	}
	return nil
}

// HasAlerts reports whether there is an output of alerts.
func (o *Options) HasAlerts() bool { return len(o.alerts.to) > 0 }

// AlertEvents reports whether alerts are events too.
func (o *Options) AlertEvents() bool {
	for _, spec := range o.alerts.to {
		if spec == "eve" {
			return true
		}
	}
	return false
}

// Alerts takes alerts to all outputs but those of events.
type Alerts struct{}

var _ alert.Output = (*Alerts)(nil)

// OpenAlerts opens the outputs of alerts. There may be none. drops is how many datagrams sources lost so far.
func (o *Options) OpenAlerts(_ Config, _ *alert.Meter, _ func() uint64) (*Alerts, error) {
	return &Alerts{}, nil
}

// Alert implements alert.Output.
func (a *Alerts) Alert(*alert.Alert) {}

// Close delivers until ctx ends. No alert may be given after it has begun. The error has what stays for the next start, and the reason.
func (a *Alerts) Close(context.Context) error { return nil }
