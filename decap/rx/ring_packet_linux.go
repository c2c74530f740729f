package rx

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
)

// packetRing is a packet socket with a TPACKET_V3 ring: memory that it shares with the kernel, in blocks. The kernel fills a
// block with frames and hands it over when it is full or blockTimeout is over; the reader gives it back.
type packetRing struct {
	fd      int // -1 when closed
	memory  []byte
	cleanup runtime.Cleanup // unmaps the memory of a reader that went without another Read

	block   int    // the block that is being read, or will be next
	reading bool   // it is ours
	left    uint32 // how many frames of it were not read yet
	at      int    // where the next one is, in memory
	held    int    // how many blocks before it the last batch may point into

	// The datagrams of the last frame that are not returned yet: more than one if the kernel has merged several.
	pending bool
	segment int // how long each of them is, but for the last; 0 is for a single one
	rest    []byte
	wire    int // how many bytes of them there were on the wire
	outer   outer
	nanos   int64
	vlan    uint16
}

const (
	// blockTimeout is after how many milliseconds the kernel hands over a block that is not full. It is the latency on a calm
	// wire, and how far workers can be apart: a DNS answer should be read before the connection that it explains. At most a
	// thousand wake-ups a second cost a hundredth of a core.
	blockTimeout = 1
	// frameSize only divides blocks into nominal frames: TPACKET_V3 packs them as they come.
	frameSize = 2048
)

// blockHeader is the kernel's struct tpacket_block_desc with struct tpacket_hdr_v1 (linux/if_packet.h).
type blockHeader struct {
	version, private      uint32
	status                uint32
	frames, first, length uint32
}

// The header of a frame that PACKET_VNET_HDR adds before it, struct virtio_net_hdr (linux/virtio_net.h).
const (
	mergeHeaderLen  = 10
	mergeTypeOff    = 1
	mergeSegmentOff = 4
	mergedUDP       = 5 // VIRTIO_NET_HDR_GSO_UDP_L4
)

// openPacketRing opens a ring on an interface. It receives nothing until it is given a filter.
func openPacketRing(index, size int) (_ *packetRing, err error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, packetSocketError(err)
	}
	p := &packetRing{fd: fd}
	defer func() {
		if err != nil {
			p.close()
			p.unmap()
		}
	}()
	if err := attach(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, takeNothing); err != nil {
		return nil, fmt.Errorf("set SO_ATTACH_FILTER: %w", err)
	}
	if err := p.share(size); err != nil {
		return nil, err
	}
	// Of all protocols: only their taps come before tc-ingress, where the frames may be dropped. Their order is that of bytes
	// on the wire.
	all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL})
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		return nil, fmt.Errorf("bind: %w", err)
	}
	return p, nil
}

func packetSocketError(err error) error {
	if err == unix.EPERM { //nolint:errorlint // a system call's own error
		return fmt.Errorf("a packet ring needs CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW): %w", err)
	}
	return fmt.Errorf("create packet socket: %w", err)
}

// share makes the ring and maps it.
func (p *packetRing) share(size int) error {
	if err := unix.SetsockoptInt(p.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("set PACKET_VERSION: %w", err)
	}
	if err := unix.SetsockoptInt(p.fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
		return fmt.Errorf("set PACKET_VNET_HDR: %w", err)
	}
	// The filter need not see what the host sends. Kernels before 4.20 do not know it.
	_ = unix.SetsockoptInt(p.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	request := unix.TpacketReq3{
		Block_size: ringBlock, Block_nr: uint32(size / ringBlock),
		Frame_size: frameSize, Frame_nr: uint32(size / frameSize),
		Retire_blk_tov: blockTimeout,
	}
	if err := unix.SetsockoptTpacketReq3(p.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &request); err != nil {
		return fmt.Errorf("a ring of %d bytes: %w", size, err)
	}
	memory, err := unix.Mmap(p.fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return fmt.Errorf("map a ring of %d bytes: %w", size, err)
	}
	p.memory = memory
	p.cleanup = runtime.AddCleanup(p, func(memory []byte) { _ = unix.Munmap(memory) }, memory)
	return nil
}

// ringStats is what the kernel counts of a ring.
type ringStats struct {
	drops   uint64 // frames for which there was no room
	freezes uint64 // times that the next block was not free: tp_freeze_q_cnt
}

// takeStats returns what the kernel counted since the last call, and resets it.
func (p *packetRing) takeStats() ringStats {
	if p.fd < 0 {
		return ringStats{}
	}
	stats, err := unix.GetsockoptTpacketStatsV3(p.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return ringStats{}
	}
	return ringStats{drops: uint64(stats.Drops), freezes: uint64(stats.Freeze_q_cnt)}
}

// close closes the descriptor. The mapping keeps the kernel's socket alive, so its filter is set to receive nothing.
func (p *packetRing) close() {
	if p.fd >= 0 {
		_ = attach(p.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, takeNothing)
		_ = unix.Close(p.fd)
		p.fd = -1
	}
}

// unmap releases the memory. The ring has nothing to read after that.
func (p *packetRing) unmap() {
	if p.memory != nil {
		p.cleanup.Stop()
		_ = unix.Munmap(p.memory)
		p.memory = nil
	}
}

func (p *packetRing) header(block int) *blockHeader {
	return (*blockHeader)(unsafe.Pointer(&p.memory[block*ringBlock]))
}

func (p *packetRing) blocks() int { return len(p.memory) / ringBlock }

// giveBack returns to the kernel the blocks that no batch points into any more. The caller's last batch is invalid from then on.
func (p *packetRing) giveBack() {
	if p.reading && p.left == 0 && !p.pending {
		p.leave()
	}
	for ; p.held > 0; p.held-- {
		block := (p.block - p.held + p.blocks()) % p.blocks()
		// The kernel reads it in prb_dispatch_next_block, behind a barrier of its own.
		atomic.StoreUint32(&p.header(block).status, unix.TP_STATUS_KERNEL)
	}
}

// leave advances to the next block. The block that was read stays ours.
func (p *packetRing) leave() {
	p.reading = false
	p.held++
	p.block = (p.block + 1) % p.blocks()
}

// acquire takes the next block if the kernel has handed it over.
func (p *packetRing) acquire() bool {
	if p.held == p.blocks() {
		return false // the batch points into all of them
	}
	h := p.header(p.block)
	if atomic.LoadUint32(&h.status)&unix.TP_STATUS_USER == 0 { // set by prb_close_block, after all else in the block
		return false
	}
	p.reading = true
	p.left = h.frames
	p.at = p.block*ringBlock + int(h.first)
	return true
}

// fill appends the datagrams that have arrived to b, and returns how many of them are truncated.
func (p *packetRing) fill(b *decap.Batch, link decap.Link) (truncated int) {
	if p.memory == nil {
		return 0
	}
	for b.N < decap.BatchSize && (p.pending || p.frame()) {
		d := &b.D[b.N]
		p.datagram(d)
		d.Link = link
		if len(d.Data) < d.WireLen {
			truncated++
		}
		b.N++
	}
	return truncated
}

// frame decodes the next frame. It reports whether there is one.
func (p *packetRing) frame() bool {
	for p.left == 0 {
		if p.reading {
			p.leave()
		}
		if !p.acquire() {
			return false
		}
	}
	h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&p.memory[p.at]))
	p.left--
	end := p.at + int(h.Mac) + int(h.Snaplen)
	packet := p.memory[min(p.at+int(h.Net), end):end]
	p.outer, _ = parseOuter(packet)
	p.pending, p.rest, p.wire = true, p.outer.payload, p.outer.length
	p.segment = p.merged(h)
	p.nanos = int64(h.Sec)*1e9 + int64(h.Nsec)
	p.vlan = 0
	if h.Status&unix.TP_STATUS_VLAN_VALID != 0 {
		p.vlan = uint16(h.Hv1.Vlan_tci)
	}
	p.at += int(h.Next_offset)
	return true
}

// merged returns how long each datagram is in a frame that was merged from several, 0 for any other frame.
func (p *packetRing) merged(h *unix.Tpacket3Hdr) int {
	merge := p.memory[p.at+int(h.Mac)-mergeHeaderLen:][:mergeHeaderLen]
	if merge[mergeTypeOff] != mergedUDP {
		return 0
	}
	return int(binary.LittleEndian.Uint16(merge[mergeSegmentOff:]))
}

// datagram writes the next pending datagram to d.
func (p *packetRing) datagram(d *decap.Datagram) {
	wire := p.wire
	if p.segment > 0 {
		wire = min(wire, p.segment)
	}
	n := min(wire, len(p.rest))
	d.Data = p.rest[:n:n]
	d.Outer = p.outer.from
	d.Nanos = p.nanos
	d.WireLen = wire
	d.VLAN = p.vlan
	p.rest = p.rest[n:]
	p.wire -= wire
	p.pending = p.wire > 0
}
