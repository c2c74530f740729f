package output

import (
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
)

// eveOptions are the outputs of EVE lines.
type eveOptions struct{ To []string }

func (o *eveOptions) addTo(f *pflag.FlagSet) {
	flags.In(f, flags.Outputs).Strings(&o.To, "eve", "FILE", "write events as EVE JSON lines to a file, to unix:PATH or to - (repeatable; the default is - if there is no other output)")
}

func (o *eveOptions) check() error { return nil }

func (o *eveOptions) count() int { return len(o.To) }

func (o *eveOptions) open(to Config) ([]Output, error) {
	return openLines(o.To, export.QueueConfig{Kinds: eve.Kinds}, to, func() export.Encoder { return new(eve.Writer) })
}
