package l7

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestKeys: a name has one key, which gives it back, and needs no escaping.
func TestKeys(t *testing.T) {
	for i, name := range keys.names {
		k := Key(i)
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
