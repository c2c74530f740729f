package flags

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestClosest(t *testing.T) {
	known := []string{"receive-buffer", "allow-vni", "eve", "eye", "dstport", "report", "top"}
	for word, want := range map[string]string{
		"receiv-bufer": "receive-buffer", "alow-vni": "allow-vni", "dstprt": "dstport", "eve": "eve", "ewe": "eve", "evee": "eve",
		"reprot": "report", "tpo": "top", "something else": "", "": "", "receive-buffer-of-the-socket": "",
	} {
		assert.Equal(t, want, Closest(word, known), "%q", word)
	}
	assert.Empty(t, Closest("eve", nil))
}
