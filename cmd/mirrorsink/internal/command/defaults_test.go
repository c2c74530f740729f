package command

import (
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// Flags that print something else than they read would show wrong defaults in help texts.
func TestDefaultsCanBeSet(t *testing.T) {
	for _, cmd := range newRoot(nil, nil).Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			_, isList := f.Value.(flags.List)
			if isText := f.Value.Type() == "string"; !isList && !(isText && f.DefValue == "") { // no text is the lack of the flag
				assert.NoError(t, f.Value.Set(f.DefValue), "%s --%s", cmd.Name(), f.Name)
				assert.Equal(t, f.DefValue, f.Value.String(), "%s --%s", cmd.Name(), f.Name)
			}
		})
	}
}
