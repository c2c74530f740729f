package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
)

// delivery is an output behind which AWS is. Its Close brings events as far as the spool on the local disk, which is quick;
// Deliver brings the spool to AWS, which may take any time.
type delivery interface {
	output
	// Deliver delivers what is in the spool until ctx ends. An error says what stays there for the next start, and why. It is
	// called once, after Close.
	Deliver(ctx context.Context) error
	// Delivered returns where to, and what became of the files in the spool so far.
	Delivered() (awsService, aws.Counts)
	// Trouble returns where to in full, and why the last delivery failed, nil if it did not.
	Trouble() (to string, why error)
}

// awsService is a service of AWS that takes records.
type awsService uint8

const (
	toS3 awsService = iota
	toCloudWatch
	awsServices
)

var awsServiceNames = [awsServices]string{toS3: "s3", toCloudWatch: "cloudwatch"}

// String returns the destination's name, as metrics show it.
func (d awsService) String() string { return awsServiceNames[d] }

// spoolOptions are the flags of all outputs that go to AWS.
type spoolOptions struct {
	dir  string
	size byteSize
}

// defaultSpool is where operating systems keep what waits to be taken elsewhere.
const (
	defaultSpool     = "/var/spool/mirrorsink"
	defaultSpoolSize = 10 * giB
)

func (o *spoolOptions) addTo(f *pflag.FlagSet) {
	o.dir, o.size = defaultSpool, defaultSpoolSize
	f.StringVar(&o.dir, "spool", o.dir, "keep what AWS has not yet taken in this `folder`, over restarts too")
	f.Var(&o.size, "spool-size", "bound of the spool; past it the oldest files are dropped")
}

func (o *spoolOptions) check() error {
	if o.dir == "" {
		return usagef("--spool: want a folder")
	}
	if o.size < miB {
		return usagef("--spool-size %v: want 1MiB at least", &o.size)
	}
	return nil
}

// spool is what outputs that AWS receives share: the client, and the size, of which each may take an even part.
type spool struct {
	dir    string
	bytes  int64
	client *aws.Client
}

// open finds region and credentials, for a number of outputs.
func (o *spoolOptions) open(to outputConfig, outputs int) (*spool, error) {
	client, err := aws.Open(to.ctx, aws.Config{})
	if err != nil {
		return nil, err
	}
	return &spool{o.dir, int64(o.size) / int64(max(1, outputs)), client}, nil
}

// folder is a folder for one purpose. Names of buckets and groups become one name of a file each.
func (s *spool) folder(purpose, name string) string {
	return filepath.Join(s.dir, purpose, url.PathEscape(name))
}

// finish writes all that a replay has left, and delivers it for as long as that gets anywhere. When ctx ends, by an interrupt, the
// delivery does too; an interrupt that came before ended the reading, and the next one finds no handler and ends the program.
func (p *pipeline) finish(ctx context.Context, stderr io.Writer) error {
	if ctx.Err() != nil {
		ctx = context.Background()
	}
	_, err := p.write(context.Background())
	stop := p.tellDelay(stderr, tellAfter)
	defer stop()
	if left := p.deliver(ctx); err == nil {
		err = left
	}
	return err
}

// tellAfter is for how long a delivery goes on without a word. It is longer than one takes where nothing is wrong.
const tellAfter = 3 * time.Second

// tellDelay says once, after a while, what AWS has still to take. The function that it returns ends that.
func (p *pipeline) tellDelay(w io.Writer, after time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var teller sync.WaitGroup
	teller.Go(func() {
		select {
		case <-ctx.Done():
		case <-time.After(after):
			if what := p.undelivered(); what != "" {
				fmt.Fprintf(w, "mirrorsink: waiting for AWS to take %s; an interrupt ends the wait, and they stay in the spool\n", what)
			}
		}
	})
	return func() { cancel(); teller.Wait() }
}

// undelivered says how many files wait for which destination, and why if anything is wrong, on one line; "" if none does.
func (p *pipeline) undelivered() string {
	var parts []string
	for _, out := range p.outs {
		d, ok := out.(delivery)
		if !ok {
			continue
		}
		_, c := d.Delivered()
		to, why := d.Trouble()
		switch {
		case c.Waiting.Files == 0:
		case why != nil:
			parts = append(parts, fmt.Sprintf("%d files for %s (%v)", c.Waiting.Files, to, why))
		default:
			parts = append(parts, fmt.Sprintf("%d files for %s", c.Waiting.Files, to))
		}
	}
	return strings.Join(parts, " and ")
}

// deliverAll delivers side by side, as none should wait for one whose service is away.
func deliverAll(ctx context.Context, all []output) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, out := range all {
		if d, ok := out.(delivery); ok {
			wg.Go(func() { errs[i] = d.Deliver(ctx) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}
