package l7

import (
	"encoding/json"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestKeys: a name has one key, which gives it back, and needs no escaping.
func TestKeys(t *testing.T) {
	for i, text := range *keys.texts.Load() {
		k, name := Key(i), text.name
		assert.Equal(t, k, KeyOf(name))
		assert.Equal(t, name, k.String())
		if k != element {
			var got map[string]int
			assert.NoError(t, json.Unmarshal([]byte("{"+k.Member()+"7}"), &got), name)
			assert.Equal(t, map[string]int{name: 7}, got)
		}
	}
	assert.Empty(t, element.String()+element.Member())
}

// TestKeysConcurrently: goroutines that make and print the same keys get the same ones.
func TestKeysConcurrently(t *testing.T) {
	const goroutines, names = 4, 100
	var got [goroutines][names]Key
	var wg sync.WaitGroup
	for g := range got {
		wg.Go(func() {
			for i := range names {
				name := "concurrent" + strconv.Itoa(i)
				got[g][i] = KeyOf(name)
				assert.Equal(t, name, got[g][i].String())
			}
		})
	}
	wg.Wait()
	for g := range got {
		assert.Equal(t, got[0], got[g])
	}
}
