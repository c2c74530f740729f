package figures

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHeld(t *testing.T) {
	for name, c := range map[string]struct {
		value float64
		bound Bound
		held  string
	}{
		"nothing promised": {0.5, Bound{}, ""},
		"reached":          {0.72, Bound{Least: 0.72}, "yes"},
		"not reached":      {0.7199, Bound{Least: 0.72}, "no"},
		"kept":             {1, Bound{Most: 1}, "yes"},
		"not kept":         {1.01, Bound{Most: 1}, "no"},
		"nothing dropped":  {0, Bound{Zero: true}, "yes"},
		"one dropped":      {1, Bound{Zero: true}, "no"},
	} {
		r := Row{Values: []float64{100, c.value, 0}, Bound: c.bound}
		if c.bound.Zero {
			r.Values = []float64{c.value}
		}
		assert.Equal(t, c.held, r.Held(), name)
	}
}

func TestPrint(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Table{
		{Name: "speed", Values: []float64{12.34, 1.234, 123.4}, Bound: Bound{Least: 0.12}},
		{Name: "other", Skipped: "not installed"},
		{Name: "memory", Values: []float64{512.6}, Bound: Bound{Most: 512}},
		{Name: "dropped", Values: []float64{0}, Bound: Bound{Zero: true}},
	}.Print(&out))
	require.Equal(t, `figure   min   median  max  wanted    held
speed    1.23  12.3    123  >= 0.120  yes
memory   513   513     513  <= 512    no
dropped  0     0       0    none      yes
left out: other: not installed

1 bounds missed. The load average above shows whether the machine was busy.
`, out.String())
}

// TestAlternate: each run comes equally often, the order is reversed in each round, and an error ends the runs.
func TestAlternate(t *testing.T) {
	var order []int
	require.NoError(t, Alternate(3, 2, func(round, i int) error {
		order = append(order, 10*round+i)
		return nil
	}))
	require.Equal(t, []int{0, 1, 11, 10, 20, 21}, order)
	calls := 0
	require.ErrorIs(t, Alternate(3, 2, func(int, int) error { calls++; return assert.AnError }), assert.AnError)
	require.Equal(t, 1, calls)
}

func TestFormat(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.1234: "0.123", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 12345: "12345"} {
		assert.Equal(t, want, Format(v))
	}
}
