package l7

// isNoise reports whether bytes can be a key or a ciphertext: at most one byte in eight, and one more, is zero. Of 16 random
// bytes four are zero once in two million times.
func isNoise(b []byte) bool {
	zeros := 0
	for _, c := range b {
		if c == 0 {
			zeros++
		}
	}
	return len(b) > 0 && zeros <= 1+len(b)/8
}
