package event

// Withheld is why a frame that came is not forwarded.
type Withheld uint8

// Reasons to withhold a frame.
const (
	Unreadable   Withheld = iota // it could not be decoded; Counters.Reasons says why
	Copy                         // the packet's other copy, mirrored at its other end, went before
	Filtered                     // the expression for what is forwarded is not true of its flow
	ShuntTLS                     // encrypted: its connection's handshake is over
	ShuntQUIC                    // likewise
	ShuntHTTP                    // it is within a body
	ShuntAfter                   // its flow has forwarded as much as was asked for
	Withholdings                 // the number of reasons; not one
)

var withheldNames = [Withholdings]string{
	Unreadable: "unreadable", Copy: "copy", Filtered: "filtered",
	ShuntTLS: "shunt_tls", ShuntQUIC: "shunt_quic", ShuntHTTP: "shunt_http", ShuntAfter: "shunt_after",
}

// String returns the reason's name, as metrics show it.
func (w Withheld) String() string { return withheldNames[w] }

// Tally counts frames, and their bytes as they were captured, without the mirror's envelope. Of what could not be decoded the
// envelope counts too.
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

// Forwarding counts what became of frames where they are forwarded; it is zero where none are. Datagrams is the sum over Passed,
// Withheld and Waiting, at all times.
type Forwarding struct {
	Passed    Tally
	Withheld  [Withholdings]Tally
	Reordered uint64 // of those passed, segments that waited until those before them had come
	GivenUp   uint64 // likewise, segments that waited in vain
	Waiting   uint64 // gauge: segments that wait for those before them
}

func (f *Forwarding) add(o *Forwarding) {
	f.Passed.add(&o.Passed)
	for i := range o.Withheld {
		f.Withheld[i].add(&o.Withheld[i])
	}
	f.Reordered += o.Reordered
	f.GivenUp += o.GivenUp
	f.Waiting += o.Waiting
}
