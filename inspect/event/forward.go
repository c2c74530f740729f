package event

// Exclusion is the reason why a frame is not forwarded.
type Exclusion uint8

// Reasons to exclude a frame.
const (
	Unreadable  Exclusion = iota // it could not be decoded; Counters.Reasons has the reason
	Duplicate                    // the packet's other copy, mirrored at its other end, was forwarded
	Filtered                     // its flow does not match the filter
	BypassTLS                    // encrypted: its connection's handshake is over
	BypassQUIC                   // likewise
	BypassHTTP                   // it lies within a body
	BypassAfter                  // its flow has forwarded the configured number of bytes
	Exclusions                   // the number of reasons; not one
)

var exclusionNames = [Exclusions]string{
	Unreadable: "unreadable", Duplicate: "duplicate", Filtered: "filtered",
	BypassTLS: "bypass_tls", BypassQUIC: "bypass_quic", BypassHTTP: "bypass_http", BypassAfter: "bypass_after",
}

// String returns the reason's name, as metrics have it.
func (e Exclusion) String() string { return exclusionNames[e] }

// Tally counts frames and their bytes as captured, without the mirror's envelope. For frames that could not be decoded the
// envelope is included.
type Tally struct{ Frames, Bytes uint64 }

// Count counts a frame.
func (t *Tally) Count(bytes int) {
	t.Frames++
	t.Bytes += uint64(bytes)
}

func (t *Tally) add(o *Tally) {
	t.Frames += o.Frames
	t.Bytes += o.Bytes
}

// Forwarding counts the frames of a worker that forwards; it is zero without forwarding. Datagrams is the sum of Passed,
// Excluded and Waiting, at all times.
type Forwarding struct {
	Passed    Tally
	Excluded  [Exclusions]Tally
	Reordered uint64 // of those passed, segments that waited until those before them had come
	TimedOut  uint64 // likewise, segments that waited in vain
	Waiting   uint64 // gauge: segments that wait for those before them
}

func (f *Forwarding) add(o *Forwarding) {
	f.Passed.add(&o.Passed)
	for i := range o.Excluded {
		f.Excluded[i].add(&o.Excluded[i])
	}
	f.Reordered += o.Reordered
	f.TimedOut += o.TimedOut
	f.Waiting += o.Waiting
}
