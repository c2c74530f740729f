package sink

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSummary(t *testing.T) {
	var text strings.Builder
	s := someSnapshot()
	s.Print(&text)
	golden(t, "summary.txt", text.String())
}

func TestSummaryLeavesOutWhatDidNotHappen(t *testing.T) {
	var text strings.Builder
	new(snapshot).Print(&text)
	assert.Equal(t, "packets   0 in 0s, 0 a second\n"+
		"flows     0, 0 of them with a name\n"+
		"messages  none\n"+
		"events    0 produced, 0 written, 0 dropped\n", text.String())
}
