package output

import (
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
)

// eveOptions are the outputs of EVE lines.
type eveOptions struct {
	To     []string
	rotate rotateOptions
}

func (o *eveOptions) addTo(f *pflag.FlagSet) {
	g := flags.In(f, flags.Outputs)
	g.Strings(&o.To, "eve", "FILE", "write events as EVE JSON lines to a file, to unix:PATH or to - (repeatable; the default is - if there is no other output)")
	o.rotate.addTo(g, EVELines)
}

func (o *eveOptions) check() error {
	if err := checkLines("--eve", o.To); err != nil {
		return err
	}
	return o.rotate.check()
}

// checkLines reports outputs of lines that cannot be.
func checkLines(flag string, specs []string) error {
	for _, spec := range specs {
		if !export.IsFile(spec) {
			continue
		}
		if err := flags.CheckPath(flag, spec, "a file, unix:PATH or -"); err != nil {
			return err
		}
	}
	return nil
}

func (o *eveOptions) count() int { return len(o.To) }

func (o *eveOptions) open(to Config) ([]Output, error) {
	return openLines(o.To, &o.rotate, export.QueueConfig{Kinds: eve.Kinds}, to, func() export.Encoder { return new(eve.Writer) })
}
