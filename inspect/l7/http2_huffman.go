package l7

// huffmanLengths has the length in bits of each byte's code (RFC 7541 appendix B). The lengths determine the code, since it is
// canonical: codes of one length count upwards in the order of their bytes.
const huffmanLengths = "" +
	"\x0d\x17\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x18\x1e\x1c\x1c\x1e\x1c\x1c" +
	"\x1c\x1c\x1c\x1c\x1c\x1c\x1e\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c" +
	"\x06\x0a\x0a\x0c\x0d\x06\x08\x0b\x0a\x0a\x08\x0b\x08\x06\x06\x06" +
	"\x05\x05\x05\x06\x06\x06\x06\x06\x06\x06\x07\x08\x0f\x06\x0c\x0a" +
	"\x0d\x06\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07" +
	"\x07\x07\x07\x07\x07\x07\x07\x07\x08\x07\x08\x0d\x13\x0d\x0e\x06" +
	"\x0f\x05\x06\x05\x06\x05\x06\x06\x06\x05\x07\x07\x06\x06\x06\x05" +
	"\x06\x07\x06\x05\x05\x06\x07\x07\x07\x07\x07\x0f\x0b\x0e\x0d\x1c" +
	"\x14\x16\x14\x14\x16\x16\x16\x17\x16\x17\x17\x17\x17\x17\x18\x17" +
	"\x18\x18\x16\x17\x18\x17\x17\x17\x17\x15\x16\x17\x16\x17\x17\x18" +
	"\x16\x15\x14\x16\x16\x17\x17\x15\x17\x16\x16\x18\x15\x16\x17\x17" +
	"\x15\x15\x16\x15\x17\x16\x17\x17\x14\x16\x16\x16\x17\x16\x16\x17" +
	"\x1a\x1a\x14\x13\x16\x17\x16\x19\x1a\x1a\x1a\x1b\x1b\x1a\x18\x19" +
	"\x13\x15\x1a\x1b\x1b\x1a\x1b\x18\x15\x15\x1a\x1a\x1c\x1b\x1b\x1b" +
	"\x14\x18\x14\x15\x16\x15\x15\x17\x16\x16\x19\x19\x18\x18\x1a\x17" +
	"\x1a\x1b\x1a\x1a\x1b\x1b\x1b\x1b\x1b\x1c\x1b\x1b\x1b\x1b\x1b\x1a"

const (
	minHuffman = 5  // bits of the shortest code
	maxHuffman = 30 // bits of the longest
)

// huffmanTable decodes bit by bit.
type huffmanTable struct {
	first  [maxHuffman + 1]uint32 // by length: the first code
	count  [maxHuffman + 1]uint32 // by length: the number of codes
	offset [maxHuffman + 1]uint32 // by length: the index in order of its first byte
	order  [256]byte              // all bytes, in the order of their codes
}

var huffman = newHuffmanTable()

func newHuffmanTable() (t huffmanTable) {
	var code, n uint32
	for size := minHuffman; size <= maxHuffman; size++ {
		code <<= 1
		t.first[size], t.offset[size] = code, n
		for b := range len(huffmanLengths) {
			if int(huffmanLengths[b]) == size {
				t.order[n] = byte(b)
				n++
				code++
			}
		}
		t.count[size] = n - t.offset[size]
	}
	return t
}

// appendHuffman decodes text. It is false if the text does not end in valid padding: less than a byte, all ones.
func appendHuffman(dst, text []byte) ([]byte, bool) {
	var code uint32
	size := 0
	for _, b := range text {
		for bit := 7; bit >= 0; bit-- {
			code, size = code<<1|uint32(b>>bit&1), size+1
			if size < minHuffman {
				continue
			}
			if size > maxHuffman {
				return dst, false
			}
			if i := code - huffman.first[size]; i < huffman.count[size] {
				dst = append(dst, huffman.order[huffman.offset[size]+i])
				code, size = 0, 0
			}
		}
	}
	return dst, size < 8 && code == 1<<size-1
}
