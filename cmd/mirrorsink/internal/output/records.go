package output

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// recordOptions configure the flow log records of all outputs.
type recordOptions struct {
	interval flowlogInterval
	flags    tcpFlags
	ranges   string
	account  string
	region   string
}

func (o *recordOptions) addTo(f *pflag.FlagSet) {
	g := flags.In(f, flags.Records)
	g.Var(&o.interval, "flowlog-interval", "DURATION", "aggregation window of flow log records: 1m or 10m")
	g.Hidden(&o.flags, "tcp-flags", "FLAGS", "TCP flags in flow log records: aws for those that AWS records, or full for all")
	g.String(&o.ranges, "aws-ip-ranges", "FILE", "name AWS services by address ranges from this file, AWS's ip-ranges.json")
	g.String(&o.account, "account-id", "ID", "account, 12 digits, of interfaces whose account the inventory does not have")
	g.String(&o.region, "region", "REGION", "region, such as eu-west-1, of interfaces whose region the inventory does not have")
}

// check reports invalid options.
func (o *recordOptions) check() error {
	if o.account != "" && !flags.IsAccount(o.account) {
		return flags.Usagef("--account-id %q: want 12 digits", o.account)
	}
	if strings.ContainsFunc(o.region, func(c rune) bool { return c != '-' && (c < '0' || c > '9' && c < 'a' || c > 'z') }) {
		return flags.Usagef("--region %q: want a region such as eu-west-1", o.region)
	}
	return nil
}

// complete adds to a recorder's configuration what the flags say.
func (o *recordOptions) complete(cfg records.Config) (records.Config, error) {
	cfg.FullFlags, cfg.Account, cfg.Region = bool(o.flags), o.account, o.region
	var err error
	cfg.Services, err = o.services()
	return cfg, err
}

// services reads AWS's address ranges; nil if they are not given.
func (o *recordOptions) services() (*flowlog.Services, error) {
	if o.ranges == "" {
		return nil, nil
	}
	f, err := os.Open(o.ranges)
	if err != nil {
		return nil, fmt.Errorf("--aws-ip-ranges: %w", err)
	}
	defer f.Close()
	all, err := flowlog.ReadServices(f)
	if err != nil {
		return nil, fmt.Errorf("--aws-ip-ranges %s: %w", o.ranges, err)
	}
	return all, nil
}

// flowlogInterval is a flag for the two aggregation windows that AWS has. The zero value is not one: see String.
type flowlogInterval time.Duration

// Set takes 1m or 10m, however they are written.
func (v *flowlogInterval) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d != time.Minute && d != 10*time.Minute {
		return errors.New("want 1m or 10m, the windows of AWS")
	}
	*v = flowlogInterval(d)
	return nil
}

func (v *flowlogInterval) get() time.Duration {
	if *v == 0 {
		return time.Minute
	}
	return time.Duration(*v)
}

// String returns the window as Set takes it.
func (v *flowlogInterval) String() string {
	return strings.TrimSuffix(v.get().String(), "0s")
}

// Values returns the windows of AWS.
func (*flowlogInterval) Values() []string { return []string{"1m", "10m"} }

// Type implements pflag.Value.
func (*flowlogInterval) Type() string { return "duration" }

// tcpFlags is a flag for which TCP flags records have: true is all of them.
type tcpFlags bool

// Set takes aws or full.
func (v *tcpFlags) Set(text string) error {
	switch text {
	case "aws":
		*v = false
	case "full":
		*v = true
	default:
		return errors.New("want aws or full")
	}
	return nil
}

// String returns the value as Set takes it.
func (v *tcpFlags) String() string {
	if *v {
		return "full"
	}
	return "aws"
}

// Values returns the values.
func (*tcpFlags) Values() []string { return []string{"aws", "full"} }

// Type implements pflag.Value.
func (*tcpFlags) Type() string { return "flags" }
