package forwarding

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
)

// Options say which frames are forwarded, how, and where to.
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
	f.Var(&o.To, mainFlag, "forward frames to iface:NAME, tap:NAME, vxlan:HOST:PORT,... or pcap:DIR (repeatable)")
	f.Var(&o.VLAN, "forward-vlan", "tag frames by mirror session: auto, off, or VNI=VLAN,...")
	f.StringVar(&o.VLANFile, "forward-vlan-file", "", "keep the tags of auto in this `file`, so that they are the same after a restart")
	f.StringVar(&o.where, "forward-where", "", "forward only flows of which this `expression` is true")
	f.StringArrayVar(&o.bypass, "forward-bypass", nil, "do not forward what a sensor cannot use: `'tls|quic|http|after SIZE [if EXPRESSION]'` (repeatable)")
	f.Var(&o.copies, "forward-copies", "of a packet that is mirrored at both ends forward the first copy, or both")
	f.Var(&o.cut, "forward-cut", "of copies that the mirror cut fix the lengths, or drop them")
	f.Var(&o.Checksums, "forward-checksums", "keep wrong checksums of whole packets, or fix them")
	f.Var(&o.oversized, "forward-oversize", "drop frames that are longer than the target takes, or segment those of TCP")
	f.Var(&o.reorder, "forward-reorder", "wait for packets that others of their flow have overtaken: off, or TIME[,PACKETS]")
}

// flagWords are what may stand behind a flag of forwarding.
var flagWords = map[string][]string{
	"forward-vlan":    {"auto", "off"},
	"forward-bypass":  {"tls", "quic", "http", "after"},
	"forward-reorder": {"off", "5ms"},
}

// CompleteOn has the shell complete what stands behind the flags.
func (o *Options) CompleteOn(cmd *cobra.Command) {
	words := map[string][]string{
		"forward-copies": o.copies.Words, "forward-cut": o.cut.Words, "forward-checksums": o.Checksums.Words, "forward-oversize": o.oversized.Words,
	}
	for flag, some := range flagWords {
		words[flag] = some
	}
	for flag, some := range words {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(some, cobra.ShellCompDirectiveNoFileComp))
	}
	kinds := make([]string, len(targetKinds))
	for i, kind := range targetKinds {
		kinds[i] = kind + ":"
	}
	_ = cmd.RegisterFlagCompletionFunc(mainFlag, cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoSpace))
}

// Enabled says whether anything is to be forwarded.
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
