package decap

// A Frame is a mirrored frame that goes on to whoever else wants it, such as an intrusion detection system.
type Frame struct {
	Packet  *Packet // what Decoder.Parse found; the frame itself is its Frame
	Nanos   int64   // the time of arrival in nanoseconds since 1970, as of the Datagram
	WireLen int     // bytes of the frame before a capture's snap length or a short buffer cut it; what the mirror cut is not in it
	Hash    uint32  // of the innermost addresses and ports, the same for both directions: see SteerFlow
	VLAN    uint16  // the tag, 1 to 4094, that tells this frame's network from others that look alike; 0 is for none
}
