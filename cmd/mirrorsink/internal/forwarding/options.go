package forwarding

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
)

// Options are the flags of forwarding: which frames, how, and to which targets.
type Options struct {
	To                                TargetList
	VLAN                              vlanPlan
	VLANFile                          string
	where                             string
	bypass                            []string
	copies, cut, Checksums, oversized flags.Choice
	reorder                           reorder
}

// mainFlag is the flag without which the others mean nothing.
const mainFlag = "forward"

func (o *Options) AddTo(f *pflag.FlagSet) {
	o.copies, o.cut = flags.ChoiceOf("first", "both"), flags.ChoiceOf("fix", "drop")
	o.Checksums, o.oversized = flags.ChoiceOf("keep", "fix"), flags.ChoiceOf("drop", "segment")
	g := flags.In(f, flags.Forwarding)
	g.Var(&o.To, mainFlag, "TARGET", "forward frames to iface:NAME, tap:NAME, vxlan:HOST:PORT,... or pcap:DIR (repeatable)")
	g.String(&o.where, "forward-where", "EXPRESSION", "forward only flows for which this expression is true; see \"help where\"")
	g.Strings(&o.bypass, "forward-bypass", "RULE", "do not forward what a sensor cannot use: 'tls|quic|http|after SIZE [if EXPRESSION]' (repeatable)")
	g.Var(&o.VLAN, "forward-vlan", "PLAN", "tag frames by mirror session: auto, off, or VNI=VLAN,...")
	g.String(&o.VLANFile, "forward-vlan-file", "FILE", "keep the tags of auto in this file, so that they are the same after a restart")
	g.Var(&o.reorder, "forward-reorder", "WINDOW", "wait for packets that arrive behind later ones of their flow: off, or DURATION[,PACKETS]")
	g.Var(&o.cut, "forward-cut", "ACTION", "frames that the mirror truncated: fix their lengths, or drop them")
	g.Hidden(&o.copies, "forward-copies", "COPIES", "packets that are mirrored at both ends: forward the first copy, or both")
	g.Hidden(&o.Checksums, "forward-checksums", "ACTION", "wrong checksums of whole packets: keep or fix them")
	g.Hidden(&o.oversized, "forward-oversize", "ACTION", "frames longer than the target takes: drop them, or segment those of TCP")
	flags.Suggest(f, "forward-bypass", "tls", "quic", "http", "after")
}

// Enabled reports whether anything is forwarded.
func (o *Options) Enabled() bool { return len(o.To) > 0 }

// dependentFlags are those that mean nothing without forwardFlag.
var dependentFlags = []string{
	"forward-vlan", "forward-vlan-file", "forward-where", "forward-bypass", "forward-copies", "forward-cut", "forward-checksums",
	"forward-oversize", "forward-reorder",
}

// Check reports options that cannot be combined, or that conflict with events on standard output. given reports which flags were set, on the
// command line or in the configuration.
func (o *Options) Check(given func(flag string) bool, eventsOnStdout bool) error {
	if i := slices.IndexFunc(dependentFlags, given); i >= 0 && !o.Enabled() {
		return flags.Usagef("--%s: nothing is forwarded without --%s", dependentFlags[i], mainFlag)
	}
	switch {
	case !o.Enabled():
		return nil
	case o.VLANFile != "" && !o.VLAN.Auto():
		return flags.Usagef("--forward-vlan-file: there is nothing to keep with --forward-vlan %v", &o.VLAN)
	case o.To.OnStdout() && eventsOnStdout:
		return flags.Usagef("--forward pcap:-: events are written to standard output already")
	}
	_, err := o.rules()
	return err
}

// Captures is how many targets are capture files: these have queues.
func (o *Options) Captures() (n int) {
	for _, t := range o.To {
		if t.Kind == pcapTarget {
			n++
		}
	}
	return n
}

// rules are what workers go by. A mistake in them is one of usage.
func (o *Options) rules() (r forward.Config, err error) {
	r.KeepBoth = o.copies.Word == "both"
	r.Reorder = forward.Reorder{Time: o.reorder.time, Packets: o.reorder.packets}
	if o.where != "" {
		if r.Where, err = forward.Fields.Compile(o.where); err != nil {
			return r, flags.Usagef("--forward-where: %w", err)
		}
	}
	if len(o.bypass) > forward.MaxRules {
		return r, flags.Usagef("--forward-bypass: there may be %d rules at most", forward.MaxRules)
	}
	for _, text := range o.bypass {
		rule, err := forward.ParseRule(text, flags.ParseSize)
		if err != nil {
			return r, flags.Usagef("--forward-bypass: %w", err)
		}
		r.Bypass = append(r.Bypass, rule)
	}
	return r, nil
}
