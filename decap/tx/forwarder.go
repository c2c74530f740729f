package tx

import (
	"errors"
	"slices"
	"sync"

	"github.com/mirrorsink/mirrorsink/decap"
)

// ForwarderConfig is what becomes of truncated copies and of wrong checksums.
type ForwarderConfig struct {
	// DropTruncated drops frames whose copy was truncated, instead of setting their lengths and checksums to what is there. Copies that
	// cannot be fixed are dropped in any case.
	DropTruncated bool
	// FixChecksums replaces wrong checksums, as far as the mirrored bytes show that they are wrong: see decap.Fixes.
	FixChecksums bool
}

// ForwarderCounts are what became of the frames that a Forwarder took: Taken is the sum of Passed and Truncated.
type ForwarderCounts struct {
	Taken     uint64
	Passed    uint64 // to every Out
	Truncated uint64 // dropped: the copy was truncated, and could not be fixed or was to be dropped
	Lengths   uint64 // of those passed, truncated frames whose lengths were set to what is there
	Checksums uint64 // of those passed, frames of which a wrong checksum was replaced
}

const (
	// forwarderFrames is how many frames wait for a Flush at most: a batch, and as many that were held back before.
	forwarderFrames = 2 * decap.BatchSize
	// forwarderHeads is the memory for rewritten heads in bytes. A tag takes 16 bytes of it, and fixing TCP 80.
	forwarderHeads = forwarderFrames*80 + decap.MaxHead
)

// A Forwarder fixes each frame once, and hands it to all Outs. It is one worker's; other goroutines may call Counts only.
type Forwarder struct {
	outs          []Out
	fixes         decap.Fixes
	dropTruncated bool

	frames [forwarderFrames]Frame // handed to the Outs since the last Flush
	n      int
	heads  []byte // of those frames; the memory is reused after Flush
	counts ForwarderCounts

	mu        sync.Mutex // guards published, so that each reading of it is consistent
	published ForwarderCounts
}

// NewForwarder returns a Forwarder to the outs. Its Close closes them.
func NewForwarder(outs []Out, cfg ForwarderConfig) *Forwarder {
	return &Forwarder{
		outs:          outs,
		fixes:         decap.Fixes{Ethernet: true, Lengths: true, Checksums: cfg.FixChecksums},
		dropTruncated: cfg.DropTruncated,
		heads:         make([]byte, 0, forwarderHeads),
	}
}

// Forward takes a frame of which Parse returned OK or Fragment, after VerifyChecksums. What the frame points to must not change until the
// next Flush. Forward flushes by itself when it holds as many frames as it can.
func (fw *Forwarder) Forward(f decap.Frame) {
	fw.counts.Taken++
	p := f.Packet
	if fw.dropTruncated && p.AnyTruncated() {
		fw.counts.Truncated++
		return
	}
	if fw.n == len(fw.frames) || cap(fw.heads)-len(fw.heads) < decap.MaxHead {
		fw.Flush()
	}
	m := fw.fixes
	m.VLAN = f.VLAN
	head, tail, did := p.Fix(fw.heads[len(fw.heads):], m)
	if did == decap.Unfixable {
		fw.counts.Truncated++
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

// Flush flushes all Outs, and releases the frames.
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

// Close flushes, and closes all Outs.
func (fw *Forwarder) Close() error {
	fw.Flush()
	var errs []error
	for _, o := range fw.outs {
		errs = append(errs, o.Close())
	}
	return errors.Join(errs...)
}
