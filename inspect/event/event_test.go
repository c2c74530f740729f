package event

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

func TestBatchOwnsWhatItWasGiven(t *testing.T) {
	text := []byte("example.com")
	var b Batch
	b.Events = append(b.Events, Event{
		Name:   b.CopyText(text),
		Fields: b.CopyFields([]l7.Field{{Key: l7.KeyOf("sni"), Text: text}, {Key: l7.KeyOf("id"), Num: 7, Kind: l7.Int}}),
	})
	copy(text, "overwritten")

	e := &b.Events[0]
	assert.Equal(t, "example.com", string(b.Text(e.Name)))
	fields := b.Fields(e)
	require.Len(t, fields, 2)
	assert.Equal(t, "example.com", string(b.Text(fields[0].Text)))
	assert.EqualValues(t, 7, fields[1].Num())
	assert.Equal(t, 22+2*fieldSize+eventSize, b.Size())
	assert.GreaterOrEqual(t, b.Footprint(), b.Size())
}

// TestReleasedBatchesAreUsedAgain: not before the last holder has released them.
func TestReleasedBatchesAreUsedAgain(t *testing.T) {
	var p Pool
	b := p.New()
	b.Events = append(b.Events, Event{Name: b.CopyText([]byte("a name"))})
	b.Retain()
	b.Release()
	assert.Equal(t, "a name", string(b.Text(b.Events[0].Name)))
	b.Release()
	assert.Empty(t, b.Events)

	var zero Batch
	zero.Retain()
	zero.Events = append(zero.Events, Event{})
	zero.Release()
	assert.Len(t, zero.Events, 1, "one that did not come from a pool stays as it is")
}

func TestResetKeepsTheMemory(t *testing.T) {
	var b Batch
	b.Events = append(b.Events, Event{Name: b.CopyText([]byte("a name"))})
	before := b.Footprint()
	b.Reset()
	assert.Zero(t, b.Size())
	assert.Equal(t, before, b.Footprint())
}

// Every counter takes part in Add, so that a counter added later is not forgotten there.
func TestAddCoversEveryCounter(t *testing.T) {
	var one, sum Counters
	fill(reflect.ValueOf(&one).Elem())
	sum.Add(&one)
	assert.Equal(t, one, sum)

	var counts, total Counts
	fill(reflect.ValueOf(&counts).Elem())
	total.Add(&counts)
	assert.Equal(t, counts, total)
}

// fill sets every number in a value of numbers, arrays and structs to 1.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	default:
		v.SetUint(1)
	}
}

func TestByReasonSumsUpToTheReasons(t *testing.T) {
	var c Counters
	var want, got uint64
	for i := range c.Reasons {
		c.Reasons[i] = uint64(i) + 1
		want += c.Reasons[i]
	}
	names := map[string]bool{}
	for name, n := range c.ByReason() {
		names[name] = true
		got += n
	}
	assert.Equal(t, want, got)
	assert.Len(t, names, len(c.Reasons))
}

func TestEveryEnumHasASpelling(t *testing.T) {
	for i := range Kinds {
		assert.NotEmpty(t, i.String())
	}
	for i := range numInitiators {
		assert.NotEmpty(t, i.String())
	}
	for i := range numDirections {
		assert.NotEmpty(t, i.String())
	}
	for i := range numStates {
		assert.NotEmpty(t, i.String())
	}
	for i := range numTCPStates {
		assert.NotEmpty(t, i.String())
	}
	for i := range numEndReasons {
		assert.NotEmpty(t, i.String())
	}
}
