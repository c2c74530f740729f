package records

// textCache keeps one copy of each text. Names come again and again, and the strings of records outlive the batch.
type textCache map[string]string

// maxTexts bounds the copies. A full cache is cleared; most texts come back at once.
const maxTexts = 1 << 14

// get returns a text as a string.
func (c textCache) get(t []byte) string {
	if len(t) == 0 {
		return ""
	}
	if known, ok := c[string(t)]; ok {
		return known
	}
	if len(c) == maxTexts {
		clear(c)
	}
	text := string(t)
	c[text] = text
	return text
}
