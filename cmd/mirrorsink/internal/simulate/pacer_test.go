package simulate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPacer(t *testing.T) {
	second := int64(time.Second)
	for _, c := range []struct {
		pacer Pacer
		want  time.Duration
	}{
		{Pacer{Speed: 1}, 4 * time.Second},
		{Pacer{Speed: 2}, 2 * time.Second},
		{Pacer{Speed: 0.5}, 8 * time.Second},
		{Pacer{}, 0},
		{Pacer{Speed: 1, rate: 10}, 300 * time.Millisecond},
	} {
		c.pacer.first, c.pacer.n = 100*second, 3
		assert.Equal(t, c.want, c.pacer.due(104*second), "%+v", c.pacer)
	}
}
