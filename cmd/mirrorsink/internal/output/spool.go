package output

import (
	"net/url"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
)

// spoolOptions are the flags of all outputs that go to AWS.
type spoolOptions struct {
	dir  string
	size flags.Size
}

// defaultSpool is where operating systems keep what waits to be taken elsewhere.
const (
	defaultSpool     = "/var/spool/mirrorsink"
	defaultSpoolSize = 10 * flags.GiB
)

func (o *spoolOptions) addTo(f *pflag.FlagSet) {
	o.dir, o.size = defaultSpool, defaultSpoolSize
	g := flags.In(f, flags.AWS)
	g.String(&o.dir, "spool", "DIR", "keep data that AWS or a receiver of alerts has not accepted yet in this folder, across restarts")
	g.Var(&o.size, "spool-size", "SIZE", "maximum size of the spool; beyond it the oldest files are dropped")
}

func (o *spoolOptions) check() error {
	if err := flags.CheckPath("--spool", o.dir, "a folder"); err != nil {
		return err
	}
	if o.dir == "" {
		return flags.Usagef("--spool: want a folder")
	}
	if o.size < flags.MiB {
		return flags.Usagef("--spool-size %v: want 1MiB at least", &o.size)
	}
	return nil
}

// spoolPart is what outputs that AWS receives share: the client, and the size, of which each may take an even part.
type spoolPart struct {
	*spoolOptions
	bytes  int64
	client *aws.Client
}

// alertShare is the part of the spool for alerts, all outputs together, if there are any: a sixteenth.
const alertShare = 16

// part returns the part of each of a number of outputs. Alerts are whether there are outputs of alerts too.
func (o *spoolOptions) part(client *aws.Client, outputs int, alerts bool) *spoolPart {
	size := int64(o.size)
	if alerts {
		size -= size / alertShare
	}
	return &spoolPart{o, size / int64(max(1, outputs)), client}
}

// alertPart returns the size of the part of each of a number of outputs of alerts.
func (o *spoolOptions) alertPart(outputs int) int64 {
	return int64(o.size) / alertShare / int64(outputs)
}

// folder is a folder for one purpose. Names of buckets and groups become one name of a file each.
func (o *spoolOptions) folder(purpose, name string) string {
	return filepath.Join(o.dir, purpose, url.PathEscape(name))
}
