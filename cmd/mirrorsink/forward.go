package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/inspect/forward"
)

// forwardOptions say which frames are forwarded, how, and where to.
type forwardOptions struct {
	to                                targets
	vlan                              vlanPlan
	vlanFile                          string
	where                             string
	bypass                            []string
	copies, cut, checksums, oversized choice
	reorder                           reorder
}

// forwardFlag is the flag without which the others mean nothing.
const forwardFlag = "forward"

func (o *forwardOptions) addTo(f *pflag.FlagSet) {
	o.copies, o.cut = choiceOf("first", "both"), choiceOf("fix", "drop")
	o.checksums, o.oversized = choiceOf("keep", "fix"), choiceOf("drop", "segment")
	f.Var(&o.to, forwardFlag, "forward frames to iface:NAME, tap:NAME, vxlan:HOST:PORT,... or pcap:DIR (repeatable)")
	f.Var(&o.vlan, "forward-vlan", "tag frames by mirror session: auto, off, or VNI=VLAN,...")
	f.StringVar(&o.vlanFile, "forward-vlan-file", "", "keep the tags of auto in this `file`, so that they are the same after a restart")
	f.StringVar(&o.where, "forward-where", "", "forward only flows of which this `expression` is true")
	f.StringArrayVar(&o.bypass, "forward-bypass", nil, "do not forward what a sensor cannot use: `'tls|quic|http|after SIZE [if EXPRESSION]'` (repeatable)")
	f.Var(&o.copies, "forward-copies", "of a packet that is mirrored at both ends forward the first copy, or both")
	f.Var(&o.cut, "forward-cut", "of copies that the mirror cut fix the lengths, or drop them")
	f.Var(&o.checksums, "forward-checksums", "keep wrong checksums of whole packets, or fix them")
	f.Var(&o.oversized, "forward-oversize", "drop frames that are longer than the target takes, or segment those of TCP")
	f.Var(&o.reorder, "forward-reorder", "wait for packets that others of their flow have overtaken: off, or TIME[,PACKETS]")
}

// forwardWords are what may stand behind a flag of forwarding.
var forwardWords = map[string][]string{
	"forward-vlan":    {"auto", "off"},
	"forward-bypass":  {"tls", "quic", "http", "after"},
	"forward-reorder": {"off", "5ms"},
}

// completeOn has the shell complete what stands behind the flags.
func (o *forwardOptions) completeOn(cmd *cobra.Command) {
	words := map[string][]string{
		"forward-copies": o.copies.words, "forward-cut": o.cut.words, "forward-checksums": o.checksums.words, "forward-oversize": o.oversized.words,
	}
	for flag, some := range forwardWords {
		words[flag] = some
	}
	for flag, some := range words {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(some, cobra.ShellCompDirectiveNoFileComp))
	}
	kinds := make([]string, len(targetKinds))
	for i, kind := range targetKinds {
		kinds[i] = kind + ":"
	}
	_ = cmd.RegisterFlagCompletionFunc(forwardFlag, cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoSpace))
}

// wanted says whether anything is to be forwarded.
func (o *forwardOptions) wanted() bool { return len(o.to) > 0 }

// forwardFlags are those that mean nothing without forwardFlag.
var forwardFlags = []string{
	"forward-vlan", "forward-vlan-file", "forward-where", "forward-bypass", "forward-copies", "forward-cut", "forward-checksums",
	"forward-oversize", "forward-reorder",
}

// check says which options cannot be, alone or together, or beside events. given says which flags were, on the command line or in the
// configuration.
func (o *forwardOptions) check(given func(flag string) bool, events *outputs) error {
	if i := slices.IndexFunc(forwardFlags, given); i >= 0 && !o.wanted() {
		return usagef("--%s: nothing is forwarded without --%s", forwardFlags[i], forwardFlag)
	}
	switch {
	case !o.wanted():
		return nil
	case o.vlanFile != "" && !o.vlan.auto():
		return usagef("--forward-vlan-file: there is nothing to keep with --forward-vlan %v", &o.vlan)
	case o.to.onStdout() && events.onStdout():
		return usagef("--forward pcap:-: events are written to standard output already")
	}
	_, err := o.rules()
	return err
}

// captures is how many targets are capture files: these have queues.
func (o *forwardOptions) captures() (n int) {
	for _, t := range o.to {
		if t.kind == pcapTarget {
			n++
		}
	}
	return n
}

// rules are what workers go by. A mistake in them is one of usage.
func (o *forwardOptions) rules() (r forward.Config, err error) {
	r.KeepBoth = o.copies.word == "both"
	r.Reorder = forward.Reorder{Time: o.reorder.time, Packets: o.reorder.packets}
	if o.where != "" {
		if r.Where, err = forward.Fields.Compile(o.where); err != nil {
			return r, usagef("--forward-where: %w", err)
		}
	}
	if len(o.bypass) > forward.MaxRules {
		return r, usagef("--forward-bypass: there may be %d rules at most", forward.MaxRules)
	}
	for _, text := range o.bypass {
		rule, err := forward.ParseRule(text, parseByteSize)
		if err != nil {
			return r, usagef("--forward-bypass: %w", err)
		}
		r.Bypass = append(r.Bypass, rule)
	}
	return r, nil
}
