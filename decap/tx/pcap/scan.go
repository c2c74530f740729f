package pcap

import (
	"bufio"
	"encoding/binary"
	"io"
)

// completeFrames returns where the last complete frame ends in a file that this package wrote, and how many frames there are.
func completeFrames(r io.Reader, ext string) (end int64, frames int) {
	next := nextBlock
	if ext == ".pcap" {
		next = nextPacket
	}
	return scan(r, next)
}

// nextPart reads the next part of a capture, whose first byte is at an offset. It returns its length and whether it is a frame. It
// reports false if the part is missing, incomplete, or not written by this package.
type nextPart func(r *bufio.Reader, at int64) (n int64, frame, ok bool)

// scan returns where the last complete frame ends, and how many there are.
func scan(r io.Reader, next nextPart) (end int64, frames int) {
	br := bufio.NewReaderSize(r, 64<<10)
	for at := int64(0); ; {
		n, frame, ok := next(br, at)
		if !ok {
			return end, frames
		}
		at += n
		if frame {
			end = at
			frames++
		}
	}
}

// The layout of our files. Sections of pcapng are little-endian; each block has its type, its length, contents, and its length again.
const (
	blockHeadLen       = 8
	blockTailLen       = 4
	blockSection       = 0x0a0d0d0a
	blockEnhanced      = 6
	maxBlock           = 1 << 20
	pcapHeaderLen      = 24
	pcapRecordHeadLen  = 16
	pcapCapturedOffset = 8
	pcapOriginalOffset = 12
)

func nextBlock(r *bufio.Reader, at int64) (n int64, frame, ok bool) {
	head, err := r.Peek(blockHeadLen)
	if err != nil {
		return 0, false, false
	}
	kind, size := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
	if at == 0 && kind != blockSection || size < blockHeadLen+blockTailLen || size%4 != 0 || size > maxBlock {
		return 0, false, false
	}
	if _, err := r.Discard(int(size) - blockTailLen); err != nil {
		return 0, false, false
	}
	var tail [blockTailLen]byte
	if _, err := io.ReadFull(r, tail[:]); err != nil || binary.LittleEndian.Uint32(tail[:]) != size {
		return 0, false, false
	}
	return int64(size), kind == blockEnhanced, true
}

func nextPacket(r *bufio.Reader, at int64) (n int64, frame, ok bool) {
	if at == 0 {
		_, err := r.Discard(pcapHeaderLen)
		return pcapHeaderLen, false, err == nil
	}
	head, err := r.Peek(pcapRecordHeadLen)
	if err != nil {
		return 0, false, false
	}
	captured := binary.LittleEndian.Uint32(head[pcapCapturedOffset:])
	original := binary.LittleEndian.Uint32(head[pcapOriginalOffset:])
	if captured == 0 || captured > min(original, snapLen) { // a crash of the system leaves zeros
		return 0, false, false
	}
	size := pcapRecordHeadLen + int(captured)
	_, err = r.Discard(size)
	return int64(size), true, err == nil
}
