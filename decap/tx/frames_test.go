package tx_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"sync"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// A received frame, and how it came.
type arrival struct {
	host  int
	port  uint16
	vni   uint32
	frame []byte
}

// ids are at the end of a test's frames.
func (a *arrival) flow() uint32 { return binary.BigEndian.Uint32(a.frame[len(a.frame)-8:]) }
func (a *arrival) seq() uint32  { return binary.BigEndian.Uint32(a.frame[len(a.frame)-4:]) }

// frameOf makes an Ethernet frame with a UDP packet of a flow, in one of its two directions.
func frameOf(flow, seq uint32, reply bool, size int) *tx.Frame {
	a, b := decap.Addr(netip.AddrFrom4([4]byte{10, 1, byte(flow >> 8), byte(flow)}).As16()), decap.Addr(netip.MustParseAddr("10.2.0.1").As16())
	sport, dport := uint16(40000+flow%1000), uint16(6000)
	if reply {
		a, b, sport, dport = b, a, dport, sport
	}
	frame := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0}
	frame = binary.BigEndian.AppendUint16(frame, uint16(20+8+size+8))
	frame = append(frame, 0, 0, 0, 0, 64, 17, 0, 0)
	frame = append(append(frame, a[12:]...), b[12:]...)
	frame = binary.BigEndian.AppendUint16(frame, sport)
	frame = binary.BigEndian.AppendUint16(frame, dport)
	frame = binary.BigEndian.AppendUint16(frame, uint16(8+size+8))
	frame = append(frame, 0, 0)
	frame = append(frame, bytes.Repeat([]byte{byte(seq)}, size)...)
	frame = binary.BigEndian.AppendUint32(frame, flow)
	frame = binary.BigEndian.AppendUint32(frame, seq)
	cut := int(seq) % 20 // where what was made anew ends
	return &tx.Frame{
		Head: frame[:cut:cut], Tail: frame[cut:], WireLen: len(frame), Nanos: 1_790_000_000_000_000_000 + int64(seq)*1000,
		Hash: decap.SteerFlow(a, b, sport, dport), Outer: netip.AddrFrom4([4]byte{10, 9, 0, byte(flow % 3)}), VNI: 100 + flow%3,
	}
}

func bytesOf(f *tx.Frame) []byte { return append(bytes.Clone(f.Head), f.Tail...) }

// A syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
