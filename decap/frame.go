package decap

// A Frame is a mirrored frame that is forwarded to another program, such as an intrusion detection system.
type Frame struct {
	Packet  *Packet // as Decoder.Parse decoded it; the frame itself is its Frame
	Nanos   int64   // the time of arrival in nanoseconds since 1970, as of the Datagram
	WireLen int     // bytes of the frame before a capture's snap length or a short buffer truncated it, without what the mirror truncated
	Hash    uint32  // of the innermost addresses and ports, the same for both directions: see SteerFlow
	VLAN    uint16  // the tag, 1 to 4094, of this frame's network, which may have the same addresses as others; 0 for none
}
