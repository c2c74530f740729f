package event

// Target says what became of the frames for one place that frames are forwarded to. Those that it was given are those sent, dropped
// and queued.
type Target struct {
	Name     string // such as iface:suricata0
	Frames   uint64 // sent
	Bytes    uint64 // sent, without what carries the frames
	Segments uint64 // frames that were made of such as were too long
	Moved    uint64 // of Frames, those sent to another sensor than their flow's own, which is away
	Queued   uint64 // frames that wait; a gauge
	Busy     uint64 // dropped: the other side was slower
	Down     uint64 // dropped: there was no other side
	Oversize uint64 // dropped: longer than the other side takes
	Outages  uint64 // times that the other side went away
}

// Mended counts, of the frames that were passed on to all targets, those that had to be made fit for others, and those that could
// not be.
type Mended struct {
	Cut       uint64 // not given to any target: the copy was cut, and could not be mended or was not wanted
	Lengths   uint64 // frames whose lengths were made to agree with what is there
	Checksums uint64 // frames of which a wrong checksum was computed anew
}
