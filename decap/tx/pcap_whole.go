package tx

import (
	"bufio"
	"encoding/binary"
	"io"
)

// nextPart reads the next part of a capture that we wrote, whose first byte is at an offset, and says how long it is and whether it is
// a frame. It reports false if it is not there, not whole, or not one of ours.
type nextPart func(r *bufio.Reader, at int64) (n int64, frame, ok bool)

// walkFrames returns where the last whole frame ends.
func walkFrames(r io.Reader, next nextPart) (end int64, frames int) {
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

// Of pcapng, in our little-endian sections: each block has its type, its length, contents, and its length again.
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
	if captured == 0 || captured > min(original, snapLen) { // zeros are what a crash of the system leaves
		return 0, false, false
	}
	size := pcapRecordHeadLen + int(captured)
	_, err = r.Discard(size)
	return int64(size), true, err == nil
}
