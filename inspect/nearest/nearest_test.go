package nearest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestWord(t *testing.T) {
	known := []string{"receive-buffer", "allow-vni", "eve", "eye", "dstport"}
	for word, want := range map[string]string{
		"receiv-bufer": "receive-buffer", "alow-vni": "allow-vni", "dstprt": "dstport", "eve": "eve", "ewe": "eve",
		"something else": "", "": "", "receive-buffer-of-the-socket": "",
	} {
		assert.Equal(t, want, Word(word, known), "%q", word)
	}
	assert.Empty(t, Word("eve", nil))
}

// TestDistance: it is a metric, and at least the difference in length, which Word relies on.
func TestDistance(t *testing.T) {
	word := rapid.StringMatching(`[ab-]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		d := distance(a, b)
		assert.Equal(t, d == 0, a == b)
		assert.Equal(t, d, distance(b, a))
		assert.LessOrEqual(t, distance(a, c), d+distance(b, c))
		assert.GreaterOrEqual(t, d, max(len(a)-len(b), len(b)-len(a)))
		assert.LessOrEqual(t, d, max(len(a), len(b)))
	})
}
