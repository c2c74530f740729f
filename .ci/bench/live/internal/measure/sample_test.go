package measure

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/metrics"
)

func TestIdentity(t *testing.T) {
	right := sample{arrived: 105, Counts: metrics.Counts{Received: 90, Drops: 10, Reasons: 90, HasReasons: true}}
	require.NoError(t, identity(right, 5, 120))
	for name, change := range map[string]func(*sample){
		"a lost packet":        func(m *sample) { m.Received-- },
		"one counted twice":    func(m *sample) { m.Drops++ },
		"one without a reason": func(m *sample) { m.Reasons-- },
		"more than were sent":  func(m *sample) { m.arrived += 100; m.Received += 100; m.Reasons += 100 },
		"nothing arrived":      func(m *sample) { *m = sample{arrived: 5} },
	} {
		wrong := right
		change(&wrong)
		assert.Error(t, identity(wrong, 5, 120), name)
	}
}
