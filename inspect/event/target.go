package event

// Target counts the frames of one forwarding target. Frames for it are sent, dropped or queued.
type Target struct {
	Name        string // such as iface:suricata0
	Frames      uint64 // sent
	Bytes       uint64 // sent, without encapsulation
	Segments    uint64 // frames that were made by splitting longer ones
	Moved       uint64 // of Frames, those sent to another sensor than their flow's own one, which was unreachable
	Queued      uint64 // gauge: frames that wait
	QueueFull   uint64 // dropped: the target was too slow
	Unreachable uint64 // dropped: the target was unreachable
	Oversize    uint64 // dropped: longer than the target's MTU
	Outages     uint64 // times that the target became unreachable
}

// Fixed counts, among the frames for all targets, those that were changed to be valid, and those that could not be.
type Fixed struct {
	Truncated uint64 // dropped: the copy was truncated, and fixing it was impossible or not wanted
	Lengths   uint64 // frames whose lengths were set to the bytes that are there
	Checksums uint64 // frames with a wrong checksum that was computed again
}
