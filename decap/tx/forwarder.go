package tx

import (
	"errors"
	"slices"
	"sync"

	"github.com/mirrorsink/mirrorsink/decap"
)

// ForwarderConfig says what becomes of frames that are not as they should be.
type ForwarderConfig struct {
	// DropCut drops frames whose copy was cut, instead of making their lengths and checksums agree with what is there. Those where
	// that cannot be done are dropped in any case.
	DropCut bool
	// FixChecksums computes wrong checksums anew, as far as the mirrored bytes tell them to be wrong: see decap.Fixes.
	FixChecksums bool
}

// ForwarderCounts says what became of the frames that a Forwarder took: Taken is Passed and Cut together.
type ForwarderCounts struct {
	Taken     uint64
	Passed    uint64 // to every Out
	Cut       uint64 // dropped: the copy was cut, and could not be mended or was not wanted
	Lengths   uint64 // of those passed, frames whose lengths were made to agree with what is there
	Checksums uint64 // of those passed, frames of which a wrong checksum was computed anew
}

const (
	// forwarderFrames is how many frames wait for a Flush at most: a batch, and as many that were held back before.
	forwarderFrames = 2 * decap.BatchSize
	// forwarderHeads is the memory for what is made anew of them, in bytes. A tag takes 16 of it, and mending TCP 80.
	forwarderHeads = forwarderFrames*80 + decap.MaxHead
)

// A Forwarder makes frames fit for others, once, and gives them to all ways out. It is one worker's; Counts alone may be called from
// other goroutines.
type Forwarder struct {
	outs    []Out
	mending decap.Fixes
	dropCut bool

	frames [forwarderFrames]Frame // that the ways out have since the last Flush
	n      int
	heads  []byte // of those frames; its memory is used again after Flush
	counts ForwarderCounts

	mu        sync.Mutex // guards published, so that every reading of it agrees with itself
	published ForwarderCounts
}

// NewForwarder returns a Forwarder to these ways out, which it closes in the end.
func NewForwarder(outs []Out, cfg ForwarderConfig) *Forwarder {
	return &Forwarder{
		outs:    outs,
		mending: decap.Fixes{Ethernet: true, Lengths: true, Checksums: cfg.FixChecksums},
		dropCut: cfg.DropCut,
		heads:   make([]byte, 0, forwarderHeads),
	}
}

// Forward takes a frame, which Parse called OK or Fragment and VerifyChecksums has looked at. What it points to must stay as it is until
// the next Flush. It flushes by itself when it has as many frames as it can keep.
func (fw *Forwarder) Forward(f decap.Frame) {
	fw.counts.Taken++
	p := f.Packet
	if fw.dropCut && p.AnyTruncated() {
		fw.counts.Cut++
		return
	}
	if fw.n == len(fw.frames) || cap(fw.heads)-len(fw.heads) < decap.MaxHead {
		fw.Flush()
	}
	m := fw.mending
	m.VLAN = f.VLAN
	head, tail, did := p.Fix(fw.heads[len(fw.heads):], m)
	if did == decap.Unfixable {
		fw.counts.Cut++
		return
	}
	fw.heads = fw.heads[:len(fw.heads)+len(head)]
	fw.count(did)
	out := &fw.frames[fw.n]
	fw.n++
	longer := len(head) + len(tail) - len(p.Frame)
	*out = Frame{
		Head: slices.Clip(head), Tail: tail, Nanos: f.Nanos, WireLen: max(f.WireLen, len(p.Frame)+p.Missing()) + longer,
		Hash: f.Hash, Outer: p.Outer.Addr(), VNI: p.VNI, Packet: p, VLAN: f.VLAN,
	}
	for _, o := range fw.outs {
		o.Add(out)
	}
}

func (fw *Forwarder) count(did decap.Fixed) {
	fw.counts.Passed++
	if did&decap.FixedLengths != 0 {
		fw.counts.Lengths++
	}
	if did&decap.FixedChecksums != 0 {
		fw.counts.Checksums++
	}
}

// Flush has all ways out send what they have, and lets go of it.
func (fw *Forwarder) Flush() {
	for _, o := range fw.outs {
		o.Flush()
	}
	fw.n, fw.heads = 0, fw.heads[:0]
	fw.mu.Lock()
	defer fw.mu.Unlock()
	fw.published = fw.counts
}

// Counts returns what became of the frames up to the last Flush.
func (fw *Forwarder) Counts() ForwarderCounts {
	fw.mu.Lock()
	defer fw.mu.Unlock()
	return fw.published
}

// Close flushes, and closes the ways out.
func (fw *Forwarder) Close() error {
	fw.Flush()
	var errs []error
	for _, o := range fw.outs {
		errs = append(errs, o.Close())
	}
	return errors.Join(errs...)
}
