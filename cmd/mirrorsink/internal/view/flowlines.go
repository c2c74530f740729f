package view

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// nothing is a view that shows nothing.
type nothing struct{}

func (nothing) Events(b *event.Batch) { b.Release() }

func (nothing) Begin(context.Context) {}

func (nothing) End() {}

// flowLines is a view that prints a line when a flow gets its name, and one for each alert.
type flowLines struct {
	w io.Writer

	mu      sync.Mutex      // guards the following, and w
	printed map[uint64]bool // the open flows of which a line was printed
}

func (*flowLines) Begin(context.Context) {}

func (*flowLines) End() {}

// Events prints the lines.
func (f *flowLines) Events(b *event.Batch) {
	defer b.Release()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.printed == nil {
		f.printed = map[uint64]bool{}
	}
	for i := range b.Events {
		e := &b.Events[i]
		if e.Name.Len > 0 && !f.printed[e.FlowID] {
			f.printed[e.FlowID] = true
			src, dst := e.Addrs()
			fmt.Fprintf(f.w, "%s (%v)  %v  %v -> %v  vni %d of %v%s\n", printable(b.Text(e.Name)), e.NameSource, e.Proto,
				netip.AddrPortFrom(src, e.SrcPort), netip.AddrPortFrom(dst, e.DstPort), e.VNI, e.Outer, instanceOf(e.Owner))
		}
		switch e.Kind {
		case event.Flow:
			delete(f.printed, e.FlowID)
		case event.Alert:
			fmt.Fprintln(f.w, alertLine(e.Finding))
		default:
		}
	}
}

// instanceOf names the instance behind a mirror session, if it is known.
func instanceOf(o *event.Owner) string {
	if o == nil || o.Instance == "" {
		return ""
	}
	return ", " + printable([]byte(o.Instance))
}

// alertLine returns an alert as a line: its rule, who sent to whom, and the evidence.
func alertLine(f *event.Finding) string {
	known := map[string]string{}
	for _, m := range f.Metadata {
		known[m.Key] = m.Values[0]
	}
	words := []string{"ALERT", known["rule"], known["state"] + ":", known["workload"], known["source"], "->", known["destination"] + ":"}
	words = append(slices.DeleteFunc(words, func(w string) bool { return w == "" }), strings.Fields(known["evidence"])...)
	for i, w := range words {
		words[i] = printable([]byte(w))
	}
	return strings.Join(words, " ")
}

// printable returns text that came off the wire, or from a file, as a terminal can bear it.
func printable(name []byte) string {
	safe := make([]byte, len(name))
	for i, c := range name {
		if c <= ' ' || c > '~' {
			c = '?'
		}
		safe[i] = c
	}
	return string(safe)
}
