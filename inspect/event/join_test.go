package event

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// TestJoinedFieldsSayTheSame: fields that went through another batch are what they were, whatever lies before and behind them.
func TestJoinedFieldsSayTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var from, to Batch
		list := rapid.SliceOfN(rapid.Custom(drawField), 0, 5)
		from.CopyFields(list.Draw(t, "before"))
		want := list.Draw(t, "fields")
		copied := from.CopyFields(want)
		from.CopyFields(list.Draw(t, "behind"))
		to.CopyFields(list.Draw(t, "joined to"))
		e := Event{Fields: to.Join(&from, copied)}

		var got []l7.Field
		for _, f := range to.Fields(&e) {
			field := l7.Field{Key: f.Key, Kind: f.Kind, Extra: f.Extra}
			if f.Kind == l7.String {
				field.Text = append([]byte{}, to.Text(f.Text)...)
			} else {
				field.Num = f.Num()
			}
			got = append(got, field)
		}
		assert.Equal(t, len(want), len(got))
		for i := range got {
			assert.Equal(t, want[i], got[i])
		}
	})
}

func drawField(t *rapid.T) (f l7.Field) {
	f.Kind = rapid.SampledFrom([]l7.Kind{l7.String, l7.Int, l7.Bool, l7.Object, l7.End}).Draw(t, "kind")
	f.Key = rapid.SampledFrom([]l7.Key{0, l7.KeyOf("id"), l7.KeyOf("sni")}).Draw(t, "key")
	f.Extra = rapid.Bool().Draw(t, "extra")
	switch f.Kind {
	case l7.String:
		f.Text = []byte(rapid.StringN(0, 9, -1).Draw(t, "text"))
	case l7.Int:
		f.Num = rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64, 1 << 32}).Draw(t, "number")
	case l7.Bool, l7.Object, l7.Array, l7.End:
	}
	return f
}
